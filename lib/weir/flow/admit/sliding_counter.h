#pragma once
/// Estimates what passed in the last `length` from two counts: this window's, and the part of the window before it that
/// is still within reach, as if its load had been even.
///
///   estimate = current + previous (1 - part of this window that is over);  n pass if estimate + n <= limit
///
/// Smoother than FixedWindow and as small. Where load comes in bursts it is wrong in either direction: a burst at the
/// very end of a window is taken for an even one, so that up to twice the limit can pass within `length`.
///
/// When to choose it: many keys, limits written as "so many a minute", and a bound that need not be exact.
///
/// Thread: a value; its owner guards it. Cost: a few ns; 48 bytes.
/// Ref: the sliding window counter as CDNs use it.
#include <weir/flow/admit/rate.h>
#include <weir/flow/admit/window_config.h>

namespace weir::flow {

class SlidingCounter {
 public:
  explicit SlidingCounter(const WindowConfig& config) : config_(checked(config, "sliding counter")) {}

  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint now);
  RateFacts facts(TimePoint now) const;

 private:
  struct Windows {
    TimePoint began = never;  // of the current one; never: nothing was taken yet
    std::uint64_t current = 0, previous = 0;
  };
  Windows at(TimePoint now) const;
  /// How long after `began` the windows' estimate has come down to `most`, as long as they are the two that count.
  Duration falls_to(std::uint64_t most, const Windows& windows) const;

  WindowConfig config_;
  Windows windows_;
};

static_assert(RateLimiter<SlidingCounter>);

}  // namespace weir::flow
