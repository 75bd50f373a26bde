#include "descriptors.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <limits>

namespace weir::app {
namespace {

constexpr std::uint64_t for_the_rest = 128;  // event loops, files, sinks' connections, admin

}  // namespace

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::uint64_t>::max();
  const rlimit wanted{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &wanted) == 0) limit = wanted;
  return limit.rlim_cur;
}

std::string descriptor_warning(const config::MemoryTable& memory, std::uint64_t limit) {
  std::uint64_t connections = 0;
  for (const auto& row : memory.rows)
    if (row.footprint.unit == "connection") connections += row.footprint.max_units;
  if (connections + for_the_rest <= limit) return {};
  return fmt::format(
      "{} connections are configured, but this process may open {} files: further connections will wait unanswered; "
      "raise the limit (LimitNOFILE= of the service, ulimit -n) to {} or lower max_connections",
      connections, limit, connections + for_the_rest);
}

}  // namespace weir::app
