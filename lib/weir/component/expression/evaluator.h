#pragma once
/// Runs a Program on one event after another: what Expression and ValueExpression have in common.
///
/// Each path is read at most once an event. Each node has a place of its own for what it gives and a buffer for the
/// text it makes: nothing is copied on the way up, and nothing allocated once the largest event was seen.
///
/// Thread: one owner. Cost: that of the paths (JsonEvent) and about 5 ns a node.
#include <weir/component/expression/program.h>
#include <weir/component/expression/room.h>

namespace weir {

class Evaluator {
 public:
  explicit Evaluator(Program program);
  // A copy would look into the literals of the first.
  Evaluator(Evaluator&&) = default;
  Evaluator& operator=(Evaluator&&) = default;
  const Program& program() const { return program_; }

  /// What follows speaks about this event.
  void begin(JsonEvent& event, const EventFacts& facts) {
    event_ = &event;
    facts_ = facts;
  }
  bool holds() { return truth(program_.root()); }
  /// Until the next event.
  const JsonValue& root();

 private:
  /// What a node made itself: neither a path nor a literal.
  struct Made {
    JsonValue value;
    std::string text;
    std::optional<WallTime> time;  ///< that the text says
  };
  bool truth(std::uint16_t node);
  const JsonValue& value(std::uint16_t node);
  const JsonValue& path(std::uint16_t index);
  const JsonValue& made(std::uint16_t node);
  void make(std::uint16_t node);
  void calculate(const Program::Node& node, Made& made);
  void make_case(const JsonValue& of, bool up, Made& made);
  void make_time(const Program::Node& node, Made& made);
  static void set_time(WallTime when, Made& made);
  void make_attribute(Attribute which, Made& made);
  void make_collection(const Program::Node& node, Made& made);
  bool put_item(const Program::Node& item, bool named, bool first, Room& json);

  struct Slot {
    JsonValue value;
    std::string unescaped;
    std::uint64_t read_at = 0;  ///< the event it was read from
  };
  Program program_;
  std::vector<Slot> slots_;  // one a path
  std::vector<Made> made_;   // one a node
  JsonEvent* event_ = nullptr;
  EventFacts facts_;
};

/// Writes a value that is not missing as JSON.
void write_json(const JsonValue& value, Room& json);

/// A whole number in full, any other with the fewest digits that give the same double. Gives the place behind it, at
/// most max_number bytes further.
inline constexpr std::size_t max_number = 32;
char* write_number(long double number, char* to);
void append_number(long double number, std::string& out);

}  // namespace weir
