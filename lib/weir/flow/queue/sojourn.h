#pragma once
/// How long work takes from when it was read to its end, now and usually, and what the difference means. A mean hides
/// the difference: when p99 goes up and p50 does not, a subset is stuck (one worker, one key, one host); when both go
/// up, all of it is slow.
///
///   now       p50 and p99 of what ended in the last 20 to 30 s (three slices of 10 s), an event as heavy as another
///   usual     exp(mean(ln p)) over the slices before these, forgotten within an hour. The mean of logarithms, because
///             one slice a thousand times as slow must not make the next one look fast.
///   up        now >= 3 x usual and now >= usual + 10 ms
///   patience  max(1 s, 10 x p99), p99 the larger of now and usual; 30 s while neither is known
///
///   stalled        nothing has ended for `patience`, and something has been here for longer than that
///   systemic       p50 is up (and with it p99): the whole is slow
///   subset         p99 alone is up; or something has been under way for `patience` and others ended meanwhile
///   as_usual       none of these
///   usual_unknown  enough ended, but not yet in the time before that it could be compared with
///   too_few        fewer than 20 batches ended; or p99 alone is up and fewer than 100 did, of which the p99 is the
///                  maximum
///
/// What is slow for an hour becomes usual: a slowdown is reported for at most about an hour.
///
/// When to choose it: one beside each queue and its workers, where people will ask why it is slow.
///
/// Thread: one owner. Cost: `ended` about 20 ns, once for each batch; 60 KiB; `stats` merges the slices, 7 us.
/// Ref: histogram.h, ewma.h.
#include <weir/base/ewma.h>
#include <weir/base/histogram.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::flow {

/// Bounds of the buckets in which all that ever ended is counted, in seconds: 2 to 2.5 apart, so that a quantile over
/// several processes is off by half at most.
inline constexpr std::array<double, 16> sojourn_bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                       0.5,   1,      2.5,   5,    10,    30,   60,  300};

/// One moment, as plain data.
struct Sojourn {
  struct Times {
    Duration p50{0}, p99{0};
  };
  Times now;                   ///< of `batches`; 0 when nothing ended lately
  std::uint64_t batches = 0;   ///< that ended lately
  std::optional<Times> usual;  ///< absent until enough ended before
  std::uint64_t events = 0;    ///< that ever ended
  double total = 0;            ///< seconds that these took together
  /// Of these, how many took longer than the bound before and no longer than this one; the last: longer than all.
  std::array<std::uint64_t, sojourn_bounds.size() + 1> buckets{};

  Duration quiet{0};      ///< since the last end (or since the start)
  Duration oldest{0};     ///< age of the oldest that has not ended; told by the owner of the meter
  Duration under_way{0};  ///< the longest time a worker has held its present piece; told by the owner of the meter
};

enum class SojournVerdict : std::uint8_t { too_few, usual_unknown, as_usual, subset, systemic, stalled };
SojournVerdict judge(const Sojourn& sojourn);
std::string_view name(SojournVerdict verdict);
/// The age from which on something that has not ended is taken for stuck.
Duration patience_of(const Sojourn& sojourn);

class SojournMeter {
 public:
  explicit SojournMeter(TimePoint start);
  /// A batch of so many events came to its end, `time` after it was read.
  void ended(Duration time, std::uint64_t events, TimePoint now);
  /// With `oldest` and `under_way` still 0.
  Sojourn stats(TimePoint now);

 private:
  struct Slice {
    Histogram times;
    std::uint64_t batches = 0;
  };
  void advance(TimePoint now);
  void retire(Slice& slice, TimePoint now);

  std::array<Slice, 3> slices_;
  std::int64_t current_;
  Ewma p50_, p99_;  // of the logarithms
  TimePoint last_end_;
  std::uint64_t events_ = 0;
  double total_ = 0;
  std::array<std::uint64_t, sojourn_bounds.size() + 1> buckets_{};
};

}  // namespace weir::flow
