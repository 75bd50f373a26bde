#pragma once
/// Lets `limit` units pass in each window of `length`. Windows follow each other from the first use on.
///
/// Whoever may wait can also reserve: units of windows to come are given away, and the answer is when theirs begins.
///
///   left      what this window has; negative: of later windows, as much is given away already
///   reserve   left -= n;  wait = (ceil(-left / limit) windows from this one's start) - now, or 0
///
/// Around the end of a window twice the limit can pass within a moment: half a second before it and half a second after
/// it. SlidingLog and TokenBucket do not have that.
///
/// When to choose it: where a contract is written so ("1000 a minute"), or a client paces itself by "reset".
///
/// Thread: a value; its owner guards it. Cost: a few ns; 40 bytes.
#include <weir/flow/admit/rate.h>
#include <weir/flow/admit/window_config.h>

namespace weir::flow {

class FixedWindow {
 public:
  explicit FixedWindow(const WindowConfig& config) : config_(checked(config, "fixed window")) {}

  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint now);
  RateFacts facts(TimePoint now) const;
  /// Takes n units, of windows to come where needed: the wait until they pass, or a rejection where that is above
  /// `longest`, with how long until it would not be.
  [[nodiscard]] Admitted<Duration> reserve(std::uint64_t n, TimePoint now, Duration longest);

 private:
  struct Window {
    TimePoint began = never;  // of the window that `left` is of; never: nothing was taken yet
    std::int64_t left = 0;
  };
  Window at(TimePoint now) const;
  Duration wait_for(std::int64_t left, const Window& window, TimePoint now) const;

  WindowConfig config_;
  Window window_;
};

static_assert(RateLimiter<FixedWindow>);

}  // namespace weir::flow
