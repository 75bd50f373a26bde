#include <weir/flow/admit/fixed_window.h>

#include <algorithm>

namespace weir::flow {

std::optional<Unfit> check(const WindowConfig& config) {
  using namespace std::chrono_literals;
  if (config.limit == 0) return Unfit{"limit", "is 0: write 1 or more"};
  if (config.limit > 1'000'000'000'000) return Unfit{"limit", "is above 10^12: write less"};
  if (auto unfit = check_duration("length", config.length)) return unfit;
  if (config.length < 1us) return Unfit{"length", "is below 1 us: write more"};
  if (config.length > 24h * 3650) return Unfit{"length", "is above ten years: write less"};
  return std::nullopt;
}

/// The window that is now, with what earlier ones gave away of it.
FixedWindow::Window FixedWindow::at(TimePoint now) const {
  const auto limit = static_cast<std::int64_t>(config_.limit);
  if (window_.began == never) return {now, limit};
  if (now < window_.began) return window_;  // the clock of a test, or another thread's look: nothing new begins
  const auto passed = (now - window_.began) / config_.length;
  Window window{window_.began + passed * config_.length, limit};
  const auto given_away = (limit - window_.left) / limit;  // whole windows; later than those, this one is untouched
  if (passed <= given_away) window.left = std::min(limit, window_.left + passed * limit);
  return window;
}

Duration FixedWindow::wait_for(std::int64_t left, const Window& window, TimePoint now) const {
  if (left >= 0) return Duration{0};
  const auto limit = static_cast<std::int64_t>(config_.limit);
  const auto windows = (-left + limit - 1) / limit;
  if (windows > longest_duration / config_.length) return longest_duration;
  return window.began + windows * config_.length - now;
}

Duration FixedWindow::ready_in(std::uint64_t n, TimePoint now) const {
  if (n > config_.limit) return Duration::max();
  const Window window = at(now);
  return wait_for(window.left - static_cast<std::int64_t>(n), window, now);
}

Duration FixedWindow::take(std::uint64_t n, TimePoint now) {
  window_ = at(now);
  window_.left -= static_cast<std::int64_t>(n);
  return Duration{0};
}

void FixedWindow::give_back(std::uint64_t n, TimePoint now) {
  window_ = at(now);
  window_.left = std::min(window_.left + static_cast<std::int64_t>(n), static_cast<std::int64_t>(config_.limit));
}

RateFacts FixedWindow::facts(TimePoint now) const {
  const Window window = at(now);
  const auto limit = static_cast<std::int64_t>(config_.limit);
  const Duration reset = window.left == limit ? Duration{0} : wait_for(window.left - limit, window, now);
  return {config_.limit, static_cast<std::uint64_t>(std::max<std::int64_t>(window.left, 0)), reset};
}

Admitted<Duration> FixedWindow::reserve(std::uint64_t n, TimePoint now, Duration longest) {
  constexpr std::int64_t most = 100'000'000'000'000'000;  // given away at a time: keeps all sums below defined
  if (n > static_cast<std::uint64_t>(most)) return rejected(Reason::rate_limited, Duration::max());
  const Window window = at(now);
  if (window.left < static_cast<std::int64_t>(n) - most) return rejected(Reason::rate_limited, config_.length);
  const Duration wait = wait_for(window.left - static_cast<std::int64_t>(n), window, now);
  if (wait > longest) return rejected(Reason::rate_limited, wait - longest);
  window_ = window;
  window_.left -= static_cast<std::int64_t>(n);
  return wait;
}

}  // namespace weir::flow
