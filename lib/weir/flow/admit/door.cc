#include <weir/flow/admit/door.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

using Seconds = std::chrono::seconds;

constexpr double place_seconds = 1.0 / Promises::slots_per_second;
constexpr std::int64_t groups_in_balance = 5;
constexpr double promised_share = 0.95;     // of the service rate; the rest is for measuring errors and newcomers
constexpr double half_the_bound = 0.55;     // of the bound's work may stand in one window
constexpr double highest_forecast = 0.85;   // of the bound, for requests that were not told a time
constexpr double almost_empty = 0.1;        // of the bound: to refuse a request now would let the sink idle
constexpr double unasked_memory = 5 * 15;   // places
constexpr double largest_surprise = 3;      // times what a place can serve; a herd is no forecast
constexpr std::int64_t quiet_places = 300;  // after that long without an arrival nothing is expected

/// The part of the bound in events that a priority may fill. Where bytes are the tighter bound, events stand for them.
double most_events(const DoorFacts& fact) {
  const Pressure& p = fact.pressure;
  const double bound =
      p.fill > 0 ? static_cast<double>(p.waiting.events) / p.fill : static_cast<double>(p.bound.events);
  return bound * std::min(fact.limit, 1.0);
}

}  // namespace

std::optional<Unfit> check(const DoorConfig& config) {
  return first_unfit({check_duration("max_retry_after", config.max_retry_after), within("hold", check(config.hold))});
}

Door::Door(const DoorConfig& config, std::uint64_t seed)
    : config_(checked(config, "door")),
      rng_(seed),
      promises_(std::min<Duration>(config.max_retry_after, Seconds(300))),
      hold_(config.hold) {}

double Door::on_their_way() const { return mean_events() * static_cast<double>(reading_ + reading_before_); }

void Door::on_admitted(std::uint64_t events) {
  if (std::uint64_t& oldest = reading_before_ > 0 ? reading_before_ : reading_; oldest > 0) --oldest;
  if (events == 0) return;
  const double n = static_cast<double>(events);
  mean_events_ = mean_events_ == 0 ? n : mean_events_ + 0.05 * (n - mean_events_);
}

std::optional<Door::Plan> Door::plan(std::span<const DoorFacts> required) const {
  double rate = 0, work = 0;  // of the slowest destination; the shortest queue
  for (const DoorFacts& fact : required) {
    const double its_rate = fact.pressure.service_rate.value;
    if (its_rate <= 0) continue;
    const double its_work = most_events(fact) / its_rate;
    work = rate > 0 ? std::min(work, its_work) : its_work;
    rate = rate > 0 ? std::min(rate, its_rate) : its_rate;
  }
  if (rate <= 0) return std::nullopt;
  Plan plan;
  for (const Slot slots : {3, 5})
    if (static_cast<double>(slots * groups_in_balance) * place_seconds <= work * half_the_bound) plan.group = slots;
  plan.served = rate / mean_events() * place_seconds * static_cast<double>(plan.group) * promised_share;
  plan.unasked = std::min(unasked_ * static_cast<double>(plan.group), plan.served);
  // A sink that serves less than one request a group needs a longer window, or there would never be a place.
  const double needed = std::ceil(2 / plan.served);
  const Slot most = Promises::memory / plan.group;
  plan.window = needed < static_cast<double>(most) ? std::max(groups_in_balance, static_cast<Slot>(needed)) : most;
  return plan;
}

double Door::expected(Slot group, const Plan& plan) const {
  const auto told = promises_.count(group * plan.group, plan.group);
  return told > 0 ? told + plan.unasked : 0;
}

bool Door::has_room(Slot group, const Plan& plan) const {
  double room = plan.served * static_cast<double>(plan.window) - plan.unasked - 1 -
                promises_.count(group * plan.group, plan.group);
  if (room < 0) return false;
  double before = 0, after = 0;
  for (Slot i = 1; i < plan.window && std::max(before, after) <= room; ++i) {
    before += expected(group - i, plan);
    after += expected(group + i, plan);
  }
  return std::max(before, after) <= room;
}

bool Door::room_beyond_promises(const DoorFacts& fact, const Plan& plan, TimePoint now) const {
  const double rate = fact.pressure.service_rate.value;
  if (rate <= 0) return true;
  const double most = most_events(fact);
  double waiting = static_cast<double>(fact.pressure.waiting.events) + on_their_way();
  if (waiting < almost_empty * most) return true;
  waiting += mean_events();
  const Slot here = Promises::slot(now) / plan.group;
  for (Slot i = 1; waiting <= highest_forecast * most; ++i) {
    if (i > Promises::memory / plan.group || (here + i) * plan.group > promises_.last()) return true;
    waiting = std::max(0.0, waiting - rate * place_seconds * static_cast<double>(plan.group));
    waiting += mean_events() * expected(here + i, plan);
  }
  return false;
}

