#include "pictures.h"

#include "sim/scenarios.h"

namespace weir::pictures {
namespace {

/// 8 slots of 10 ms; 16 from 10 s, 4 from 20 s, and twice the time for each request from 30 s. More comes than it can
/// do.
sim::Setup changing() {
  using Kind = sim::Change::Kind;
  return {.traffic = {{.spans = {{40s, 4000}}, .mix = {0, 0, 1}}},
          .changes = {{10s, Kind::slots, 16}, {20s, Kind::slots, 4}, {30s, Kind::slower, 2}},
          .end = 40s,
          .seed = 1};
}

int slots_at(double s) { return s < 10 ? 8 : s < 20 ? 16 : 4; }

void adaptive_limit() {
  for (const char* name : {"adaptive", "Gradient2"}) {
    const sim::Setup setup = changing();
    const sim::Run run = sim::run(setup, sim::limiter(name).make(setup.service));
    for (std::size_t tick = 0; tick < 8000; tick += 40)
      point("adaptive_limit", name, static_cast<double>(tick) * 0.005, run.limits[tick]);
  }
  for (int tenth = 0; tenth < 400; tenth += 2) point("adaptive_limit", "slots", tenth / 10.0, slots_at(tenth / 10.0));
}

}  // namespace

void limits() { adaptive_limit(); }

}  // namespace weir::pictures
