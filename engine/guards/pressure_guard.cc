#include "guards/pressure_guard.h"

#include <fmt/format.h>

#include "config/units_parse.h"
#include "log/log.h"

namespace weir::guards {
namespace {

constexpr Duration between_looks = std::chrono::milliseconds(250);
constexpr auto reactor_lag = static_cast<std::size_t>(flow::MachineResource::reactor_lag);

std::string amount(flow::MachineResource resource, double n) {
  switch (resource) {
    case flow::MachineResource::run_queue: return fmt::format("{:.1f}", n);
    case flow::MachineResource::reactor_lag: return config::human(from_seconds(n));
    default: return fmt::format("{:.0f} %", n * 100);
  }
}

std::string_view words_of(flow::MachineResource resource) {
  switch (resource) {
    case flow::MachineResource::memory: return "memory in use";
    case flow::MachineResource::cpu: return "waiting for a CPU (PSI)";
    case flow::MachineResource::run_queue: return "running tasks for each CPU";
    case flow::MachineResource::reactor_lag: return "lateness of a reactor";
    default: return "open descriptors";
  }
}

}  // namespace

PressureGuard::PressureGuard(const flow::MachinePressureConfig& config, std::string_view kind, std::string_view name,
                             const Context& context, MachineReader reader)
    : config_(config), kind_(kind), name_(name), context_(context), reader_(std::move(reader)), pressure_(config) {}

Admitted<async::Permit> PressureGuard::try_start(const async::Arrival& arrival) {
  look_if_due(context_.now());
  const int below = refused_below_.load(std::memory_order_relaxed), own = static_cast<int>(arrival.priority);
  if (own >= below) return async::Permit();
  return rejected(Reason::overloaded, config_.step * (below - own));
}

void PressureGuard::look_if_due(TimePoint now) {
  if (now.time_since_epoch().count() < next_look_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  next_look_.store((now + between_looks).time_since_epoch().count(), std::memory_order_relaxed);
  auto reading = reader_.read(config_.thresholds);
  if (reactor_lag_ && wants_reactor_lag())
    if (const auto lag = reactor_lag_(now)) reading[reactor_lag] = seconds(*lag);
  say_what_is_unknown(reading);
  const int was = pressure_.facts().refused_below;
  pressure_.look(reading, now);
  const int is = pressure_.facts().refused_below;
  refused_below_.store(pressure_.facts().refused_below, std::memory_order_relaxed);
  if (was == 0 && is > 0)
    log::warn({kind_, name_}, "guards: refuses the lowest priorities while the machine is short: {}",
              words_of(pressure_.facts()));
}

bool PressureGuard::wants_reactor_lag() const { return config_.thresholds[reactor_lag] > 0; }

void PressureGuard::say_what_is_unknown(const flow::MachineReading& reading) {
  for (std::size_t r = 0; r < flow::machine_resources; ++r) {
    if (config_.thresholds[r] == 0 || reading[r] || std::exchange(said_[r], true)) continue;
    const auto resource = static_cast<flow::MachineResource>(r);
    log::warn({kind_, name_},
              "guards: pressure of {} cannot be read on this machine, so it refuses nobody for it; {}: 0 "
              "says that this is meant",
              name(resource), name(resource));
  }
}

flow::MachinePressureFacts PressureGuard::facts() const {
  const std::lock_guard lock(mutex_);
  return pressure_.facts();
}

std::string words_of(const flow::MachinePressureFacts& facts) {
  const auto r = static_cast<std::size_t>(facts.most);
  if (!facts.readings[r]) return "nothing of it can be read now";
  return fmt::format("{} {}, threshold {}", words_of(facts.most), amount(facts.most, *facts.readings[r]),
                     amount(facts.most, facts.thresholds[r]));
}

}  // namespace weir::guards
