#pragma once
/// Where the events of one source go: the stages on the way (fused: plain functions, no queue) and the inlets at the
/// end.
///
/// A Route is the plan, made once from the configuration. A Port carries it out for one reactor, with stage objects of
/// its own. For each batch a port
///   1. asks every stage about every event (masks, no copies, no locks held),
///   2. locks the required inlets in order and finds the prefix that all of them have room for (A6),
///   3. gives each branch that prefix: the bytes are shared where a branch takes all, copied where a stage left some
///   out.
/// What did not fit stays in the batch. The prefix counts events before the stages: a branch is never asked to keep
/// what another cannot take now, and never holds a half-finished output.
///
/// Thread: a Route is immutable; a Port belongs to one reactor. Cost: one lock per required inlet and batch; stages as
/// they cost; a copy only behind a stage.
#include <weir/component/stage.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/counters.h"
#include "pipeline/inlet.h"

namespace weir::pipeline {

/// One stage of the graph: what it counts, and how to make its object for a reactor.
struct StageNode {
  std::string name;
  NodeCounters counters;
  std::function<std::unique_ptr<Stage>()> make;
};

struct Route {
  static constexpr int raw = -1;  ///< the source's own events
  /// An event passes a stage once, however many of its parents let it through. In topological order.
  struct Step {
    StageNode* stage;
    std::vector<int> parents;
    bool takes_all() const { return std::ranges::find(parents, raw) != parents.end(); }
  };
  /// An event reaches an inlet once, however many of the inlet's `steps` let it through.
  struct Delivery {
    std::vector<int> steps;
    Inlet* inlet;
    bool required;
    bool takes_all() const { return std::ranges::find(steps, raw) != steps.end(); }
  };
  std::vector<Step> steps;
  std::vector<Delivery> deliveries;  // optional ones first

  int required_paths() const;
  /// How many copies of an event may exist beside the source's own: one for each delivery behind stages.
  int copies() const;
  /// The required inlets, ascending, without doubles.
  std::vector<Inlet*> required_inlets() const;
};

class Port {
 public:
  Port(const Route& route, NodeCounters& source);

  /// Sends on the prefix that fits now; `batch` keeps the rest. Copies are charged to `spare`.
  void push(Batch& batch, Ticket& spare, TimePoint now);
  bool paused(Class cls) const;
  std::span<Inlet* const> required_inlets() const { return required_; }

 private:
  struct Item {
    const Route::Delivery* delivery;
    Batch batch;
    Inlet::Aftermath aftermath;
  };
  void evaluate(const Batch& batch);
  bool reaches(const Route::Step& step, std::uint32_t event) const;
  std::uint32_t prefix_that_fits(const Batch& batch) const;
  void count(const Batch& front);
  void branch(Batch front, Ticket& spare);
  Batch survivors(Batch path, const std::vector<int>& steps, Ticket& spare);

  const Route& route_;
  NodeCounters& source_;
  std::vector<Inlet*> required_;
  std::vector<std::unique_ptr<Stage>> stages_;  // one for each step
  std::vector<std::vector<char>> masks_;        // one for each step: does event i go on?
  std::vector<Item> items_;                     // scratch of one push
  std::string copy_;                            // scratch of survivors()
  std::vector<Batch::Slot> index_;
  std::vector<Batch::Run> runs_;
};

}  // namespace weir::pipeline
