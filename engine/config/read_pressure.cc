#include <fmt/format.h>

#include "config/nodes.h"

namespace weir::config {
namespace {

using flow::MachineResource;

constexpr std::uint64_t most_tasks = 1'000;

double& threshold(Pressure& pressure, MachineResource resource) {
  return pressure.machine.thresholds[static_cast<std::size_t>(resource)];
}

}  // namespace

void read_pressure(Reader& reader, Section& guards, Guards& out) {
  const Yaml* node = guards.find("pressure");
  if (!node) return;
  if (out.position != GuardPosition::door)
    return reader.error_at(guards.path("pressure"), "is for sources whose clients are answered",
                           "remove it: here nobody could be refused");
  const std::size_t errors = reader.errors();
  Pressure read;
  read.path = guards.path("pressure");
  if (node->kind == Yaml::Kind::scalar) {
    bool on = true;
    if (guards.flag("pressure", on) && on) out.pressure = std::move(read);
    return;
  }
  Section section(reader, node, read.path);
  section.ratio("memory", threshold(read, MachineResource::memory));
  section.ratio("cpu", threshold(read, MachineResource::cpu));
  section.ratio("descriptors", threshold(read, MachineResource::descriptors));
  section.count("run_queue", threshold(read, MachineResource::run_queue), 0, most_tasks);
  Duration lag = from_seconds(threshold(read, MachineResource::reactor_lag));
  if (section.duration("reactor_lag", lag)) threshold(read, MachineResource::reactor_lag) = seconds(lag);
  section.choice<bool>("mode", read.observe, {{"enforce", false}, {"observe", true}});
  section.finish();
  if (reader.errors() == errors) out.pressure = std::move(read);
}

}  // namespace weir::config
