#pragma once
/// The input of a replay: the events of a dead-letter file, line by line, or of a journal, in their order. Dead letters
/// give the event that is in them.
///
/// Thread: one owner. Cost: sequential reading. Bound: a line of 64 MiB. A last line without its line feed is still
/// being written: it is left for the next time.
#include <cstdio>
#include <memory>
#include <optional>

#include "journal_records.h"

namespace weir::app {

/// Where a replay goes on: a line of the file and its offset, or a sequence of the journal.
struct ReplayPosition {
  std::uint64_t next = 1, offset = 0;
  bool operator==(const ReplayPosition&) const = default;
};

struct ReplayItem {
  std::uint64_t number = 0;  ///< line or sequence
  WallTime at{};             ///< of the letter, or when the event came in
  std::string event;
  std::string unreadable;  ///< why it cannot be replayed
  bool wanted = true;      ///< by the condition
};

class ReplaySupply {
 public:
  virtual ~ReplaySupply() = default;
  virtual Result<std::optional<ReplayItem>> next() = 0;
  /// Behind the last item.
  virtual ReplayPosition place() const = 0;
  /// A fingerprint that is stored with a position: if the bytes before it have changed, it is another file.
  virtual std::string identity(const ReplayPosition& place) = 0;
  virtual std::string_view unit() const = 0;        ///< "line", "event"
  virtual std::uint64_t lost() const { return 0; }  ///< events that should be there and are not
};

/// To be moved to a place before the first item; nothing: the reason has been written to standard error.
class ReplaySource {
 public:
  static std::optional<ReplaySource> open(const std::string& from, bool live);
  std::string identity(const ReplayPosition& place);
  std::unique_ptr<ReplaySupply> begin(const ReplayPosition& place, JournalFilter filter);

 private:
  std::string path_;
  std::shared_ptr<journal::Disk::Lock> lock_;
  std::optional<journal::Recovered> journal_;
};

}  // namespace weir::app
