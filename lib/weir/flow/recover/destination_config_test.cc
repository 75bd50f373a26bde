#include <weir/flow/checks_for_test.h>
#include <weir/flow/recover/destination.h>
#include <weir/flow/recover/retry_throttle.h>

namespace weir::flow {
namespace {

void make_breaker(const BreakerConfig& config) { const Breaker breaker(config); }
void reconfigure_breaker(const BreakerConfig& config) { Breaker(BreakerConfig{}).reconfigure(config); }
void make_backoff(const BackoffConfig& config) { const Backoff backoff(config); }
void make_budget(const RetryBudgetConfig& config) { const RetryBudget budget(config); }
void reconfigure_budget(const RetryBudgetConfig& config) { RetryBudget(RetryBudgetConfig{}).reconfigure(config); }

TEST(DestinationConfig, TheDefaultsAndTheZerosThatMeanSomethingAreTaken) {
  EXPECT_FALSE(check(DestinationConfig{}));
  EXPECT_FALSE(check(BreakerConfig{.half_open_wait = Duration{0}}));
  EXPECT_FALSE(check(BackoffConfig{.base = Duration{0}, .cap = Duration{0}, .additive_most = Duration{0}}));
  EXPECT_FALSE(check(RetryBudgetConfig{.ratio = 0, .minimum = {0}}));
}

TEST(DestinationConfig, ABreakerRefusesDurationsAndSharesThatAreNone) {
  for (auto* const make : {make_breaker, reconfigure_breaker}) {
    for (const Duration wrong : wrong_durations()) {
      expect_refused("window_time", BreakerConfig{.window_time = wrong}, make);
      expect_refused("slow_call", BreakerConfig{.slow_call = wrong}, make);
      expect_refused("open", BreakerConfig{.open = wrong}, make);
    }
    for (const Duration wrong : wrong_durations(Zero::allowed))
      expect_refused("half_open_wait", BreakerConfig{.half_open_wait = wrong}, make);
    for (const double wrong : wrong_numbers(Zero::allowed)) {
      expect_refused("failure_rate", BreakerConfig{.failure_rate = wrong}, make);
      expect_refused("slow_rate", BreakerConfig{.slow_rate = wrong}, make);
    }
  }
}

TEST(DestinationConfig, ABackoffRefusesDurationsThatAreNone) {
  for (const Duration wrong : wrong_durations(Zero::allowed)) {
    expect_refused("base", BackoffConfig{.base = wrong}, make_backoff);
    expect_refused("cap", BackoffConfig{.cap = wrong}, make_backoff);
    expect_refused("additive_most", BackoffConfig{.additive_most = wrong}, make_backoff);
  }
}

TEST(DestinationConfig, ARetryBudgetRefusesWhatIsNoNumberAndNoWindow) {
  for (auto* const make : {make_budget, reconfigure_budget}) {
    for (const double wrong : wrong_numbers(Zero::allowed)) {
      expect_refused("ratio", RetryBudgetConfig{.ratio = wrong}, make);
      expect_refused("minimum", RetryBudgetConfig{.minimum = {wrong}}, make);
    }
    for (const Duration wrong : wrong_durations()) expect_refused("window", RetryBudgetConfig{.window = wrong}, make);
  }
}

TEST(DestinationConfig, ADestinationNamesThePartAndChangesNothingWhenItRefuses) {
  DestinationConfig config;
  config.retry_budget.minimum = {std::numeric_limits<double>::quiet_NaN()};
  expect_refused("retry_budget.minimum", config, [](const DestinationConfig& c) { const Destination to(c, 1); });
  config.breaker.open = std::chrono::seconds(1);
  Destination to({}, 1);
  EXPECT_THROW(to.reconfigure(config), std::invalid_argument);
  const TimePoint now{std::chrono::hours(1)};
  for (int i = 0; i < 5; ++i) to.try_start(Destination::Try::first, now)->failed(now);
  EXPECT_EQ(to.stats(now).next_probe_at - now, BreakerConfig{}.open) << "the breaker kept its own";
}

TEST(DestinationConfig, ARetryThrottleRefusesARatioThatIsNone) {
  for (const double wrong : wrong_numbers(Zero::refused))
    EXPECT_THROW(RetryThrottle(10, wrong), std::invalid_argument) << wrong;
}

}  // namespace
}  // namespace weir::flow
