#pragma once
/// Clients, a gateway (a waiting room before a limit on requests in flight) and a service behind a network, in virtual
/// time. The clients do not wait for answers before they send more (an open loop), as the rest of the world does not.
///
/// Thread: one owner. Cost: about a microsecond a request.
#include "any_limit.h"
#include "service.h"

#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/waiting_room.h>

#include <array>
#include <deque>

namespace weir::sim {

/// A stream of requests.
struct Traffic {
  struct Span {
    Duration until;
    double rate;  ///< a second
  };
  std::vector<Span> spans;
  std::array<double, priority_count> mix{};  ///< shares of the priorities, from critical down to batch
  std::uint32_t tenant = 0;
  int retries = 0;  ///< of a request that was refused or timed out, after 0.2 ms
  Duration deadline = std::chrono::seconds(1);
};

struct Change {
  enum class Kind : std::uint8_t { slots, slower, stall };
  Duration at;
  Kind kind;
  double value;
};

struct Setup {
  ServiceShape service;
  std::vector<Traffic> traffic;
  std::vector<Change> changes;
  Duration measured_from{0}, measured_until{0};  ///< the limit, and waits in vain
  Duration end{0};                               ///< of the traffic; 1.5 s more are run
  std::uint64_t seed = 1;
};

enum class Outcome : std::uint8_t { ok, refused, timed_out };

/// A request at its end, whatever the number of its tries.
struct Ended {
  Duration came, took;
  Priority priority;
  std::uint32_t tenant;
  Outcome outcome;
  int tries;
};

struct Run {
  std::vector<Ended> ended;
  double mean_limit = 0, least_limit = 0, most_limit = 0;
  Duration longest_in_vain{0};        ///< of those that waited and were refused
  std::vector<std::uint32_t> limits;  ///< every 5 ms
};

Run run(const Setup& setup, AnyLimit limit);

}  // namespace weir::sim
