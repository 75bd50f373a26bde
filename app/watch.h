#pragma once
/// Checks a running flow once a second and logs what an operator needs to know: a source that pauses and why, a sink
/// that recovers, a ledger that does not balance.
///
/// Thread: one. Cost: a FlowStatus a second.
#include <weir/base/units.h>

#include <map>
#include <optional>
#include <string>

#include "pipeline/report/status.h"

namespace weir::app {

class Watch {
 public:
  void look(const pipeline::FlowStatus& status, TimePoint now);
  /// Differences that lasted longer than 10 s: violations (semantics G2).
  std::uint64_t violations() const { return violations_; }

 private:
  struct Pause {
    TimePoint since;
    bool told = false;
  };
  void look_at_sources(const pipeline::FlowStatus& status, TimePoint now);
  void look_at_ledger(const pipeline::FlowStatus& status, TimePoint now);

  std::map<std::string, Pause> paused_;
  std::optional<TimePoint> unbalanced_since_;
  std::uint64_t violations_ = 0;
};

/// The final report: "orders: 1200 in = 1000 to warehouse + 200 filtered". One line for each node that does not
/// balance.
void log_final_ledger(const pipeline::FlowStatus& status);

}  // namespace weir::app
