#pragma once
/// The way of the events of one origin (a source, or a merging stage): the stages on the way, fused, and the sink
/// queues or merging stages at the end. Made once from the configuration; a Port carries it out for one reactor.
///
/// An event passes a stage once and reaches a sink queue once, however many of its inputs let it through: the first
/// input, in the order of `from`, that let it through says which version of it that is.
///
/// Thread: immutable once built. Cost: none at run time.
#include <weir/component/stage.h>

#include <memory>
#include <string>
#include <vector>

#include "pipeline/queue/sink_queue.h"
#include "pipeline/report/counters.h"
#include "pipeline/report/tap.h"

namespace weir::pipeline {

class MergeNode;
struct SinkNode;

/// One stage of the graph: what it counts, and what all reactors share of it.
struct StageNode {
  StageNode();
  ~StageNode();
  std::string name;
  NodeCounters counters;
  std::shared_ptr<StagePlan> plan;
  Tap* tap = nullptr;                ///< what it gives on
  std::vector<Tap*> output_taps;     ///< of a stage with named outputs: what each gives on
  SinkNode* dead_letters = nullptr;  ///< gets copies of what it drops
  std::unique_ptr<MergeNode> merge;  ///< what becomes of the windows of a merging stage
};

struct Route {
  static constexpr int raw = -1;  ///< the origin's own events
  /// An output of a step.
  struct Input {
    int step = raw;
    std::uint8_t output = 0;
    bool operator==(const Input&) const = default;
  };
  /// In topological order. `growth` is over all the way from the origin.
  struct Step {
    StageNode* stage;
    std::vector<Input> inputs;
    Growth growth;
    std::vector<bool> read{};  ///< which of its outputs are read; events on any other output end filtered
    bool is_read(std::uint8_t output) const { return output < read.size() && read[output]; }
  };
  struct Delivery {
    std::vector<Input> inputs;
    SinkQueue* queue;
    bool required;
    Growth growth;
    Tap* tap = nullptr;  ///< what comes in there
    bool takes_all() const;
    bool may_grow() const { return growth.factor > 1 || growth.plus > Bytes{0}; }
  };
  /// The input of a merging stage, which is one of the steps.
  struct Merge {
    int step;
    MergeNode* node;
    bool required;  ///< some required sink stands behind it
  };
  Tap* tap = nullptr;  ///< the origin's own events
  Attributes reads;    ///< that some stage on the way reads
  std::string source;  ///< the origin's name, as @source
  std::vector<Step> steps;
  std::vector<Delivery> deliveries;  // optional ones first
  std::vector<Merge> merges;

  int required_paths() const;
  /// What so many bytes and events of the origin cost the budget at most, all copies behind stages included.
  Bytes cost(std::size_t bytes, std::size_t events) const;
  /// The required sink queues, ascending, without doubles.
  std::vector<SinkQueue*> required_queues() const;
  /// Of what stands behind these inputs.
  Growth growth_of(const std::vector<Input>& inputs) const;
};

}  // namespace weir::pipeline
