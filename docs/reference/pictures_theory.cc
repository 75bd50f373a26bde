#include "pictures.h"

#include <weir/flow/theory/little.h>
#include <weir/flow/theory/mm1.h>
#include <weir/flow/theory/mmc.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace weir::pictures {
namespace {

struct Run {
  double inside = 0, through = 0, time_inside = 0, wait = 0;  // means
};

/// `servers` that serve one each a second, random arrivals and service times, in the order of arrival.
Run run(double arrivals, int servers, int count, std::uint64_t seed) {
  Rng rng(seed);
  auto draw = [&](double rate) { return -std::log(1 - rng.uniform()) / rate; };
  std::vector<double> free_at(static_cast<std::size_t>(servers), 0.0);
  double now = 0, in_system = 0, waiting = 0, last = 0;
  for (int n = 0; n < count; ++n) {
    now += draw(arrivals);
    const auto server = std::ranges::min_element(free_at);
    const double begins = std::max(now, *server);
    *server = begins + draw(1);
    waiting += begins - now;
    in_system += *server - now;
    last = std::max(last, *server);
  }
  return {in_system / last, count / last, in_system / count, waiting / count};
}

void little() {
  for (int percent = 5; percent <= 90; percent += 5) {
    const Run seen = run(percent / 100.0, 1, 40'000, 11);
    point("little", "L, counted", percent, seen.inside);
    const PerSecond through{seen.through};
    point("little", "lambda x W", percent, flow::items_inside(through, from_seconds(seen.time_inside)));
  }
}

void mm1() {
  for (int percent = 0; percent <= 95; ++percent) {
    const flow::Mm1 model({percent / 100.0}, {1});
    point("mm1", "formula", percent, model.slowdown());
    if (percent > 0 && percent % 5 == 0)
      point("mm1", "a run of 200 000", percent, run(percent / 100.0, 1, 200'000, 3).time_inside);
  }
}

void mmc() {
  for (int servers = 1; servers <= 10; ++servers) {
    const double arrivals = 0.8 * servers;  // every one of them is busy 80 % of the time
    point("mmc", "one queue for all", servers, seconds(flow::Mmc({arrivals}, {1}, servers).time_waiting()));
    point("mmc", "a queue for each", servers, seconds(flow::Mm1({0.8}, {1}).time_waiting()));
    point("mmc", "one queue, a run of 200 000", servers, run(arrivals, servers, 200'000, 5).wait);
  }
}

}  // namespace

void theory() {
  little();
  mm1();
  mmc();
}

}  // namespace weir::pictures
