#include "pipeline/delivery/pace.h"

#include <weir/flow/recover/later.h>

#include <algorithm>
#include <ranges>

namespace weir::pipeline {
namespace {

using async::RateUnit;

constexpr Duration lately = std::chrono::seconds(1);

flow::KeyedRates<flow::RateLimit> limits_of(const config::Rate& rate, const flow::RateLimit& fresh) {
  return {rate.keyed() ? rate.guard.keys : 1, fresh};
}

}  // namespace

Pace::Line::Line(const config::Rate& r) : rate(r), limits(limits_of(r, flow::RateLimit(r.guard.limit))) {
  status.name = r.guard.name;
  status.limit = config::words_of_each(r);
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

Pace::Pace(const config::Guards& guards, const KeyHash& secret) : secret_(secret), none_(guards.empty()) {
  for (const config::Rate& rate : guards.rates) lines_.emplace_back(rate);
  look_for_keys();
}

void Pace::look_for_keys() {
  by_event_ = std::ranges::any_of(lines_, [](const Line& line) { return line.rate.keyed(); });
}

std::uint64_t Pace::key_of(const Line& line, const async::Caller* caller) const {
  return line.rate.keyed() ? async::hash_of(line.rate.guard.key, caller, secret_) : 0;
}

void Pace::reconfigure(const config::Guards& guards, TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::vector<Line> next;
  for (const config::Rate& rate : guards.rates) {
    Line& line = next.emplace_back(rate);
    const auto old = std::ranges::find(lines_, rate.guard.name,
                                       [](const Line& l) -> const std::string& { return l.rate.guard.name; });
    const bool same = old != lines_.end() && old->rate.guard == rate.guard;
    if (same) {
      line.limits = std::move(old->limits);
    } else {
      flow::RateLimit spent(rate.guard.limit);
      spent.charge(rate.guard.limit.at_once(), now);
      line.limits = limits_of(rate, spent);
    }
    if (old == lines_.end()) continue;
    line.status.permitted = old->status.permitted;
    line.status.refused = old->status.refused;
    line.status.given_back = old->status.given_back;
  }
  lines_ = std::move(next);
  look_for_keys();
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

Duration Pace::try_take(const PacedLoad& piece, TimePoint now, const async::Caller* caller) {
  if (none()) return Duration{0};
  const std::lock_guard lock(mutex_);
  Duration wait{0};
  for (Line& line : lines_) {
    const std::uint64_t n = line.units(piece);
    if (line.rate.observe || n == 0) continue;
    const Duration its = line.limits.ready_to_overdraw_in(key_of(line, caller), n, now);
    if (its == Duration{0}) continue;
    wait = std::max(wait, its);
    line.held_until = flow::later(now, its);
    ++line.status.refused;
  }
  if (wait > Duration{0}) return wait;
  for (Line& line : lines_) {
    const std::uint64_t n = line.units(piece);
    const std::uint64_t key = key_of(line, caller);
    const bool over = n > 0 && line.limits.ready_to_overdraw_in(key, n, now) > Duration{0};
    ++(over ? line.status.refused : line.status.permitted);
    if (!over) line.limits.charge(key, n, now);
  }
  return Duration{0};
}

void Pace::give_back(const PacedLoad& piece, TimePoint now, const async::Caller* caller) {
  if (none()) return;
  const std::lock_guard lock(mutex_);
  for (Line& line : std::views::reverse(lines_)) {
    if (line.rate.observe) continue;  // it would have to be known whether it was over
    line.limits.give_back(key_of(line, caller), line.units(piece), now);
    ++line.status.given_back;
  }
}

Duration Pace::least_time(const PacedLoad& piece) const {
  if (none()) return Duration{0};
  const std::lock_guard lock(mutex_);
  double longest = 0;
  for (const Line& line : lines_)
    if (!line.rate.observe && !line.rate.keyed())
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
