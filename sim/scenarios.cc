#include "scenarios.h"

#include "brpc_auto.h"
#include "envoy_gradient.h"
#include "known_slots.h"

#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/aimd_limit.h>
#include <weir/flow/admit/gradient2_limit.h>
#include <weir/flow/admit/vegas_limit.h>
#include <weir/flow/admit/windowed_limit.h>

#include <algorithm>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

/// From critical down to batch.
constexpr std::array<double, priority_count> mixed{0.05, 0.15, 0.5, 0.2, 0.1};
constexpr std::array<double, priority_count> only_critical{1}, only_normal{0, 0, 1}, only_batch{0, 0, 0, 0, 1};
constexpr Duration not_back = 99s;

Run measured(const Limiter& limiter, Setup setup, Duration measured_from, Duration measured_until) {
  setup.measured_from = measured_from;
  setup.measured_until = measured_until;
  return run(setup, limiter.make(setup.service));
}

Setup world(const ServiceShape& shape, std::vector<Traffic> traffic, Duration end, std::uint64_t seed) {
  return {.service = shape, .traffic = std::move(traffic), .end = end, .seed = seed};
}

HalfFigures halved(const Limiter& limiter, const ServiceShape& shape, Change half, Change whole, std::uint64_t seed) {
  const double capacity = shape.capacity();
  Setup setup = world(shape, {{.spans = {{38s, 0.8 * capacity}}, .mix = mixed}}, 38s, seed);
  setup.changes = {half, whole};
  const Run run = measured(limiter, setup, 10s, 23s);
  const Figures during = figures(run, 10s, 23s);
  return {during.good / 13 / (0.5 * capacity), during.p99,
          recovery(run, 23s, 38s, figures(run, 2s, 8s)).value_or(not_back)};
}

}  // namespace

std::span<const Limiter> limiters() {
  static constexpr Limiter all[]{
      {"adaptive", [](const ServiceShape& s) { return AnyLimit(flow::AdaptiveLimit({.transit = 2 * s.one_way})); }},
      {"knows the slots", [](const ServiceShape& s) { return AnyLimit(KnownSlots(s.slots, s.mean, 2 * s.one_way)); }},
      {"Envoy's gradient", [](const ServiceShape&) { return AnyLimit(EnvoyGradient({}, 9)); }},
      {"brpc's auto", [](const ServiceShape&) { return AnyLimit(BrpcAuto(11)); }},
      {"Gradient2", [](const ServiceShape&) { return AnyLimit(flow::Gradient2Limit({})); }},
      {"Gradient2, 1 s",
       [](const ServiceShape&) { return AnyLimit(flow::WindowedLimit({}, flow::Gradient2Limit({}))); }},
      {"Vegas", [](const ServiceShape&) { return AnyLimit(flow::VegasLimit({}, 7)); }},
      {"AIMD", [](const ServiceShape&) { return AnyLimit(flow::AimdLimit({})); }},
  };
  return all;
}

const Limiter& limiter(std::string_view name) { return *std::ranges::find(limiters(), name, &Limiter::name); }

StepFigures step(const Limiter& limiter, const ServiceShape& shape, double load, Duration warm, Duration time,
                 std::uint64_t seed) {
  const double capacity = shape.capacity();
  const Duration end = warm + time;
  const Run run =
      measured(limiter, world(shape, {{.spans = {{end, load * capacity}}, .mix = mixed}}, end, seed), warm, end);
  const Figures all = figures(run, warm, end), critical = figures(run, warm, end, {.priority = Priority::critical});
  return {all.good / seconds(time) / capacity,
          shape.times == Times::bimodal ? all.p995 : all.p99,
          critical.p99,
          run.longest_in_vain,
          critical.share_good(),
          run.mean_limit};
}

SpikeFigures spike(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  const double c = shape.capacity();
  const Traffic critical{.spans = {{27s, 0.5 * c}}, .mix = only_critical};
  const Traffic batch{.spans = {{7s, 0.25 * c}, {17s, 3 * c}, {27s, 0.25 * c}}, .mix = only_batch};
  const Run run = measured(limiter, world(shape, {critical, batch}, 27s, seed), 7s, 17s);
  const Figures during = figures(run, 7s, 17s, {.priority = Priority::critical});
  return {during.share_good(), during.p99};
}

StallFigures stall(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  Setup setup = world(shape, {{.spans = {{43s, 0.8 * shape.capacity()}}, .mix = mixed}}, 43s, seed);
  setup.changes = {{8s, Change::Kind::stall, 1}, {18s, Change::Kind::stall, 0}};
  const Run run = measured(limiter, setup, 8s, 18s);
  return {recovery(run, 18s, 43s, figures(run, 2s, 8s)).value_or(not_back), run.longest_in_vain};
}

HalfFigures slower(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  return halved(limiter, shape, {8s, Change::Kind::slower, 2}, {23s, Change::Kind::slower, 1}, seed);
}

HalfFigures fewer(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  return halved(limiter, shape, {8s, Change::Kind::slots, std::max(1.0, shape.slots / 2.0)},
                {23s, Change::Kind::slots, static_cast<double>(shape.slots)}, seed);
}

double grow(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  const double capacity = shape.capacity();
  Setup setup = world(shape, {{.spans = {{30s, 1.5 * capacity}}, .mix = mixed}}, 30s, seed);
  setup.changes = {{8s, Change::Kind::slots, 2.0 * shape.slots}};
  return figures(measured(limiter, setup, 13s, 30s), 13s, 30s).good / 17 / capacity;
}

StormFigures storm(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  const double c = shape.capacity();
  const Traffic traffic{.spans = {{8s, 0.8 * c}, {28s, 1.1 * c}, {48s, 0.8 * c}}, .mix = mixed, .retries = 3};
  const Figures during = figures(measured(limiter, world(shape, {traffic}, 48s, seed), 10s, 28s), 10s, 28s);
  return {during.good / 18 / c, during.tries / during.offered};
}

TenantFigures tenants(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  const double c = shape.capacity();
  const Traffic polite{.spans = {{14s, 0.4 * c}}, .mix = only_normal};
  const Traffic rude{.spans = {{14s, 5 * c}}, .mix = only_normal, .tenant = 1};
  const Run run = measured(limiter, world(shape, {polite, rude}, 14s, seed), 2s, 14s);
  return {figures(run, 2s, 14s, {.tenant = 0}).share_good(), figures(run, 2s, 14s).good / 12 / c};
}

double low(const Limiter& limiter, const ServiceShape& shape, std::uint64_t seed) {
  const Setup setup = world(shape, {{.spans = {{200s, 5}}, .mix = mixed}}, 200s, seed);
  return figures(measured(limiter, setup, Duration{0}, 200s), Duration{0}, 200s).refused;
}

}  // namespace weir::sim
