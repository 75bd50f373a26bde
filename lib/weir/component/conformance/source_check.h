#pragma once
/// The contract of sources that produce by themselves: a source stops when told to wait, goes on when there is room,
/// loses and duplicates nothing meanwhile, ends when stopped, and gives back every byte it reserved.
///
/// Thread: one. Cost: for tests.
#include <weir/component/catalog.h>

#include <functional>
#include <string>
#include <vector>

namespace weir::conformance {

struct SourceUnderTest {
  const SourceType& type;
  Options options;
  std::size_t events;  ///< how many it brings in all, with distinct texts
  /// Lets some time of this clock pass; then the reactor is run. Enough calls bring all events.
  std::function<void(ManualClock&)> step;
};

/// One sentence for each broken promise; empty when all are kept.
std::vector<std::string> check_source(const SourceUnderTest& source);

}  // namespace weir::conformance
