#include <weir/flow/recover/destination_config.h>

#include <array>

namespace weir::flow {

std::optional<Unfit> check(const BreakerConfig& config) {
  return first_unfit({check_duration("window_time", config.window_time),
                      check_share("failure_rate", config.failure_rate), check_share("slow_rate", config.slow_rate),
                      check_duration("slow_call", config.slow_call), check_duration("open", config.open),
                      check_duration("half_open_wait", config.half_open_wait, Zero::allowed)});
}

std::optional<Unfit> check(const BackoffConfig& config) {
  return first_unfit({check_duration("base", config.base, Zero::allowed),
                      check_duration("cap", config.cap, Zero::allowed),
                      check_duration("additive_most", config.additive_most, Zero::allowed)});
}

std::optional<Unfit> check(const RetryBudgetConfig& config) {
  return first_unfit({check_share("ratio", config.ratio), check_rate("minimum", config.minimum, Zero::allowed),
                      check_duration("window", config.window)});
}

std::optional<Unfit> check(const DestinationConfig& config) {
  return first_unfit({within("breaker", check(config.breaker)), within("backoff", check(config.backoff)),
                      within("retry_budget", check(config.retry_budget))});
}

std::string_view name(BreakerConfig::Window window) {
  constexpr std::array<std::string_view, 3> names{"none", "count", "time"};
  return names[static_cast<std::size_t>(window)];
}

std::string_view name(BackoffConfig::Jitter jitter) {
  constexpr std::array<std::string_view, 4> names{"additive", "full", "equal", "decorrelated"};
  return names[static_cast<std::size_t>(jitter)];
}

}  // namespace weir::flow
