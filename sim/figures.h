#pragma once
/// What came of the requests of a span of time.
///
/// Thread: pure functions. Cost: a sort.
#include "world.h"

namespace weir::sim {

struct Figures {
  double offered = 0, good = 0, refused = 0, timed_out = 0, tries = 0;
  Duration p99{0}, p995{0};
  double share_good() const { return offered > 0 ? good / offered : 1; }
};

struct Only {
  std::optional<Priority> priority{};
  std::optional<std::uint32_t> tenant{};
};

/// Of requests that came in [from, until).
Figures figures(const Run& run, Duration from, Duration until, Only only = {});

/// How long after `since` the share of good ones is back at 95 % of what it was, and p99 below twice of that; nothing:
/// not before `until`.
std::optional<Duration> recovery(const Run& run, Duration since, Duration until, const Figures& before);

}  // namespace weir::sim
