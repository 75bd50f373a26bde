#include "guards/door_guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "log/log.h"

namespace weir::guards {
namespace {

using Mode = async::GuardChain::Mode;

constexpr Duration lately = std::chrono::seconds(1);

Mode mode(bool observe) { return observe ? Mode::observe : Mode::enforce; }

}  // namespace

DoorGuards::DoorGuards(const config::Guards& guards, Owner owner, const Context& context)
    : owner_(owner), context_(context), chain_(config::Guards::most_rates + 2), event_rates_(context) {
  if (guards.pressure) {
    auto guard = std::make_unique<PressureGuard>(guards.pressure->machine, owner.kind, owner.name, context);
    pressure_ = guard.get();
    chain_.add("pressure", std::move(guard), mode(guards.pressure->observe));
  }
  for (const config::Rate& rate : guards.rates) {
    if (rate.guard.key.reads_events()) {
      rates_.push_back(&event_rates_.add(rate));
      continue;
    }
    auto guard = std::make_unique<async::RateGuard>(rate.guard, context);
    rates_.push_back(guard.get());
    chain_.add(rate.guard.name, std::move(guard), mode(rate.observe));
  }
  say_limits(guards);
  if (!guards.concurrency) return;
  auto guard = std::make_unique<async::ConcurrencyGuard>(guards.concurrency->guard, context);
  concurrency_ = guard.get();
  chain_.add("concurrency", std::move(guard), mode(guards.concurrency->observe));
}

void DoorGuards::watch(std::vector<net::Reactor*> reactors) {
  if (!pressure_ || !pressure_->wants_reactor_lag()) return;
  for (net::Reactor* reactor : reactors) reactor->measure_lag(context_);
  pressure_->set_reactor_lag([all = std::move(reactors)](TimePoint now) {
    std::optional<Duration> worst;
    for (const net::Reactor* reactor : all)
      if (const auto lag = reactor->lag(now)) worst = std::max(worst.value_or(*lag), *lag);
    return worst;
  });
}

void DoorGuards::say_limits(const config::Guards& guards) {
  std::vector<std::string> limits;
  if (guards.pressure) limits.emplace_back("what the machine has left");
  for (const config::Rate& rate : guards.rates)
    if (!rate.guard.key.reads_events()) limits.push_back(config::words_of_each(rate));
  if (guards.concurrency) limits.push_back(config::words_of(*guards.concurrency));
  for (const config::Rate& rate : guards.rates)
    if (rate.guard.key.reads_events()) limits.push_back(config::words_of_each(rate));
  const std::lock_guard lock(mutex_);
  limits_ = std::move(limits);
}

void DoorGuards::reconfigure(const config::Guards& guards) {
  WEIR_CHECK(guards.rates.size() == rates_.size() && guards.concurrency.has_value() == (concurrency_ != nullptr));
  for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i]->reconfigure(guards.rates[i].guard.limit);
  if (concurrency_) concurrency_->reconfigure(guards.concurrency->guard.limit, guards.concurrency->guard.weights);
  say_limits(guards);
}

Admitted<async::Permit> DoorGuards::admit(const async::Arrival& arrival,
                                          std::function<void(const Rejection&)> on_refused) {
  auto permit = chain_.try_start(arrival);
  if (!permit) {
    refused(permit.error());
    on_refused(permit.error());
  } else if (arrival.waiter && arrival.waiter->waits()) {
    arrival.waiter->on_refused = [this, tell = std::move(on_refused)](const Rejection& rejection) {
      if (rejection.reason != Reason::client_gone) after_waiting_.fetch_add(1, std::memory_order_relaxed);
      refused(rejection);
      tell(rejection);
    };
  }
  return permit;
}

Admitted<void> DoorGuards::admit_events(EventCaller& reader, const async::Caller& sender, std::string_view text,
                                        std::span<const Batch::Slot> events) {
  if (event_rates_.empty()) return {};
  auto passed = event_rates_.admit(reader, sender, text, events);
  if (!passed) refused(passed.error());
  return passed;
}

void DoorGuards::refused(const Rejection& rejection) {
  if (rejection.reason == Reason::client_gone) return;
  refused_at_.store(context_.now().time_since_epoch().count(), std::memory_order_relaxed);
  if (rejection.reason == Reason::rate_limited) warn_of_full_tables();
}

/// Only where somebody is refused: until then sharing a limit has cost nobody anything.
void DoorGuards::warn_of_full_tables() {
  std::uint64_t sharing = 0;
  for (const async::RateGuard* rate : rates_) sharing += rate->shared();
  if (sharing == sharing_.exchange(sharing, std::memory_order_relaxed)) return;
  log::warn({owner_.kind, owner_.name},
            "guards: more keys come than are told apart, and those that find no place share one limit: raise keys");
}

std::vector<GuardStatus> DoorGuards::status() const {
  std::vector<GuardStatus> all;
  auto asked = chain_.stats();
  const std::size_t at_door = asked.size();
  std::ranges::move(event_rates_.stats(), std::back_inserter(asked));
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < asked.size(); ++i)
    all.push_back({.name = asked[i].name,
                   .limit = limits_[i],
                   .observed = asked[i].observed,
                   .permitted = asked[i].permitted,
                   .refused = asked[i].refusals(),
                   .given_back = asked[i].given_back});
  if (pressure_) all.front().pressure = pressure_->facts();
  if (!concurrency_) return all;
  auto& own = all[at_door - 1];
  own.concurrency = concurrency_->facts();
  // Who waited was permitted a place in the line.
  const auto late = after_waiting_.load(std::memory_order_relaxed);
  own.refused += late;
  own.permitted -= std::min(own.permitted, late);
  return all;
}

std::string DoorGuards::holds_up(TimePoint now) const {
  const TimePoint at{Duration(refused_at_.load(std::memory_order_relaxed))};
  const auto facts = concurrency_ ? concurrency_->facts() : async::ConcurrencyFacts{};
  const std::string under_way =
      fmt::format("{} of {} are under way, {} wait", facts.in_flight, facts.limit.limit, facts.waiting);
  if (at == TimePoint{} || now - at >= lately)
    return facts.waiting > 0 ? "its guards let requests wait for their turn: " + under_way : std::string();
  std::string limits;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& limit : limits_) limits += (limits.empty() ? "" : ", ") + limit;
  }
  std::string why = "its guards (" + limits + ") refuse who is above that";
  if (pressure_ && pressure_->facts().refused_below > 0) why += "; " + words_of(pressure_->facts());
  return concurrency_ ? why + "; " + under_way : why;
}

std::string DoorGuards::why_refused(Reason reason) const {
  if (pressure_ && reason == Reason::overloaded) return words_of(pressure_->facts());
  if (!concurrency_ || reason != Reason::concurrency_limited) return {};
  const auto facts = concurrency_->facts();
  return fmt::format("{} requests are under way here, which is the limit now, and {} wait for their turn",
                     facts.in_flight, facts.waiting);
}

}  // namespace weir::guards
