#include <weir/flow/admit/gradient2_limit.h>

namespace weir::flow {
namespace {

constexpr std::uint32_t first_answers = 10;
constexpr double per_answer = 2.0 / 601;  // of an exponential average over 600
constexpr double least_gradient = 0.5;

}  // namespace

std::optional<Unfit> check(const Gradient2LimitConfig& config) {
  if (auto unfit = first_unfit({check(config.range), check_share("tolerance", config.tolerance),
                                check_share("queue", config.queue), check_share("smoothing", config.smoothing)}))
    return unfit;
  if (config.tolerance < 1) return Unfit{"tolerance", "is below 1: write 1 or more"};
  if (config.smoothing <= 0 || config.smoothing > 1)
    return Unfit{"smoothing", "is not above 0 and at most 1: write 1 for none"};
  return std::nullopt;
}

void Gradient2Limit::learn(double time) {
  last_ = time;
  if (seen_ < first_answers)
    usual_ += (time - usual_) / ++seen_;
  else
    usual_ += (time - usual_) * per_answer;
  if (usual_ > 2 * time) usual_ *= 0.95;
}

void Gradient2Limit::move_to(double limit) {
  limit_ = config_.range.clamp((1 - config_.smoothing) * limit_ + config_.smoothing * limit);
}

void Gradient2Limit::answered(const Answer& answer, TimePoint) {
  const double was = limit_;
  if (answer.end == CallEnd::failed) {
    move_to(limit_ * least_gradient);
    if (limit_ < was) moved_ = LimitMove::failures;
    return;
  }
  learn(seconds(std::max(answer.time, Duration{1})));
  if (answer.in_flight < limit_ / 2) return;
  const double gradient = std::clamp(config_.tolerance * usual_ / last_, least_gradient, 1.0);
  move_to(limit_ * gradient + config_.queue);
  if (limit_ > was) moved_ = LimitMove::room;
  if (limit_ < was) moved_ = LimitMove::contention;
}

LimitFacts Gradient2Limit::facts() const {
  return {limit(), moved_, "slowdown", usual_ > 0 ? last_ / usual_ : 0, config_.tolerance};
}

}  // namespace weir::flow
