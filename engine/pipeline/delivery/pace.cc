#include "pipeline/delivery/pace.h"

#include <weir/flow/recover/later.h>

#include <algorithm>
#include <ranges>

namespace weir::pipeline {
namespace {

using async::RateUnit;

constexpr Duration lately = std::chrono::seconds(1);

}  // namespace

Pace::Line::Line(const config::Rate& r) : rate(r), limit(r.guard.limit) {
  status.name = r.guard.name;
  status.limit = config::words_of(r);
  status.observed = r.observe;
}

std::uint64_t Pace::Line::units(const PacedLoad& piece) const {
  switch (rate.guard.per) {
    case RateUnit::requests: return piece.calls;
    case RateUnit::events: return piece.load.events;
    case RateUnit::bytes: break;
  }
  return piece.load.bytes.count();
}

Pace::Pace(const config::Guards& guards) : none_(guards.empty()) {
  for (const config::Rate& rate : guards.rates) lines_.emplace_back(rate);
}

void Pace::reconfigure(const config::Guards& guards, TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::vector<Line> next;
  for (const config::Rate& rate : guards.rates) {
    Line& line = next.emplace_back(rate);
    const auto old = std::ranges::find(lines_, rate.guard.name,
                                       [](const Line& l) -> const std::string& { return l.rate.guard.name; });
    const bool same = old != lines_.end() && old->rate.guard == rate.guard;
    if (same)
      line.limit = old->limit;
    else
      line.limit.charge(rate.guard.limit.at_once(), now);
    if (old == lines_.end()) continue;
    line.status.permitted = old->status.permitted;
    line.status.refused = old->status.refused;
    line.status.given_back = old->status.given_back;
  }
  lines_ = std::move(next);
  none_.store(lines_.empty(), std::memory_order_relaxed);
}

Load Pace::at_most(Load most) const {
  if (none()) return most;
  const std::lock_guard lock(mutex_);
  for (const Line& line : lines_) {
    if (line.rate.observe) continue;
    const std::uint64_t once = line.rate.guard.limit.at_once();
    if (line.rate.guard.per == RateUnit::events) most.events = std::min(most.events, once);
    if (line.rate.guard.per == RateUnit::bytes) most.bytes = std::min(most.bytes, Bytes(once));
  }
  return most;
}

Duration Pace::try_take(const PacedLoad& piece, TimePoint now) {
  if (none()) return Duration{0};
  const std::lock_guard lock(mutex_);
  Duration wait{0};
  for (Line& line : lines_) {
    const std::uint64_t n = line.units(piece);
    if (line.rate.observe || n == 0) continue;
    const Duration its = line.limit.ready_to_overdraw_in(n, now);
    if (its == Duration{0}) continue;
    wait = std::max(wait, its);
    line.held_until = flow::later(now, its);
    ++line.status.refused;
  }
  if (wait > Duration{0}) return wait;
  for (Line& line : lines_) {
    const std::uint64_t n = line.units(piece);
    const bool over = n > 0 && line.limit.ready_to_overdraw_in(n, now) > Duration{0};
    ++(over ? line.status.refused : line.status.permitted);
    if (!over) line.limit.charge(n, now);
  }
  return Duration{0};
}

void Pace::give_back(const PacedLoad& piece, TimePoint now) {
  if (none()) return;
  const std::lock_guard lock(mutex_);
  for (Line& line : std::views::reverse(lines_)) {
    if (line.rate.observe) continue;  // it would have to be known whether it was over
    line.limit.give_back(line.units(piece), now);
    ++line.status.given_back;
  }
}

Duration Pace::least_time(const PacedLoad& piece) const {
  if (none()) return Duration{0};
  const std::lock_guard lock(mutex_);
  double longest = 0;
  for (const Line& line : lines_)
    if (!line.rate.observe)
      longest = std::max(longest, static_cast<double>(line.units(piece)) / line.rate.guard.limit.rate().value);
  return from_seconds(longest);
}

std::string Pace::holds_up(TimePoint now) const {
  if (none()) return {};
  const std::lock_guard lock(mutex_);
  const Line* longest = nullptr;
  for (const Line& line : lines_)
    if (line.status.refused > 0 && !line.rate.observe && now - lately < line.held_until &&
        (!longest || line.held_until > longest->held_until))
      longest = &line;
  return longest ? longest->status.limit : std::string{};
}

std::vector<GuardStatus> Pace::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<GuardStatus> all;
  for (const Line& line : lines_) all.push_back(line.status);
  return all;
}

}  // namespace weir::pipeline
