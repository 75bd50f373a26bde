#pragma once
/// A compiled expression as plain data: what the parser makes and the evaluator runs.
///
/// Nodes refer to each other, to operands and to paths by index; the last node is the root. Bounded: 4 KiB of text,
/// 256 nodes, 32 different paths, 32 levels of parentheses.
///
/// Thread: immutable once parsed. Cost: parsed once at start.
#include <weir/component/expression/json_event.h>

#include <vector>

namespace weir {

struct Program {
  enum class Op : std::uint8_t {
    truth,
    exists,
    contains,
    starts_with,  // of operands
    equal,
    unequal,
    less,
    at_most,
    greater,
    at_least,  // of two operands
    both,
    either,
    negate,  // of nodes
  };
  struct Node {
    Op op;
    std::uint16_t left = 0, right = 0;
  };
  struct Operand {
    std::optional<std::uint16_t> path{};  ///< otherwise a literal
    JsonValue literal{};                  ///< a text's view is set when it is read: it points into `text`
    std::string text{};
    JsonValue value() const {
      JsonValue v = literal;
      if (v.kind == JsonValue::Kind::text) v.text = text;
      return v;
    }
  };
  std::vector<Path> paths;
  std::vector<Operand> operands;
  std::vector<Node> nodes;

  static constexpr std::size_t max_text = 4096, max_nodes = 256, max_paths = 32;
  static constexpr int max_depth = 32;
};

Result<Program> parse_expression(std::string_view text);

}  // namespace weir
