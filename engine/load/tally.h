#pragma once
/// What came of a load: counts and times, in bounded memory.
///
///   good     a call that was answered 2xx or 3xx; its time is from when its first attempt was due to that answer
///   goodput  good calls a second of the load
///   success  good / calls; errors the others / calls
///   late     the share of attempts that were sent over 5 ms after they were due: what the generator, or its machine, did
///
/// Percentiles are those of good calls: a call that failed took no time that anybody could use, and is in `errors`.
///
/// Thread: a value. Cost: under 100 ns an attempt. Bound: `most_labels` labels and reasons, what is beyond is counted
/// under "other".
#include <weir/base/histogram.h>

#include <map>
#include <string>
#include <vector>

#include "load/attempt.h"

namespace weir::load {

class Tally {
 public:
  static constexpr std::size_t most_labels = 64;
  static constexpr Duration late_above = std::chrono::milliseconds(5);
  struct Group {
    std::uint64_t calls = 0, good = 0;
    Histogram times;
    std::uint64_t failed() const { return calls - good; }
  };
  /// Of one part of the load's time, by when a call was due.
  struct Slice {
    std::uint64_t due = 0, good = 0, failed = 0;
    std::uint64_t stood_in = 0;  ///< of the good ones: those that the service did not answer itself
    Histogram times{std::chrono::minutes(1)};
  };

  /// `slices`: into how many parts of `length` time is cut.
  explicit Tally(Duration length, std::size_t slices = 100);

  /// An attempt has ended, and with it, perhaps, its call.
  void record(const Attempt& attempt, const Outcome& outcome, bool call_over, const std::string& label, TimePoint began,
              TimePoint now);
  /// How long the load lasted, if it was stopped before its end.
  void cut(Duration length) { length_ = length; }

  const Group& all() const { return all_; }
  const std::map<std::string, Group>& by_label() const { return by_label_; }
  /// Attempts by status ("503") or by what became of them ("deadline").
  const std::map<std::string, std::uint64_t>& by_end() const { return by_end_; }
  const std::map<std::string, std::uint64_t>& by_reason() const { return by_reason_; }
  const std::vector<Slice>& slices() const { return slices_; }
  Duration slice() const { return slice_; }
  Duration length() const { return length_; }
  std::uint64_t attempts() const { return attempts_; }
  std::uint64_t not_sent() const { return not_sent_; }
  /// Good calls that a cache, or a degraded answer, stood in for.
  std::uint64_t stood_in() const { return stood_in_; }
  const Histogram& lags() const { return lags_; }

  double goodput() const;
  double success() const;
  double errors() const;
  double late() const;
  /// Whether what was sent is the load that was asked for: at most 1 % late, and nothing left out.
  bool kept_schedule() const { return late() <= 0.01 && not_sent_ == 0; }

 private:
  Duration length_;
  const Duration slice_;
  std::vector<Slice> slices_;
  Group all_;
  std::map<std::string, Group> by_label_;
  std::map<std::string, std::uint64_t> by_end_, by_reason_;
  Histogram lags_;
  std::uint64_t attempts_ = 0, not_sent_ = 0, late_ = 0, stood_in_ = 0;
};

}  // namespace weir::load
