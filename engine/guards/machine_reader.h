#pragma once
/// Reads what the machine is short of: for flow::MachinePressure.
///
///   memory        the most of: this process's cgroups with a limit (used less inactive files, of the limit), and the
///                 machine (1 - MemAvailable / MemTotal)
///   cpu           some avg10 of its cgroup's cpu.pressure, else of /proc/pressure/cpu
///   run_queue     running tasks of /proc/loadavg, for each CPU this process may use
///   descriptors   open ones of its limit
///
/// Nothing: it could not be read (no PSI in this kernel, no such file in this container). That is not 0.
///
/// Thread: one owner. Cost: about 0.1 ms for all four; meant for a few times a second.
#include <weir/flow/admit/machine_pressure.h>

#include <string>

namespace weir::guards {

class MachineReader {
 public:
  /// `root` stands before /proc and /sys: for tests.
  explicit MachineReader(std::string root = {}) : root_(std::move(root)) {}
  /// Of those that `wanted` has a threshold for; without the lag of reactors, which is no reading of the machine.
  flow::MachineReading read(const std::array<double, flow::machine_resources>& wanted) const;

 private:
  std::optional<double> memory() const;
  std::optional<double> memory_of_cgroups() const;
  std::optional<double> cpu() const;
  std::optional<double> run_queue() const;
  std::optional<double> descriptors() const;

  std::string root_;
};

}  // namespace weir::guards
