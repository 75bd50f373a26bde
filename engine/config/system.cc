#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "config/load.h"

namespace weir::config {
namespace {

constexpr std::size_t longest_file = (1 << 20) + 1;  // one byte more than a configuration may have, so that it shows

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(longest_file, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) return failure(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// The number in a file of the kernel's; nothing for "max" or no such file.
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream in(path);
  std::string word;
  std::uint64_t n = 0;
  if (!(in >> word)) return std::nullopt;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), n);
  return result.ec == std::errc{} ? std::optional(n) : std::nullopt;
}

/// The least limit on the way from this process's cgroup to the root.
Bytes memory_of_machine() {
  std::uint64_t least =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const bool unified = line.starts_with("0::");
    const auto path_at = line.find(':', line.find(':') + 1);
    if (path_at == std::string::npos || (!unified && line.find(":memory:") == std::string::npos)) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = unified ? "/memory.max" : "/memory.limit_in_bytes";
    for (std::string path = line.substr(path_at + 1);; path.resize(path.rfind('/'))) {
      if (const auto limit = number_in(root + (path == "/" ? "" : path) + file)) least = std::min(least, *limit);
      if (path.empty() || path.find('/') == std::string::npos) break;
    }
  }
  return Bytes(least);
}

int cores_of_machine() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

LoadOptions system_load_options() {
  LoadOptions options;
  options.env = [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  options.read_file = read_file;
  options.machine_memory = memory_of_machine();
  options.cores = cores_of_machine();
  return options;
}

}  // namespace weir::config
