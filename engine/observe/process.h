#pragma once
/// What the system says of this process, under the names that Prometheus' client libraries give it.
///
/// What could not be read is absent, never 0: without free descriptors /proc cannot be opened.
///
/// Thread: any. Cost: some system calls and a listing of the open descriptors, about 50 us.
#include <optional>

namespace weir::observe {

struct Process {
  std::optional<double> cpu_seconds;     ///< user and system, of all threads, since start
  std::optional<double> resident_bytes;  ///< memory that is in RAM
  std::optional<double> virtual_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;        ///< absent too where there is no limit
  std::optional<double> start_seconds;  ///< since 1970
};

Process read_process();

}  // namespace weir::observe
