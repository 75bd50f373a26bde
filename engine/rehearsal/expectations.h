#pragma once
/// What a case of `tests:` expected, compared with what came, as lines that a person reads like a diff.
///
///   sink pager: 2 events expected, 1 came
///     {"level":"error"}
///   - {"level":"error","msg":"boom"}
///
/// JSON is shown with sorted members, so that two events can be compared by eye. An object matches when the event has
/// at least its members, with the same rule inside; lists match element by element; numbers match by value. Where an
/// exact text is expected, events are shown as they came.
///
/// Thread: pure functions. Cost: a sink's expected events times those that came, at most a million comparisons (beyond
/// that the middle part is shown as replaced). The text is as it came: the caller that prints it makes it safe for a
/// terminal.
#include <string>
#include <string_view>
#include <vector>

#include "rehearsal/rehearsal.h"

namespace weir::pipeline {

struct DiffLine {
  enum class Kind : std::uint8_t { title, same, expected, got, note };
  Kind kind = Kind::title;
  std::string text;
  bool operator==(const DiffLine&) const = default;
};

/// Empty: the case has passed.
std::vector<DiffLine> differences(const config::TestCase& test, const Rehearsed& rehearsed);

/// Whether a JSON text has at least what another one has, by the rule above.
bool json_covers(std::string_view text, std::string_view wanted);

/// JSON with sorted members and without spaces; a text that is not JSON as it is.
std::string canonical_json(std::string_view text);

}  // namespace weir::pipeline
