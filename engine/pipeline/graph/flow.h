#pragma once
/// A running flow: the graph that is built from a configuration, its threads, and how it stops.
///
/// Threads: one reactor for each of `reactors` (sources and their stages live there), one for each sink worker. They
/// meet in the sink queues only. Building opens nothing; `start` opens sinks, then sources, so that a flow that cannot
/// deliver never says it is ready.
///
/// Thread: `start`, `stop`, `reload` from one owner; `status` from any. Cost: see status.h. On cancel: `stop` drains in
/// order and says what was left (semantics H1).
#include <weir/base/context.h>
#include <weir/component/catalog.h>
#include <weir/flow/demand/budget.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "config/config.h"
#include "net/reactor.h"
#include "pipeline/delivery/worker.h"
#include "pipeline/entry/source_node.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

struct StopReport {
  std::uint64_t abandoned = 0;   ///< events that had no fate at the deadline
  std::uint64_t unanswered = 0;  ///< of these, accepted without a receipt: lost, and counted
  std::uint64_t kept = 0;        ///< events that journals still hold for required consumers
  /// 0: empty. 3: unsettled but safe, because its sender was not told that it is done. 4: abandoned after it was
  /// accepted.
  int exit_code() const { return unanswered ? 4 : abandoned || kept ? 3 : 0; }
};

class Flow {
 public:
  Flow(const config::Config& config, const Catalog& catalog, const Context& context);
  ~Flow();

  Result<void> start();
  /// Stops intake, drains until `deadline` from now, then abandons. `hurry` (polled) ends the waiting early.
  StopReport stop(Duration deadline, const std::function<bool()>& hurry = {});
  /// Takes over changed policy values; the topology must be the same (config::topology_differences says so).
  void reload(const config::Config& next);
  FlowStatus status() const;
  /// One tap for each source, stage and sink, by its name.
  TapBoard& taps() { return taps_; }

  /// The outputs of a merging stage enter the flow behind it as from a source, with memory of their own (semantics C1).
  struct MergeStage {
    MergeStage(StageNode& stage, const config::Source& as_source, Bytes memory, Ids& ids, const Context& context,
               std::uint64_t seed);
    StageNode& stage;
    Budget budget;
    SourceNode origin;
  };

  // For tests that drive the parts themselves, without threads.
  SourceNode& source(std::string_view name);
  SinkNode& sink(std::string_view name);
  MergeStage& merge_stage(std::string_view name);
  Budget& budget() { return budget_; }

 private:
  struct Running;  // one source on one reactor
  void build_sinks();
  void build_stages(const Catalog& catalog);
  void build_routes();
  void build_merges();
  void lead(SourceNode& origin, const config::Source& source);
  Journal& journal(std::string_view name);
  using StepOf = std::map<std::string, int, std::less<>>;
  Route route_of(const config::Source& origin) const;
  std::vector<std::size_t> order_from(const config::Source& origin, StepOf& step_of) const;
  Route::Input input_of(const StepOf& step_of, std::string_view from) const;
  using MakeIntake = std::function<std::unique_ptr<Intake>(SourceOutput&)>;
  void run(SourceNode& node, net::Reactor& reactor, const MakeIntake& make);
  std::uint64_t held_by(const SourceNode& node) const;
  NodeSnapshot snapshot_of(const StageNode& stage) const;
  Result<void> open_journals();
  Result<void> open_spills();
  Result<void> open_sinks();
  Result<void> open_sources();
  bool drained() const;
  bool is_empty() const;
  std::uint64_t moved() const;
  void post_to_intakes(const std::function<void(Intake&)>& f);
  void close_and_join(bool dead_letter_targets);
  void put_spills_away(StopReport& report);
  void join_reactors();
  std::vector<Link> links() const;

  config::Config config_;
  const Catalog& catalog_;
  const Context& context_;
  Budget budget_;
  TapBoard taps_;
  Ids ids_;
  TimePoint started_{};
  std::vector<std::unique_ptr<SinkNode>> sinks_;
  std::vector<std::unique_ptr<StageNode>> stages_;
  std::vector<std::unique_ptr<Budget>> consumer_budgets_;  // of consumers of journals (semantics C1)
  std::vector<std::unique_ptr<SourceNode>> sources_;
  std::vector<std::shared_ptr<Journal>> journals_;   // one for each sink that is one, in their order
  std::vector<std::unique_ptr<MergeStage>> merges_;  // upstream first
  std::vector<std::unique_ptr<Source>> source_objects_;
  std::vector<std::unique_ptr<net::Reactor>> reactors_;
  std::vector<std::unique_ptr<Running>> running_;
  struct WorkerThread {
    SinkNode* node;
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };
  std::vector<WorkerThread> workers_;
  mutable std::mutex structure_;  // what status() reads against the end of stop()
  std::atomic<bool> stopping_{false};
};

}  // namespace weir::pipeline
