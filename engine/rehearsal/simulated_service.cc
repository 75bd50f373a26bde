#include "rehearsal/simulated_service.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

using config::ScenarioFault;

constexpr Duration refused_within = std::chrono::microseconds(100);  // a way there and back

}  // namespace

SimulatedService::SimulatedService(const config::Scenario& scenario, const std::string& sink, TimePoint began, Rng rng)
    : began_(began), rng_(rng) {
  const auto model = std::ranges::find(scenario.services, sink, &config::ScenarioService::sink);
  if (model != scenario.services.end()) model_ = *model;
  std::ranges::copy_if(scenario.faults, std::back_inserter(faults_),
                       [&](const ScenarioFault& fault) { return fault.sink == sink; });
  std::ranges::sort(faults_, {}, &ScenarioFault::at);
}

Duration SimulatedService::time_of(std::uint64_t events, TimePoint now) {
  double time = seconds(model_.time.draw(rng_)) + static_cast<double>(events) * model_.per_event;
  if (model_.knee > 0) time *= std::max(1.0, static_cast<double>(under_way_) / model_.knee);
  for (const auto& fault : faults_) {
    if (!during(fault, now)) continue;
    if (fault.kind == ScenarioFault::Kind::slow) time *= fault.amount;
    if (fault.kind == ScenarioFault::Kind::capacity) time /= fault.amount;
  }
  return from_seconds(time);
}

SimulatedService::Answer SimulatedService::begin(std::uint64_t events, TimePoint now) {
  ++under_way_;
  Answer answer{.end = now + time_of(events, now)};
  for (const auto& fault : faults_) {
    const TimePoint from = began_ + fault.at, to = began_ + fault.end();
    if (fault.kind == ScenarioFault::Kind::stall && now < to && answer.end > from)
      answer.end += to - std::max(now, from);  // it holds up whatever it meets
    if (!during(fault, now)) continue;
    if (fault.kind == ScenarioFault::Kind::refuse) return {now + refused_within, "refuses, as the scenario says"};
    if (fault.kind == ScenarioFault::Kind::errors && rng_.uniform() < fault.amount)
      answer.fault = "fails, as the scenario says";
  }
  return answer;
}

}  // namespace weir::pipeline
