#pragma once
/// A condition on one event, compiled once: `.status == "paid" && .total >= 10`.
///
/// docs/expressions.md has the language on one page; values (value_expression.h) are written in the same. A path into
/// something that is not there, or not JSON, is *missing*: every comparison with it is false (also !=), and !(...)
/// negates that. No event can make evaluation fail.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has. Several expressions on
/// one event share a JsonEvent, so that it is indexed once.
///
/// Thread: one owner (it holds a parser's memory); compile one for each thread. Cost: about 160 ns for one field of a
/// 200-byte event; each path is read at most once an event, and only when it decides something.
#include <weir/component/expression/evaluator.h>

namespace weir {

class Expression {
 public:
  /// The error names the place with a caret under it.
  static Result<Expression> compile(std::string_view text, Bytes largest_event = 16_MiB);

  bool matches(std::string_view event, const EventFacts& facts = {}) {
    own_.look_at(event);
    return matches(own_, facts);
  }
  /// Always with the same JsonEvent, and never with one as well as with bare events.
  bool matches(JsonEvent& event, const EventFacts& facts) {
    evaluator_.begin(event, facts);
    return evaluator_.holds();
  }

  /// What it reads of an event's origin.
  Attributes attributes() const { return evaluator_.program().attributes; }

 private:
  Expression(Program program, Bytes largest_event) : evaluator_(std::move(program)), own_(largest_event) {}
  Evaluator evaluator_;
  JsonEvent own_;
};

}  // namespace weir
