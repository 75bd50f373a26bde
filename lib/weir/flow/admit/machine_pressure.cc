#include <weir/flow/admit/machine_pressure.h>

namespace weir::flow {

std::string_view name(MachineResource resource) {
  constexpr std::array<std::string_view, machine_resources> names{"memory", "cpu", "run_queue", "descriptors",
                                                                  "reactor_lag"};
  return names[static_cast<std::size_t>(resource)];
}

std::optional<Unfit> check(const MachinePressureConfig& config) {
  for (std::size_t r = 0; r < machine_resources; ++r)
    if (!(config.thresholds[r] >= 0) || config.thresholds[r] > 1e6)
      return Unfit{std::string(name(static_cast<MachineResource>(r))), "is not from 0 to 1000000"};
  if (!(config.release > 0) || config.release >= 1) return Unfit{"release", "is not above 0 and below 1"};
  return check_duration("step", config.step);
}

MachinePressure::MachinePressure(const MachinePressureConfig& config) : config_(checked(config, "machine pressure")) {
  facts_.thresholds = config_.thresholds;
}

void MachinePressure::look(const MachineReading& reading, TimePoint now) {
  facts_.readings = reading;
  std::optional<double> worst;
  for (std::size_t r = 0; r < machine_resources; ++r) {
    if (!reading[r] || config_.thresholds[r] == 0) continue;
    const double part = *reading[r] / config_.thresholds[r];
    if (worst && part <= *worst) continue;
    worst = part;
    facts_.most = static_cast<MachineResource>(r);
  }
  if (!worst) return;
  facts_.pressure = *worst;
  const bool up = *worst >= 1, down = *worst < config_.release;
  const bool soon = moved_ != TimePoint::min() && now - moved_ < config_.step;
  if (soon || !(up || down)) return;
  if (up && facts_.refused_below < static_cast<std::uint8_t>(Priority::critical)) ++facts_.refused_below, moved_ = now;
  if (down && facts_.refused_below > 0) --facts_.refused_below, moved_ = now;
}

}  // namespace weir::flow
