#pragma once
/// A compiled expression as plain data: what the parser makes and the evaluator runs.
///
/// Nodes form a tree; they refer to each other, to literals and to paths by index, and the last node is the root. Each
/// has a Growth: how long what it gives can be, written as JSON, for an event of a given length. Bounded: 4 KiB of
/// text, 512 nodes, 32 different paths, 32 levels of parentheses, 16 times the event.
///
/// Thread: immutable once parsed. Cost: parsed once at start.
#include <weir/component/expression/json_event.h>
#include <weir/component/stage.h>

#include <vector>

namespace weir {

struct Program {
  enum class Op : std::uint8_t {
    literal,
    path,
    exists,
    contains,
    starts_with,
    equal,
    unequal,
    less,
    at_most,
    greater,
    at_least,
    both,
    either,
    negate,
    add,
    subtract,
    multiply,
    divide,
    lower,
    upper,
    length,
    now,
    to_unix,
    to_rfc3339,
    to_number,
    to_text,
    coalesce,
    choose,
    attribute,  ///< first: which
    object,     ///< first: its first item, or no_item
    array,
    item,  ///< first: its value; second: the next item, or no_item; third: the literal that is its key, in an object
  };
  struct Node {
    Op op;
    std::uint16_t first = 0, second = 0, third = 0;  ///< nodes; of a literal or path: its index
    Growth growth{.factor = 0};
  };
  struct Literal {
    JsonValue value{};  ///< of a text without its view, until the program is where it stays
    std::string text{};
  };
  std::vector<Path> paths;
  std::vector<Literal> literals;
  std::vector<Node> nodes;
  Attributes attributes{};  ///< that it reads
  static constexpr std::uint16_t no_item = 0xffff;

  std::uint16_t root() const { return static_cast<std::uint16_t>(nodes.size() - 1); }
  static constexpr std::size_t max_text = 4096, max_nodes = 512, max_paths = 32;
  static constexpr std::uint64_t max_factor = 16;
  static constexpr int max_depth = 32;
};

/// The growth of a node whose operands are there already.
Growth growth_of(const Program& program, const Program::Node& node);

enum class Wanted : std::uint8_t { condition, value };
Result<Program> parse_expression(std::string_view text, Wanted wanted);

}  // namespace weir
