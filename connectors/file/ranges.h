#pragma once
/// The ranges of files that are in flight, and the offset up to which each file is settled.
///
/// A range is one receipt. When it is settled and every earlier range of its file is, the file's `committed` moves to
/// its end: never over a gap. A range that must not be dropped (it failed, and `stored` was promised) keeps its slot
/// and is due to be read again after a backoff of 100 ms to 30 s.
///
/// Thread: the reactor's; receipts settle on any. Cost: one pass over at most `most` slots for what settled
/// together. Memory: all slots are there from the start. On cancel: a Ranges may go when nothing is in flight.
#include <weir/component/receipt_inbox.h>

#include <algorithm>
#include <array>
#include <optional>

#include "watched.h"

namespace weir::file {

class Ranges {
 public:
  static constexpr std::size_t most = 64;
  struct Range {
    WatchedFile* file = nullptr;
    std::uint64_t begin = 0, end = 0;
    std::uint32_t epoch = 0, events = 0;
    bool large_line = false;  ///< one line longer than max_event, on its way to the dead letters
    Receipt& receipt() { return *receipt_; }

   private:
    friend class Ranges;
    enum class State : std::uint8_t { free, flying, again, settled } state_ = State::free;
    int attempts_ = 0;
    TimePoint due_{};
    std::optional<Receipt> receipt_{};
  };

  /// `wake` is called, on any thread, when something has settled and `collect` should be.
  Ranges(Bytes most_bytes, bool keep_failed, std::function<void()> wake)
      : most_bytes_(most_bytes), keep_failed_(keep_failed), inbox_(std::move(wake)) {}

  /// How many ranges of so many bytes may be issued: the last may go beyond the bound.
  std::size_t room(std::size_t bytes) const {
    if (used_ == most || bytes_ >= most_bytes_.count()) return 0;
    const auto more = bytes == 0 ? 1 : (most_bytes_.count() - bytes_ + bytes - 1) / bytes;
    return std::min<std::size_t>(most - used_, more);
  }
  /// The file's next range; between two there are only bytes that hold no event. Its receipt is owed only its hold.
  Range& issue(WatchedFile& file, std::uint64_t begin, std::uint64_t end, std::uint32_t epoch, bool large_line = false);
  /// Takes in what has settled since. Touches no file: `advance` does, once the files are the reactor's.
  void collect(TimePoint now);
  /// Moves `committed` of the files over what has settled.
  void advance();
  /// A range that is due again; its receipt is new. Null: none is.
  Range* due(TimePoint now);
  /// There is no room for it now: due again at `when`.
  void postpone(Range& range, TimePoint when);
  /// It cannot be read again: its file was emptied.
  void give_up(Range& range);
  /// Nothing is in flight; ranges that wait to be read again are not.
  bool quiet() const { return flying_ == 0; }
  std::size_t waiting() const { return used_; }

 private:
  Range& at(std::size_t i) { return slots_[(head_ + i) % most]; }
  void take(Range& range, TimePoint now);

  const Bytes most_bytes_;
  const bool keep_failed_;
  ReceiptInbox inbox_;
  std::array<Range, most> slots_;
  std::size_t head_ = 0, used_ = 0, flying_ = 0;
  std::uint64_t bytes_ = 0;
  bool moved_ = false;  // since the last advance
};

}  // namespace weir::file
