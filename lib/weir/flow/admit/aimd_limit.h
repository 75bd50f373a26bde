#pragma once
/// Up by one while answers come and the limit is in use, down by a tenth when one fails or is too slow: additive
/// increase, multiplicative decrease.
///
///   failed, or time > too_slow                 L = L x backoff
///   otherwise, if 2 x in flight >= L           L = L + 1
///
/// It sees overload only when it hurts: with `too_slow` far above what is usual it fills the service's queue until
/// requests take that long. Deviates from Netflix's: `least` is 1 and not 20, and what is lost to rounding is kept.
///
/// When to choose it: the service refuses or times out early when it is overloaded, or the response time that is too
/// long is known. It never needs to know what is usual.
///
/// Thread: a value; its owner guards it. Cost: 6 ns an answer; 56 bytes.
/// Ref: Chiu, Jain, "Analysis of the increase and decrease algorithms", 1989; Netflix concurrency-limits AIMDLimit.
#include <weir/flow/admit/concurrency_limit.h>
#include <weir/flow/admit/limit_range.h>

namespace weir::flow {

struct AimdLimitConfig {
  LimitRange range{};
  double backoff = 0.9;  ///< what is left of the limit; above 0, below 1
  Duration too_slow = std::chrono::seconds(5);
  bool operator==(const AimdLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const AimdLimitConfig& config);

class AimdLimit {
 public:
  explicit AimdLimit(const AimdLimitConfig& config)
      : config_(checked(config, "aimd limit")), limit_(config.range.start) {}

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  void answered(const Answer& answer, TimePoint now);
  LimitFacts facts() const;
  Duration wait_inside() const { return Duration{0}; }

 private:
  AimdLimitConfig config_;
  double limit_;
  Duration last_{0};
  LimitMove moved_ = LimitMove::none;
};

static_assert(ConcurrencyLimit<AimdLimit>);

}  // namespace weir::flow
