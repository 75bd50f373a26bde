#include "observe/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace weir::observe {
namespace {

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

void read_memory(Process& process) {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  if (!(statm >> size >> resident)) return;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  process.virtual_bytes = size * page;
  process.resident_bytes = resident * page;
}

void read_descriptors(Process& process) {
  std::error_code error;
  double open = 0;
  std::filesystem::directory_iterator one("/proc/self/fd", error);
  for (; !error && one != std::filesystem::directory_iterator(); one.increment(error)) ++open;
  if (!error && open > 0) process.open_fds = open - 1;  // the listing has one of its own
  rlimit most{};
  if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur != RLIM_INFINITY)
    process.max_fds = static_cast<double>(most.rlim_cur);
}

/// Field 22 of /proc/self/stat, in ticks since boot; the name in field 2 may hold blanks, and ends with the last ')'.
std::optional<double> ticks_from_boot_to_start() {
  std::ifstream stat("/proc/self/stat");
  std::string text;
  if (!std::getline(stat, text)) return std::nullopt;
  const auto name_ends = text.rfind(')');
  if (name_ends == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_ends + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  return ticks;
}

std::optional<double> boot_seconds() {
  std::ifstream stat("/proc/stat");
  std::string key;
  for (std::string line; std::getline(stat, line);) {
    std::istringstream fields(line);
    double value = 0;
    if (fields >> key >> value && key == "btime") return value;
  }
  return std::nullopt;
}

}  // namespace

Process read_process() {
  Process process;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) process.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  read_memory(process);
  read_descriptors(process);
  const auto ticks = ticks_from_boot_to_start(), boot = boot_seconds();
  if (ticks && boot) process.start_seconds = *boot + *ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  return process;
}

}  // namespace weir::observe