void Door::count_arrival(double served_per_place, TimePoint now) {
  const Slot slot = Promises::slot(now);
  if (slot - current_ > quiet_places) {
    current_ = slot;
    arrivals_ = 0;
    unasked_ = 0;
  }
  for (; current_ < slot; ++current_, arrivals_ = 0) {
    const double unasked = std::max(0.0, static_cast<double>(arrivals_) - promises_.count(current_));
    unasked_ += (std::min(unasked, largest_surprise * served_per_place) - unasked_) / unasked_memory;
  }
  ++arrivals_;
}

void Door::observe(std::span<const DoorFacts> required, TimePoint now) {
  std::uint64_t waiting = 0;
  for (const DoorFacts& fact : required) waiting += fact.pressure.waiting.events;
  if (moved_ == never || waiting < waiting_ || waiting == 0) moved_ = now;
  waiting_ = waiting;
  if (now - half_minute_ >= Seconds(30)) {
    reading_before_ = now - half_minute_ < Seconds(60) ? reading_ : 0;
    reading_ = 0;
    half_minute_ = now;
  }
}

std::optional<Reason> Door::verdict(std::span<const DoorFacts> required, bool memory_full, TimePoint now) const {
  if (closes_ != never) return Reason::shutting_down;
  for (const DoorFacts& fact : required)
    if (fact.to_probe) return fact.blocked_by;
  const auto plan = this->plan(required);
  const bool open = plan && expected(Promises::slot(now) / plan->group, *plan) > 0;
  for (const DoorFacts& fact : required) {
    const Reason full = fact.limit < 1 ? Reason::priority_shed : Reason::flow_full;
    const double inside = static_cast<double>(fact.pressure.waiting.events) + on_their_way();
    if (inside > 0 && inside + mean_events() > most_events(fact)) return full;
    if (open || fact.reserved) continue;
    if (fact.paused || (plan && !room_beyond_promises(fact, *plan, now))) return full;
  }
  if (memory_full) return Reason::memory_full;
  return std::nullopt;
}

Duration Door::base_wait(std::span<const DoorFacts> required, TimePoint now) const {
  if (closes_ != never) return std::max(Duration{0}, closes_ - now);
  Duration base = now - moved_;
  for (const DoorFacts& fact : required)
    base = std::max({base, fact.pressure.time_to_low.value_or(Duration{0}), fact.to_probe.value_or(Duration{0})});
  return base;
}

Duration Door::promise(std::span<const DoorFacts> required, Reason reason, TimePoint now) {
  const auto longest = std::max<std::int64_t>(1, config_.max_retry_after / Seconds(1));
  const double base = weir::seconds(std::min(base_wait(required, now), config_.max_retry_after));
  const double jittered = std::ceil(base + rng_.uniform(0, base));
  const auto earliest = std::clamp<std::int64_t>(static_cast<std::int64_t>(jittered), 1, longest);
  const auto plan = this->plan(required);
  if (reason == Reason::shutting_down || !plan) return Seconds(earliest);
  // Refusals of one place in time ask for the same later places. What was full stays full, so the search goes on where
  // the last one ended; otherwise every refusal would scan all of a full calendar.
  const Slot here = Promises::slot(now);
  if (here != scanned_.at || earliest < scanned_.from) scanned_ = {here, earliest, earliest};
  const bool goes_on = earliest <= scanned_.next;  // else what lies between has not been looked at
  for (auto s = std::max(earliest, scanned_.next); s <= longest; ++s) {
    const Slot at = Promises::slot(now + Seconds(s));
    if (goes_on) scanned_.next = s;
    if (has_room(at / plan->group, *plan) && promises_.add(at)) return Seconds(s);
  }
  if (goes_on) scanned_.next = longest + 1;
  ++stats_.unpromised;
  return Seconds(longest);
}

/// Held only for want of room, and memory comes back with room. While no rate is known nobody knows that it will take
/// long.
bool Door::held_instead(BriefHold::HeldUnit& unit, std::span<const DoorFacts> required, Reason reason, TimePoint now) {
  const bool before = unit.since != never;
  if (reason != Reason::flow_full && reason != Reason::priority_shed && reason != Reason::memory_full) {
    hold_.leave(unit);
    return false;
  }
  const auto plan = this->plan(required);
  const double each = plan ? place_seconds * static_cast<double>(plan->group) * promised_share / plan->served : 0;
  hold_.hold(unit, base_wait(required, now), from_seconds(each), now);
  if (unit.wait == Duration{0}) return false;
  stats_.held += !before;
  return true;
}

Admitted<void> Door::decide(std::span<const DoorFacts> required, bool memory_full, TimePoint now,
                            BriefHold::HeldUnit* unit) {
  promises_.advance(now);
  if (!unit || unit->since == never) {  // a unit that was held has arrived before
    const auto plan = this->plan(required);
    count_arrival(plan ? plan->served / static_cast<double>(plan->group) : 1, now);
  }
  observe(required, now);
  const auto reason = verdict(required, memory_full, now);
  if (reason && unit && held_instead(*unit, required, *reason, now)) return rejected(*reason);
  if (reason) {
    ++stats_.refused;
    return rejected(*reason, promise(required, *reason, now));
  }
  if (unit) hold_.leave(*unit);
  moved_ = now;
  ++reading_;
  ++stats_.admitted;
  return {};
}

}  // namespace weir::flow
