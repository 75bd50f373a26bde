#pragma once
/// Sheds work while the machine itself is short of something: the lowest priority first, one more with each step, and
/// never what is critical. Limits on rates and on requests under way know what they were told or what answers say; this
/// one knows what no answer says yet, because the process is about to be killed, or waits for a CPU.
///
///   pressure   the largest of  reading / threshold  over all resources that were looked at
///   up         pressure >= 1: refuses one priority more, at most once every `step`: batch, low, normal, high
///   down       pressure < `release`: one fewer, in the same way
///   unknown    what could not be read says nothing, neither pressure nor its absence: while nothing at all can be read
///              the level stays where it is
///
///   memory        of the cgroup or the machine, without what can be dropped from caches: 0 to 1
///   cpu           part of the last 10 s in which something waited for a CPU (PSI, some avg10): 0 to 1
///   run_queue     tasks that run or want to, for each CPU
///   descriptors   of those this process may have: 0 to 1
///   reactor_lag   how many seconds late the event loop that answers comes to what is due, lately
///
/// When to choose it: as a last resort beside real limits. Its readings are of the whole machine, so a neighbour may
/// cause what is shed here; and of CPU and run queue a busy, healthy machine has much. The lag of the loop is what
/// answers really wait for, whoever causes it.
///
/// Thread: a value; its owner guards it. Cost: a few ns. Ref: Envoy overload manager (thresholds and actions).
#include <weir/base/checked.h>
#include <weir/base/units.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::flow {

enum class MachineResource : std::uint8_t { memory, cpu, run_queue, descriptors, reactor_lag };
inline constexpr std::size_t machine_resources = 5;
std::string_view name(MachineResource resource);

/// By MachineResource; nothing: it could not be read, or nobody asks for it.
using MachineReading = std::array<std::optional<double>, machine_resources>;

struct MachinePressureConfig {
  std::array<double, machine_resources> thresholds{0.92, 0.95, 16, 0.9, 0.25};  ///< 0: not looked at
  double release = 0.9;
  Duration step = std::chrono::seconds(1);
  bool operator==(const MachinePressureConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const MachinePressureConfig& config);

struct MachinePressureFacts {
  MachineReading readings{};
  std::array<double, machine_resources> thresholds{};
  double pressure = 0;             ///< at the last look
  MachineResource most{};          ///< what it is of
  std::uint8_t refused_below = 0;  ///< priorities below this number are refused; 0: none
};

class MachinePressure {
 public:
  explicit MachinePressure(const MachinePressureConfig& config);

  void look(const MachineReading& reading, TimePoint now);
  bool sheds(Priority priority) const { return static_cast<std::uint8_t>(priority) < facts_.refused_below; }
  const MachinePressureFacts& facts() const { return facts_; }

 private:
  MachinePressureConfig config_;
  MachinePressureFacts facts_;
  TimePoint moved_ = TimePoint::min();
};

}  // namespace weir::flow
