#include "guards/machine_reader.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace weir::guards {
namespace {

/// The number in a file of the kernel's; nothing for "max" or no such file.
std::optional<double> number_in(const std::string& path) {
  std::ifstream in(path);
  double n = 0;
  return in >> n ? std::optional(n) : std::nullopt;
}

/// The number behind a word at the start of a line: "MemTotal:", "inactive_file".
std::optional<double> number_behind(const std::string& path, std::string_view word) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    double n = 0;
    if (words >> first && first == word && words >> n) return n;
  }
  return std::nullopt;
}

/// "some avg10=97.80 ..." -> 0.978
std::optional<double> some_avg10(const std::string& path) {
  std::ifstream in(path);
  std::string kind, first;
  constexpr std::string_view field = "avg10=";
  if (!(in >> kind >> first) || kind != "some" || !first.starts_with(field)) return std::nullopt;
  double percent = 0;
  const char* end = first.data() + first.size();
  if (std::from_chars(first.data() + field.size(), end, percent).ec != std::errc{}) return std::nullopt;
  return percent / 100;
}

struct Cgroup {
  std::string folder;  // with all above it
  bool unified = false;
};

/// Those of this process that may say something: the unified one, and the one for memory of cgroup v1.
std::vector<Cgroup> cgroups(const std::string& root) {
  std::vector<Cgroup> all;
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const bool unified = line.starts_with("0::");
    const auto path_at = line.find(':', line.find(':') + 1);
    if (path_at == std::string::npos || (!unified && line.find(":memory:") == std::string::npos)) continue;
    const std::string base = root + (unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    for (std::string path = line.substr(path_at + 1);; path.resize(path.rfind('/'))) {
      all.push_back({base + (path == "/" ? "" : path), unified});
      if (path.empty() || path.find('/') == std::string::npos) break;
    }
  }
  return all;
}

double cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

flow::MachineReading MachineReader::read(const std::array<double, flow::machine_resources>& wanted) const {
  flow::MachineReading reading;
  const auto look = [&](flow::MachineResource resource, auto how) {
    const auto r = static_cast<std::size_t>(resource);
    if (wanted[r] > 0) reading[r] = (this->*how)();
  };
  look(flow::MachineResource::memory, &MachineReader::memory);
  look(flow::MachineResource::cpu, &MachineReader::cpu);
  look(flow::MachineResource::run_queue, &MachineReader::run_queue);
  look(flow::MachineResource::descriptors, &MachineReader::descriptors);
  return reading;
}

std::optional<double> MachineReader::memory_of_cgroups() const {
  std::optional<double> most;
  for (const Cgroup& group : cgroups(root_)) {
    const auto limit = number_in(group.folder + (group.unified ? "/memory.max" : "/memory.limit_in_bytes"));
    const auto used = number_in(group.folder + (group.unified ? "/memory.current" : "/memory.usage_in_bytes"));
    if (!limit || !used || *limit <= 0) continue;
    const auto files =
        number_behind(group.folder + "/memory.stat", group.unified ? "inactive_file" : "total_inactive_file");
    const double part = std::max(0.0, *used - files.value_or(0)) / *limit;
    most = std::max(most.value_or(0), part);
  }
  return most;
}

std::optional<double> MachineReader::memory() const {
  const auto own = memory_of_cgroups();
  const auto total = number_behind(root_ + "/proc/meminfo", "MemTotal:");
  const auto available = number_behind(root_ + "/proc/meminfo", "MemAvailable:");
  if (!total || !available || *total <= 0) return own;
  return std::max(own.value_or(0), 1 - *available / *total);
}

std::optional<double> MachineReader::cpu() const {
  for (const Cgroup& group : cgroups(root_))
    if (group.unified)
      if (const auto own = some_avg10(group.folder + "/cpu.pressure")) return own;
  return some_avg10(root_ + "/proc/pressure/cpu");
}

std::optional<double> MachineReader::run_queue() const {
  std::ifstream in(root_ + "/proc/loadavg");
  std::string one, five, fifteen;
  double running = 0;
  if (!(in >> one >> five >> fifteen >> running)) return std::nullopt;
  return running / cpus();
}

std::optional<double> MachineReader::descriptors() const {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == 0) return std::nullopt;
  std::error_code failed;
  const auto all = std::filesystem::directory_iterator(root_ + "/proc/self/fd", failed);
  if (failed) return std::nullopt;
  return static_cast<double>(std::distance(begin(all), end(all))) / static_cast<double>(limit.rlim_cur);
}

}  // namespace weir::guards
