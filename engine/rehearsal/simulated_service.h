#pragma once
/// The destination of a sink in a simulation: how long a delivery takes, and whether it fails (config/scenarios.h has
/// the formula). All workers of the sink deliver to it.
///
/// Thread: one at a time, whoever has the baton. Cost: some draws a delivery.
#include <weir/base/context.h>

#include "config/scenarios.h"

namespace weir::pipeline {

class SimulatedService {
 public:
  SimulatedService(const config::Scenario& scenario, const std::string& sink, TimePoint began, Rng rng);

  struct Answer {
    TimePoint end{};
    const char* fault = nullptr;  ///< why it fails; null: it does not
  };
  /// Each is followed by one `end`, at the time that it says.
  Answer begin(std::uint64_t events, TimePoint now);
  void end() { --under_way_; }

 private:
  bool during(const config::ScenarioFault& fault, TimePoint now) const {
    return now >= began_ + fault.at && now < began_ + fault.end();
  }
  Duration time_of(std::uint64_t events, TimePoint now);

  config::ScenarioService model_;
  std::vector<config::ScenarioFault> faults_;  // of this sink, in the order of time
  TimePoint began_;
  Rng rng_;
  std::uint32_t under_way_ = 0;
};

}  // namespace weir::pipeline
