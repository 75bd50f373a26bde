#pragma once
/// How a destination is treated: when nothing is sent to it, when to try again, how much load retries may add.
///
/// Thread: values. Cost: none.
#include <weir/base/checked.h>
#include <weir/base/units.h>

#include <cstdint>
#include <optional>

namespace weir::flow {

struct BreakerConfig {
  enum class Window : std::uint8_t { none, count, time };
  int consecutive_failures = 5;                        ///< opens at so many in a row; 0: this trigger is off
  Window window = Window::none;                        ///< opens also by a failure or slow rate over a window
  std::uint32_t window_calls = 100;                    ///< count window: the last so many calls
  Duration window_time = std::chrono::seconds(20);     ///< time window
  std::uint32_t minimum_calls = 10;                    ///< no rate is judged on fewer
  double failure_rate = 0.5;                           ///< opens at this share of failures
  double slow_rate = 1.0;                              ///< opens at this share of slow calls
  Duration slow_call = std::chrono::seconds(60);       ///< a call that took longer is slow
  Duration open = std::chrono::seconds(10);            ///< time to the next probe
  std::uint32_t half_open_calls = 1;                   ///< probes at once
  Duration half_open_wait = std::chrono::seconds(60);  ///< a half-open breaker whose probes never report opens again
  bool operator==(const BreakerConfig&) const = default;
};

/// min(cap, base x 2^n), and how jitter spreads it.
struct BackoffConfig {
  enum class Jitter : std::uint8_t { additive, full, equal, decorrelated };
  Duration base = std::chrono::milliseconds(100);
  Duration cap = std::chrono::seconds(30);
  Jitter jitter = Jitter::full;
  Duration additive_most = std::chrono::milliseconds(100);  ///< additive: + uniform(0, this)
  bool operator==(const BackoffConfig&) const = default;
};

/// Retries may be at most `ratio` of the first attempts, plus a few a second so that a quiet flow can retry at all.
struct RetryBudgetConfig {
  double ratio = 0.2;
  PerSecond minimum{10};
  Duration window = std::chrono::seconds(10);
  bool operator==(const RetryBudgetConfig&) const = default;
};

struct DestinationConfig {
  BreakerConfig breaker;
  BackoffConfig backoff;
  RetryBudgetConfig retry_budget;
  bool operator==(const DestinationConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h). 0 is allowed for half_open_wait (`open` then), a backoff's
/// base and cap (again at once), additive_most and the retry budget's minimum (none).
[[nodiscard]] std::optional<Unfit> check(const BreakerConfig& config);
[[nodiscard]] std::optional<Unfit> check(const BackoffConfig& config);
[[nodiscard]] std::optional<Unfit> check(const RetryBudgetConfig& config);
[[nodiscard]] std::optional<Unfit> check(const DestinationConfig& config);

std::string_view name(BreakerConfig::Window window);
std::string_view name(BackoffConfig::Jitter jitter);

}  // namespace weir::flow
