#pragma once
/// A running flow: the graph that is built from a configuration, its threads, and how it stops.
///
/// Threads: one reactor for each of `reactors` (sources and their stages live there), one for each sink worker. They
/// meet in the sink queues only. Building opens nothing; `start` opens sinks, then sources, so that a flow that cannot
/// deliver never says it is ready. Which calls are right when, lifecycle.h says.
///
/// Thread: `start`, `stop`, `reload` from one owner at a time; `give_up_start`, `status` and `why_not_ready` from any,
/// and they wait for no part that opens or closes. Cost: see status.h. On cancel: `stop` drains in order and says what
/// was left (semantics H1). It waits for the threads of its parts to return: who needs a bound on what a hung disk may
/// cost calls it on a thread of its own and ends the process (app/attend.h).
#include <weir/base/context.h>
#include <weir/component/catalog.h>
#include <weir/flow/demand/budget.h>

#include <array>
#include <atomic>
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
#include "pipeline/graph/lifecycle.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

/// What a run left undone. Each count is of other events, and means something else (left.h).
struct StopReport {
  std::uint64_t abandoned = 0;  ///< endings at the deadline, over all paths: what the ledger has
  std::uint64_t lost = 0;       ///< nobody has them and nobody sends them again, though their sender was told otherwise
  std::uint64_t repeated = 0;   ///< their senders were not told that they are stored, and send them again
  std::uint64_t kept = 0;       ///< in journals and spills, for the next start
  std::uint64_t refused = 0;    ///< refused for good by a destination, since the start
  std::uint64_t refused_lost = 0;  ///< of these: their senders were not told
  std::string refused_by;          ///< "sink archive: answered 400", the last one
  /// 0: nothing of all this. 4: something is lost. 3: nothing is lost, and not everything is delivered.
  int exit_code() const {
    if (lost > 0 || refused_lost > 0) return 4;
    return repeated > 0 || kept > 0 || refused > 0 ? 3 : 0;
  }
};

class Flow {
 public:
  Flow(const config::Config& config, const Catalog& catalog, const Context& context);
  ~Flow();

  /// Opens everything, then runs. An error is final: what was opened is closed again, and the flow has ended.
  Result<void> start();
  /// A start on its way ends before the next part that it would open.
  void give_up_start() { start_given_up_ = true; }
  /// Stops intake, drains until `deadline` from now, then abandons. `hurry` (polled) ends the waiting early. A flow
  /// that never ran has nothing to drain; one that has ended says again what it said.
  StopReport stop(Duration deadline, const std::function<bool()>& hurry = {});
  /// Takes over changed values; what cannot change while it runs must be the same (config/diff.h says so). Sinks whose
  /// options differ are opened anew beside the old ones first: an error, and nothing has changed.
  Result<void> reload(const config::Config& next);
  /// What a part does when told that files have changed, or why it goes on with what it has.
  struct Said {
    bool went_well;
    std::string text;
    bool operator==(const Said&) const = default;
  };
  /// All parts, or the one of this name; of a journal its writers and readers.
  std::vector<Said> on_hangup(std::string_view only = {});
  enum class Reload : std::uint8_t { applied, refused, invalid };
  /// For the metric: how one ended.
  void count_reload(Reload how) { reloads_[static_cast<std::size_t>(how)].fetch_add(1, std::memory_order_relaxed); }
  /// For the metric: files that were replaced, and whether a part has taken them over.
  void count_renewal(bool taken) { renewals_[taken ? 0 : 1].fetch_add(1, std::memory_order_relaxed); }
  FlowStatus status() const;
  /// Empty: it is ready. Else what it waits for.
  std::string why_not_ready() const { return lifecycle_.why_not_ready(); }
  /// Every source says that its input is over, journals are read to their ends, and nothing waits for its delivery.
  bool at_end() const;
  FlowState state() const { return lifecycle_.state(); }
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
  void add(std::unique_ptr<Source> source);
  Result<std::unique_ptr<Sink>> open_sink(const config::Sink& sink, int worker);
  std::uint64_t held_by(const SourceNode& node) const;
  NodeSnapshot snapshot_of(const StageNode& stage) const;
  void explain(SinkStatus& sink, const std::vector<JournalStatus>& journals) const;
  Result<void> open_all();
  Result<void> begin_to_open(const std::string& part);
  Result<void> open_journals();
  Result<void> open_spills();
  Result<void> open_sinks();
  Result<void> open_sources();
  bool drained() const;
  bool is_empty() const;
  std::uint64_t moved() const;
  void post_to_intakes(const std::function<void(Intake&)>& f);
  void drain(Duration deadline, const std::function<bool()>& hurry);
  Left abandon();
  Left abandon_intakes();
  void close_and_join(bool dead_letter_targets);
  Left put_spills_away(StopReport& report);
  void sum_up_refusals(StopReport& report) const;
  void say_last_answers();
  void join_reactors();
  void take_apart();
  void close_journals(StopReport& report);
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
  mutable std::mutex structure_;  // what status() reads, against start() and stop(); never held while a part is opened
  Lifecycle lifecycle_;
  std::atomic<bool> start_given_up_{false};
  StopReport report_;
  std::array<std::atomic<std::uint64_t>, 3> reloads_{};
  std::array<std::atomic<std::uint64_t>, 2> renewals_{};
};

}  // namespace weir::pipeline
