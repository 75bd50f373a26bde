#include <weir/flow/queue/edge_config.h>

namespace weir::flow {

std::optional<Unfit> check(const CodelConfig& config) {
  return first_unfit({check_duration("target", config.target), check_duration("interval", config.interval)});
}

std::optional<Unfit> check(const EdgeConfig& config) {
  return first_unfit({config.max_wait ? check_duration("max_wait", *config.max_wait) : std::nullopt,
                      check_share("pause_at", config.pause_at), check_share("resume_at", config.resume_at),
                      check_share("reserved_for_high", config.reserved_for_high),
                      check_duration("age_boost", config.age_boost),
                      config.codel ? within("codel", check(*config.codel)) : std::nullopt,
                      config.expire_after ? check_duration("expire_after", *config.expire_after) : std::nullopt,
                      check_share("dead_letter_shed", config.dead_letter_shed)});
}

}  // namespace weir::flow
