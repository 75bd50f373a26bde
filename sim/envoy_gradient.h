#pragma once
/// Envoy's gradient controller, to compare with: it measures the service at `least` in flight once a minute, and keeps
/// the median of each window near that.
///
///   every interval and jitter, or after 5 windows at `least`: the limit is `least` until 50 requests are answered;
///   min = their median; then the limit is what it was before
///   each window: gradient = clamp(min (1 + buffer) / median, 0.5, 2);  L = gradient L + sqrt(gradient L)
///
/// Answers whose requests were sent before the window are not looked at.
///
/// Thread: a value; its owner guards it. Cost: a median a window; it keeps the window's times, and so it is not a value
/// of the library. Ref: Envoy, "adaptive concurrency", gradient controller.
#include <weir/base/rng.h>
#include <weir/flow/admit/concurrency_limit.h>

#include <vector>

namespace weir::sim {

struct EnvoyGradientConfig {
  std::uint32_t least = 3, most = 1000;
  double buffer = 0.25, jitter = 0.15;
  std::size_t probe_answers = 50, window_answers = 5;
  Duration window = std::chrono::milliseconds(100), probe_every = std::chrono::seconds(60);
};

class EnvoyGradient {
 public:
  EnvoyGradient(const EnvoyGradientConfig& config, std::uint64_t seed)
      : config_(config), rng_(seed), limit_(config.least) {}

  std::uint32_t limit() const { return limit_; }
  void answered(const flow::Answer& answer, TimePoint now);
  flow::LimitFacts facts() const { return {limit_, moved_, "response time", seconds(last_), tolerated()}; }
  Duration wait_inside() const { return Duration{0}; }

  bool probing() const { return probing_; }
  Duration least_time() const { return min_; }
  /// `drawn` in milliseconds, modulo the share of the interval.
  static Duration jittered(Duration interval, double share, std::uint64_t drawn);

 private:
  Duration take_median();
  double tolerated() const { return seconds(min_) * (1 + config_.buffer); }
  void probe(TimePoint now);
  void end_probe(TimePoint now);
  void end_window(TimePoint now);

  EnvoyGradientConfig config_;
  Rng rng_;
  std::uint32_t limit_, before_probe_ = 0;
  bool probing_ = true;
  std::vector<Duration> times_;
  Duration min_{0}, last_{0};
  TimePoint since_ = TimePoint::min(), window_ends_{}, next_probe_{};
  int at_least_ = 0;  // windows in a row
  flow::LimitMove moved_ = flow::LimitMove::none;
};

static_assert(flow::ConcurrencyLimit<EnvoyGradient>);

}  // namespace weir::sim
