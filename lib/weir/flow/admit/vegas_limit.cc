#include <weir/flow/admit/vegas_limit.h>

#include <cmath>
#include <utility>

namespace weir::flow {

std::optional<Unfit> check(const VegasLimitConfig& config) {
  if (auto unfit = first_unfit({check(config.range), check_share("alpha", config.alpha),
                                check_share("beta", config.beta), check_share("smoothing", config.smoothing),
                                check_share("shrink", config.shrink), check_share("probe", config.probe)}))
    return unfit;
  if (config.beta < config.alpha) return Unfit{"beta", "is below alpha: write at least as much"};
  if (config.smoothing <= 0 || config.smoothing > 1)
    return Unfit{"smoothing", "is not above 0 and at most 1: write 1 for none"};
  if (config.probe < 1) return Unfit{"probe", "is below 1: write 1 or more"};
  if (config.shrink >= 1) return Unfit{"shrink", "is 1 or more: write less"};
  return std::nullopt;
}

VegasLimit::VegasLimit(const VegasLimitConfig& config, std::uint64_t seed)
    : config_(checked(config, "vegas limit")), rng_(seed), limit_(config.range.start) {
  until_probe_ = config_.probe * limit_ * rng_.uniform(0.5, 1);
}

double VegasLimit::step() const { return std::max(1.0, std::floor(std::log10(limit_))); }

/// True: this answer was for learning.
bool VegasLimit::learned_least(Duration time) {
  least_since_ = least_since_ == Duration{0} ? time : std::min(least_since_, time);
  if (--until_probe_ <= 0) {
    until_probe_ = config_.probe * limit_ * rng_.uniform(0.5, 1);
    least_ = std::exchange(least_since_, Duration{0});
    return true;
  }
  if (least_ > Duration{0} && time >= least_) return false;
  least_ = time;
  return true;
}

double VegasLimit::next(const Answer& answer) const {
  if (answer.end == CallEnd::failed) return smaller();
  if (2.0 * answer.in_flight < limit_) return limit_;
  if (queue_ <= step()) return limit_ + config_.beta * step();
  if (queue_ < config_.alpha * step()) return limit_ + step();
  if (queue_ > config_.beta * step()) return smaller();
  return limit_;
}

void VegasLimit::answered(const Answer& answer, TimePoint) {
  const bool failed = answer.end == CallEnd::failed;
  const Duration time = std::max(answer.time, Duration{1});
  if (!failed && learned_least(time)) return;
  if (!failed) queue_ = std::ceil(limit_ * (1 - seconds(least_) / seconds(time)));
  const double to = next(answer), was = limit_;
  if (to == limit_) return;
  limit_ = (1 - config_.smoothing) * limit_ + config_.smoothing * config_.range.clamp(to);
  if (limit_ > was) moved_ = LimitMove::room;
  if (limit_ < was) moved_ = failed ? LimitMove::failures : LimitMove::contention;
}

LimitFacts VegasLimit::facts() const { return {limit(), moved_, "queue", queue_, config_.beta * step()}; }

}  // namespace weir::flow
