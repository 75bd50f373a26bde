#pragma once
/// A condition on one event, compiled once: `.status == "paid" && .total >= 10`.
///
/// docs/expressions.md has the language on one page. In short: paths, literals, == != < <= > >=, && || !, parentheses,
/// exists(p), contains(p, "x"), starts_with(p, "x"). A path into something that is not there, or not JSON, is
/// *missing*: every comparison with it is false (also !=), and !(...) negates that. No event can make evaluation fail.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has.
///
/// Thread: one owner (it holds a parser's memory); compile one for each thread. Cost: about 100 ns for one field of a
/// 200-byte event; each path is read at most once an event, and only when it decides something.
#include <weir/component/expression/program.h>

namespace weir {

class Expression {
 public:
  /// The error names the place with a caret under it.
  static Result<Expression> compile(std::string_view text, Bytes largest_event = 16_MiB);

  bool matches(std::string_view event);

 private:
  Expression(Program program, Bytes largest_event);
  bool run(std::size_t node);
  JsonValue value(std::size_t operand);

  struct Slot {
    JsonValue value;
    std::string unescaped;
    std::uint64_t read_at = 0;  ///< the event it was read from
  };
  Program program_;
  JsonEvent event_;
  std::vector<Slot> slots_;  // one a path
  std::uint64_t event_number_ = 0;
};

}  // namespace weir
