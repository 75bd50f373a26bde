#include <weir/flow/recover/hedge_delay.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

constexpr double hedge_step = 0.1, hedge_quantile = 0.95;

}  // namespace

void HedgeDelay::answered(Duration time) {
  if (fixed_) return;
  if (known_ == 0) estimate_ = std::clamp(seconds(time), seconds(least), seconds(most));
  learn(seconds(time) > estimate_);
}

void HedgeDelay::learn(bool longer) {
  if (fixed_) return;
  known_ = std::min(known_ + 1, answers_needed);
  estimate_ *= std::exp(longer ? hedge_step * hedge_quantile : -hedge_step * (1 - hedge_quantile));
  estimate_ = std::clamp(estimate_, seconds(least), seconds(most));
}

std::optional<Duration> HedgeDelay::after() const {
  if (fixed_) return fixed_;
  return known_ < answers_needed ? std::nullopt : std::optional(from_seconds(estimate_));
}

}  // namespace weir::flow
