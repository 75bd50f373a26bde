#pragma once
/// Runs a Program on one event after another: what Expression and ValueExpression have in common.
///
/// Each path is read at most once an event, each node has a buffer of its own for the text it makes, and those buffers
/// are kept: no allocation once the largest event was seen.
///
/// Thread: one owner. Cost: that of the paths (JsonEvent) and about 5 ns a node.
#include <weir/component/expression/program.h>

namespace weir {

class Evaluator {
 public:
  explicit Evaluator(Program program)
      : program_(std::move(program)),
        slots_(program_.paths.size()),
        texts_(program_.nodes.size()),
        written_(program_.nodes.size()) {}
  const Program& program() const { return program_; }

  /// What follows speaks about this event.
  void begin(JsonEvent& event, WallTime wall) {
    event_ = &event;
    wall_ = wall;
  }
  bool truth(std::uint16_t node);
  JsonValue value(std::uint16_t node);

 private:
  const JsonValue& path(std::uint16_t index);
  /// As value(), without a copy of what a path leads to.
  const JsonValue& operand(std::uint16_t node, JsonValue& made);
  JsonValue calculated(const Program::Node& node);
  JsonValue joined(std::uint16_t at, std::string_view left, std::string_view right);
  JsonValue text_made(std::uint16_t at, const JsonValue& of);
  JsonValue cased(std::uint16_t at, const JsonValue& of, bool up);
  JsonValue time_made(std::uint16_t at, const Program::Node& node);

  struct Slot {
    JsonValue value;
    std::string unescaped;
    std::uint64_t read_at = 0;  ///< the event it was read from
  };
  Program program_;
  std::vector<Slot> slots_;         // one a path
  std::vector<std::string> texts_;  // one a node
  JsonEvent* event_ = nullptr;
  WallTime wall_;
  std::vector<std::optional<WallTime>> written_;  // one a node: the time that its text says
};

/// A whole number in full, any other with the fewest digits that give the same double; nothing for what is none.
/// At most 32 bytes.
void append_number(long double number, std::string& out);

}  // namespace weir
