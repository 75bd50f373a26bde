#pragma once
/// How many of the last calls failed or were slow: over the last n calls, or over the last seconds.
///
/// Thread: one owner. Cost: O(1) a call; one byte a call (count window, at most 100 000) or 0.6 KiB (time window, see
/// sliding_sums.h).
#include <weir/flow/recover/destination_config.h>
#include <weir/flow/recover/sliding_sums.h>

#include <vector>

namespace weir::flow {

class OutcomeWindow {
 public:
  struct Totals {
    std::uint64_t calls = 0, failures = 0, slow = 0;
  };

  explicit OutcomeWindow(const BreakerConfig& config);

  void record(bool failed, bool slow, TimePoint now);
  /// All 0 when the configuration has no window.
  Totals totals(TimePoint now) const;
  void clear();

 private:
  void record_in_ring(bool failed, bool slow);

  BreakerConfig::Window kind_;
  std::vector<std::uint8_t> ring_;  // bit 0: failed, bit 1: slow
  std::uint64_t recorded_ = 0;
  Totals in_ring_;
  SlidingSums<3> sums_;
};

}  // namespace weir::flow
