#pragma once
/// A value made of one event, compiled once: `lower(.host) + ":" + to_text(.port)`.
///
/// The language is that of conditions (docs/expressions.md). What a path alone leads to is copied as it was written,
/// with all its digits and escapes; everything else is written anew. A value of something missing is missing, and so is
/// a sum of values that cannot be added: nothing is written then, and no event can make it fail.
///
/// What it writes is at most growth() of the event's length, known when it is compiled.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has.
///
/// Thread: one owner; compile one for each thread. Cost: about 30 ns for a copied field of an event that is indexed
/// already; no allocation once the largest event was seen.
#include <weir/component/expression/evaluator.h>
#include <weir/component/expression/room.h>

namespace weir {

class ValueExpression {
 public:
  /// The error names the place with a caret under it.
  static Result<ValueExpression> compile(std::string_view text, Bytes largest_event = 16_MiB);

  /// Writes it as JSON; false: it is missing. Always with the same JsonEvent, and never with one as well as with bare
  /// events.
  bool write(JsonEvent& event, const EventFacts& facts, Room& json);
  bool append_to(std::string_view event, const EventFacts& facts, std::string& json);
  /// Its value, for callers that count or compare it instead of writing it; valid until the next call.
  const JsonValue& value(JsonEvent& event, const EventFacts& facts) {
    evaluator_.begin(event, facts);
    return evaluator_.root();
  }
  const Growth& growth() const { return evaluator_.program().nodes.back().growth; }
  /// Every path it may read.
  const std::vector<Path>& paths() const { return evaluator_.program().paths; }
  /// What it reads of an event's origin.
  Attributes attributes() const { return evaluator_.program().attributes; }

 private:
  ValueExpression(Program program, Bytes largest_event) : evaluator_(std::move(program)), own_(largest_event) {}
  Evaluator evaluator_;
  JsonEvent own_;
};

}  // namespace weir
