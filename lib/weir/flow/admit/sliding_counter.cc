#include <weir/flow/admit/sliding_counter.h>

#include <algorithm>

namespace weir::flow {

SlidingCounter::Windows SlidingCounter::at(TimePoint now) const {
  if (windows_.began == never) return {now, 0, 0};
  if (now < windows_.began + config_.length) return windows_;
  const auto passed = (now - windows_.began) / config_.length;
  return {windows_.began + passed * config_.length, 0, passed == 1 ? windows_.current : 0};
}

/// previous (1 - x / length) <= most - current, solved for x; `most` is at least `current`.
Duration SlidingCounter::falls_to(std::uint64_t most, const Windows& windows) const {
  const std::uint64_t room = most - windows.current;
  if (windows.previous <= room) return Duration{0};
  __extension__ using Wide = __int128;
  const Wide wait =
      (Wide{config_.length.count()} * (windows.previous - room) + windows.previous - 1) / windows.previous;
  return Duration(static_cast<Duration::rep>(wait));
}

Duration SlidingCounter::ready_in(std::uint64_t n, TimePoint now) const {
  if (n > config_.limit) return Duration::max();
  const Windows windows = at(now);
  const std::uint64_t most = config_.limit - n;  // may have passed before
  const auto left = [&](TimePoint when) { return std::max(when - now, Duration{0}); };
  if (windows.current <= most) return left(windows.began + falls_to(most, windows));
  const Windows next{windows.began + config_.length, 0, windows.current};
  return left(next.began + falls_to(most, next));
}

Duration SlidingCounter::take(std::uint64_t n, TimePoint now) {
  windows_ = at(now);
  windows_.current += n;
  return Duration{0};
}

void SlidingCounter::give_back(std::uint64_t n, TimePoint now) {
  windows_ = at(now);
  const std::uint64_t of_this = std::min(n, windows_.current);
  windows_.current -= of_this;
  windows_.previous -= std::min(n - of_this, windows_.previous);  // it was taken before this window began
}

RateFacts SlidingCounter::facts(TimePoint now) const {
  const Windows windows = at(now);
  __extension__ using Wide = __int128;
  const Duration left = std::clamp(windows.began + config_.length - now, Duration{0}, config_.length);
  const Wide length = config_.length.count();
  const Wide counted = Wide{windows.current} + (Wide{windows.previous} * left.count() + length - 1) / length;
  RateFacts facts{config_.limit, 0, Duration{0}};
  if (counted < config_.limit) facts.remaining = config_.limit - static_cast<std::uint64_t>(counted);
  if (windows.current > 0)
    facts.reset = left + config_.length;
  else if (windows.previous > 0)
    facts.reset = left;
  return facts;
}

}  // namespace weir::flow
