#pragma once
/// Compares each response time with the average over the last hundreds of answers: as long as it is not `tolerance`
/// times as long, the limit grows by `queue`; above that it shrinks by the ratio.
///
///   usual = mean of the first 10, then usual + 2/601 (time - usual);  usual > 2 x time: usual = 0.95 usual
///   in flight < L / 2      as it is: the limit is not in use
///   gradient = clamp(tolerance x usual / time, 0.5, 1);   failed: 0.5, and no growth
///   L = 0.8 L + 0.2 (L x gradient + queue)
///
/// What lasts becomes usual: a service that is overloaded for some hundreds of answers is no longer found slow, and the
/// limit goes to `most`. The limit cannot sink below 2 x `queue` unless requests fail. Deviates from Netflix's: `least`
/// is 1 and not 20, and failures, which that one overlooks, count.
///
/// When to choose it: overload comes in spikes that are short beside 600 answers, and times differ much, so that the
/// least time says little.
///
/// Thread: a value; its owner guards it. Cost: 40 ns an answer; 72 bytes.
/// Ref: Netflix concurrency-limits Gradient2Limit.
#include <weir/flow/admit/concurrency_limit.h>
#include <weir/flow/admit/limit_range.h>

namespace weir::flow {

struct Gradient2LimitConfig {
  LimitRange range{};
  double tolerance = 1.5;  ///< at least 1
  double queue = 4;        ///< requests that may wait at the service
  double smoothing = 0.2;  ///< above 0, at most 1
  bool operator==(const Gradient2LimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const Gradient2LimitConfig& config);

class Gradient2Limit {
 public:
  explicit Gradient2Limit(const Gradient2LimitConfig& config)
      : config_(checked(config, "gradient2 limit")), limit_(config.range.start) {}

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  void answered(const Answer& answer, TimePoint now);
  LimitFacts facts() const;
  Duration wait_inside() const { return Duration{0}; }

 private:
  void learn(double time);
  void move_to(double limit);

  Gradient2LimitConfig config_;
  double limit_;
  double usual_ = 0, last_ = 0;  // seconds
  std::uint32_t seen_ = 0;       // of the first answers
  LimitMove moved_ = LimitMove::none;
};

static_assert(ConcurrencyLimit<Gradient2Limit>);

}  // namespace weir::flow
