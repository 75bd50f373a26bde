#pragma once
/// A journal event by event, for commands, and the condition that picks some of them.
///
/// Thread: one owner. Cost: as journal::Walk; a condition copies its event. On damage: holes, as there.
#include <weir/component/expression/expression.h>

#include <optional>

#include "journal/walk.h"
#include "replay_letter.h"

namespace weir::app {

struct JournalEvent {
  std::uint64_t sequence = 0;
  Priority priority = Priority::normal;
  WallTime received{};
  bool dead_letter = false;
  std::string_view text;  ///< until the next one
};

class JournalRecords {
 public:
  /// From the first of these sequences to the last, both included.
  JournalRecords(const std::string& folder, const journal::Recovered& found, std::uint64_t from, std::uint64_t to);
  Result<std::optional<JournalEvent>> next();
  std::vector<journal::Hole> take_holes() { return walk_.take_holes(); }

 private:
  journal::Walk walk_;
  const std::uint64_t from_, to_;
  std::optional<journal::RecordView> record_;
  std::uint32_t index_ = 0;
  std::size_t offset_ = 0;
};

/// With no text it takes everything. A condition on dead letters sees the members of the letter, and its event under
/// `.event`.
class JournalFilter {
 public:
  static Result<JournalFilter> make(const std::string& where);
  bool takes(const JournalEvent& event);
  bool takes(const Letter& letter);

 private:
  bool matches(std::string text, WallTime wall);
  std::optional<Expression> where_;
  LetterReader letters_;
};

}  // namespace weir::app
