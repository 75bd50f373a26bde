#include "pipeline/route/route.h"

#include <algorithm>

#include "pipeline/route/merge_node.h"

namespace weir::pipeline {

StageNode::StageNode() = default;
StageNode::~StageNode() = default;

bool Route::Delivery::takes_all() const { return !inputs.empty() && inputs.front() == Input{}; }

int Route::required_paths() const {
  return static_cast<int>(std::ranges::count_if(deliveries, &Delivery::required) +
                          std::ranges::count_if(merges, &Merge::required));
}

Bytes Route::cost(std::size_t bytes, std::size_t events) const {
  // Bytes with a newline each and an index entry each; a block's own overhead once for every events_per_overhead; and
  // all of it once more for each branch behind a stage, which copies what the stage lets through.
  const Bytes overhead = block_size(8, 0, 2) * (1 + events / events_per_overhead);
  const auto block = [&](std::size_t contents) {
    return block_size(contents + events, events, 0) - block_size(0, 0, 0) + overhead;
  };
  Bytes sum = block(bytes);
  for (const Delivery& d : deliveries)
    if (!d.takes_all()) sum += block(bytes * d.growth.factor + events * d.growth.plus.count());
  return sum;
}

std::vector<SinkQueue*> Route::required_queues() const {
  std::vector<SinkQueue*> queues;
  for (const Delivery& d : deliveries)
    if (d.required) queues.push_back(d.queue);
  std::ranges::sort(queues, {}, &SinkQueue::index);
  const auto doubles = std::ranges::unique(queues);
  queues.erase(doubles.begin(), doubles.end());
  return queues;
}

Growth Route::growth_of(const std::vector<Input>& inputs) const {
  Growth most{1, Bytes{0}};
  for (const Input& input : inputs) {
    if (input.step == raw) continue;
    const Growth& g = steps[static_cast<std::size_t>(input.step)].growth;
    most = {std::max(most.factor, g.factor), std::max(most.plus, g.plus)};
  }
  return most;
}

}  // namespace weir::pipeline
