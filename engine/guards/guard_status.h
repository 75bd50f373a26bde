#pragma once
/// What a guard says of itself: metrics, the admin API, `weir why` and `weir top` are made of this.
///
/// Thread: a value. Cost: none.
#include <weir/async/concurrency_guard.h>
#include <weir/flow/admit/machine_pressure.h>

#include <optional>
#include <string>

namespace weir::guards {

struct GuardStatus {
  std::string name, limit;  ///< "rate", "5000 events/s"
  bool observed = false;    ///< it only counts: what it refuses goes on
  std::uint64_t permitted = 0;
  std::uint64_t refused = 0;     ///< refused, or made to wait: once for each time it said no
  std::uint64_t given_back = 0;  ///< permitted here, refused further on
  std::optional<async::ConcurrencyFacts> concurrency{};
  std::optional<flow::MachinePressureFacts> pressure{};
};

}  // namespace weir::guards
