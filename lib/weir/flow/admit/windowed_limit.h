#pragma once
/// Gives another limit the average of a window instead of each answer: what varies from request to request is then no
/// signal, and the limit moves once a window.
///
///   a window ends with the first answer after its time, when it has `answers` or more
///   told       the mean time, the most in flight, failed if any of them failed
///   not looked at   answers faster than `least_time`: from a cache, not from the service
///
/// When to choose it: in front of Gradient2Limit and VegasLimit where the times of requests differ much, as Netflix's
/// are used; at the price of a second until they notice. AdaptiveLimit has windows of its own.
///
/// Thread: a value; its owner guards it. Cost: 5 ns an answer; 64 bytes and the limit.
/// Ref: Netflix concurrency-limits WindowedLimit (1 s, 10 answers, 100 us).
#include <weir/base/checked.h>
#include <weir/flow/admit/concurrency_limit.h>

#include <algorithm>
#include <utility>

namespace weir::flow {

struct WindowedLimitConfig {
  Duration window = std::chrono::seconds(1);
  std::uint32_t answers = 10;                            ///< at least
  Duration least_time = std::chrono::microseconds(100);  ///< 0: all are looked at
  bool operator==(const WindowedLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] inline std::optional<Unfit> check(const WindowedLimitConfig& config) {
  if (config.answers == 0) return Unfit{"answers", "is 0: write 1 or more"};
  return first_unfit(
      {check_duration("window", config.window), check_duration("least_time", config.least_time, Zero::allowed)});
}

template <ConcurrencyLimit L>
class WindowedLimit {
 public:
  WindowedLimit(const WindowedLimitConfig& config, L limit)
      : config_(checked(config, "windowed limit")), limit_(std::move(limit)) {}

  std::uint32_t limit() const { return limit_.limit(); }
  void answered(const Answer& answer, TimePoint now) {
    const bool failed = answer.end == CallEnd::failed;
    if (!failed && answer.time < config_.least_time) return;
    if (seen_ == 0 && ends_ == never) ends_ = now + config_.window;
    ++seen_;
    sum_ += seconds(answer.time);
    told_.in_flight = std::max(told_.in_flight, answer.in_flight);
    told_.followers = std::max(told_.followers, answer.followers);
    told_.full = told_.full || answer.full;
    if (failed) told_.end = CallEnd::failed;
    if (now < ends_ || seen_ < config_.answers) return;
    told_.time = from_seconds(sum_ / seen_);
    limit_.answered(std::exchange(told_, Answer{}), now);
    seen_ = 0;
    sum_ = 0;
    ends_ = now + config_.window;
  }
  LimitFacts facts() const { return limit_.facts(); }
  Duration wait_inside() const { return limit_.wait_inside(); }

 private:
  WindowedLimitConfig config_;
  L limit_;
  Answer told_;
  double sum_ = 0;
  std::uint32_t seen_ = 0;
  TimePoint ends_ = never;
};

}  // namespace weir::flow
