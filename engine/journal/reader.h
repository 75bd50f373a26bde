#pragma once
/// Reads a log from a position on: committed records, one by one. It steps over what is missing or damaged and says how
/// many events that were.
///
/// Thread: one. Cost: one read per `read_ahead` bytes, a CRC32C pass; no copy. Memory: one read_ahead. On cancel: none.
#include "journal/log.h"

namespace weir::journal {

class Reader {
 public:
  Reader(Log& log, const Position& from) : log_(log), at_(from) {}

  /// The next record, again until `step`, or until the log gives it up. Nothing: everything that is committed has been
  /// read. It lives until the next call.
  /// An error is the disk's: the same call may work later.
  Result<std::optional<RecordView>> next();
  void step();
  /// Of the next record.
  const Position& position() const { return at_; }

  struct Losses {
    std::uint64_t gone = 0;     ///< events that were given up before they were read
    std::uint64_t damaged = 0;  ///< events the disk had lost
  };
  Losses take_losses() { return std::exchange(losses_, {}); }

 private:
  void leave_what_is_given_up();
  Result<bool> find_segment();
  Result<bool> step_over_damage();

  Log& log_;
  Position at_;
  std::optional<Log::Extent> extent_;
  std::optional<SegmentScan> scan_;
  std::optional<RecordView> record_;
  Losses losses_;
};

}  // namespace weir::journal
