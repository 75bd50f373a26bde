#include <weir/flow/admit/aimd_limit.h>

namespace weir::flow {

std::optional<Unfit> check(const AimdLimitConfig& config) {
  if (auto unfit = first_unfit(
          {check(config.range), check_share("backoff", config.backoff), check_duration("too_slow", config.too_slow)}))
    return unfit;
  if (config.backoff <= 0 || config.backoff >= 1) return Unfit{"backoff", "is not between 0 and 1: write 0.9"};
  return std::nullopt;
}

void AimdLimit::answered(const Answer& answer, TimePoint) {
  last_ = answer.time;
  const double was = limit_;
  const bool failed = answer.end == CallEnd::failed;
  if (failed || answer.time > config_.too_slow)
    limit_ = config_.range.clamp(limit_ * config_.backoff);
  else if (2.0 * answer.in_flight >= limit_)
    limit_ = config_.range.clamp(limit_ + 1);
  if (limit_ > was) moved_ = LimitMove::room;
  if (limit_ < was) moved_ = failed ? LimitMove::failures : LimitMove::contention;
}

LimitFacts AimdLimit::facts() const {
  return {limit(), moved_, "response time", seconds(last_), seconds(config_.too_slow)};
}

}  // namespace weir::flow
