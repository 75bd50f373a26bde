#pragma once
/// The ways in which a limit is tried, each against a service of capacity C that the limit is not told of.
///
///   step       a constant load of x times C
///   spike      critical ones at C / 2, and batch at a quarter of C, for 10 s at 3 C
///   stall      0.8 C; for 10 s nothing is answered
///   slower     0.8 C; for 15 s requests take twice as long
///   fewer      0.8 C; for 15 s half of the slots are there
///   grow       1.5 C; the slots double
///   storm      0.8 C, then 1.1 C for 20 s, from clients that try four times
///   tenants    one tenant at 0.4 C beside one at 5 C
///   low        5 requests a second for 200 s
///
/// Thread: pure functions. Cost: 0.1 to 1 s each.
#include "figures.h"

#include <span>
#include <string_view>

namespace weir::sim {

struct Limiter {
  std::string_view name;
  AnyLimit (*make)(const ServiceShape& shape);
};
/// Adaptive first, then the one that knows the slots, then the others.
std::span<const Limiter> limiters();
const Limiter& limiter(std::string_view name);

struct StepFigures {
  double goodput = 0;  ///< per C
  Duration p99{0}, critical_p99{0}, in_vain{0};
  double critical = 1;  ///< share of its requests that were good
  double limit = 0;
};
StepFigures step(const Limiter& limiter, const ServiceShape& shape, double load, Duration warm, Duration time,
                 std::uint64_t seed);

struct SpikeFigures {
  double critical = 0;
  Duration critical_p99{0};
};
SpikeFigures spike(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

struct StallFigures {
  Duration back{0}, in_vain{0};
};
StallFigures stall(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

struct HalfFigures {
  double goodput = 0;  ///< per half of C
  Duration p99{0}, back{0};
};
HalfFigures slower(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);
HalfFigures fewer(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

/// Goodput per C from 5 s after the slots have doubled.
double grow(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

struct StormFigures {
  double goodput = 0, attempts = 0;  ///< attempts for each request
};
StormFigures storm(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

struct TenantFigures {
  double polite = 0, goodput = 0;
};
TenantFigures tenants(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

/// Requests refused.
double low(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed);

}  // namespace weir::sim
