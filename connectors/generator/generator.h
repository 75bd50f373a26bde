#pragma once
/// Source `generator`: makes events at a rate. README.md has its options.
///
/// It runs on the first reactor only, wakes every 5 ms, and gives what is due by the context's clock. It can only be
/// paused: the sender that it simulates does not wait for an answer, so the strongest level is `accepted`.
///
/// Thread: that of its reactor. Cost: about 100 ns an event of 200 bytes. On cancel: `stop` ends it at once.
#include <weir/component/catalog.h>

#include "plan.h"

namespace weir::generator {

struct GeneratorConfig {
  std::vector<Step> steps;
  Bytes size = 200_B;
  std::optional<std::uint64_t> count{};
  bool stops_at_end = true;  ///< with count: the run is over when all of it is delivered
  Mix mix{0, 0, 1, 0, 0};
  std::uint64_t seed = 1;
};
Result<GeneratorConfig> read_config(const Options& options);

void add_to(Catalog& catalog);

}  // namespace weir::generator
