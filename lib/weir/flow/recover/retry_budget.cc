#include <weir/flow/recover/later.h>
#include <weir/flow/recover/retry_budget.h>

namespace weir::flow {
namespace {

constexpr double rounding = 1e-9;  // 0.29 x 100 is 28.999999999999996

}  // namespace

RetryBudget::RetryBudget(const RetryBudgetConfig& config)
    : config_(checked(config, "retry budget")), sums_(config.window) {}

bool RetryBudget::has_token(const Sums& sums) const {
  const double allowed =
      config_.ratio * static_cast<double>(sums.total(firsts)) + config_.minimum.value * seconds(config_.window);
  return static_cast<double>(sums.total(retries) + 1) <= std::max(1.0, allowed + rounding);
}

bool RetryBudget::try_retry(TimePoint now) {
  sums_.advance(now);
  if (!has_token(sums_)) return false;
  sums_.add(retries, now);
  return true;
}

Duration RetryBudget::time_to_token(TimePoint now) const {
  Sums sums = sums_;
  sums.advance(now);
  TimePoint at = now;
  while (!has_token(sums)) {
    at = sums.next_slot();
    sums.advance(at);
  }
  return until(at, now);
}

void RetryBudget::reconfigure(const RetryBudgetConfig& config) {
  refuse(check(config), "retry budget");
  if (config.window != config_.window) sums_ = Sums(config.window);
  config_ = config;
}

}  // namespace weir::flow
