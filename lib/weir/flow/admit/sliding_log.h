#pragma once
/// Remembers when what passed did pass: in no window of `length`, wherever it begins, more than `limit` units pass.
///
/// What passed together is one entry of the log. The log is bounded: where it is full the newest entry takes the units
/// in and their later time, so that some count for longer than they should, never shorter.
///
/// When to choose it: the bound is a contract and must be exact ("at most 3 exports an hour"), and there are few keys.
///
/// Thread: a value; its owner guards it. Cost: as much as leaves the window, each once; 16 bytes an entry, made when
/// first needed.
#include <weir/flow/admit/rate.h>
#include <weir/flow/admit/window_config.h>

#include <deque>

namespace weir::flow {

class SlidingLog {
 public:
  static constexpr std::size_t usual_entries = 1024;
  /// `most_entries` at least 1.
  explicit SlidingLog(const WindowConfig& config, std::size_t most_entries = usual_entries);
  /// Of one with so many entries.
  static Bytes footprint(const WindowConfig& config, std::size_t most_entries = usual_entries);

  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint now);
  RateFacts facts(TimePoint now) const;

 private:
  struct Entry {
    TimePoint at;
    std::uint64_t n;
  };
  void forget(TimePoint now);
  std::uint64_t counted(TimePoint now) const;

  WindowConfig config_;
  std::size_t most_entries_;
  std::deque<Entry> log_;  // oldest first
  std::uint64_t sum_ = 0;
};

static_assert(RateLimiter<SlidingLog>);

}  // namespace weir::flow
