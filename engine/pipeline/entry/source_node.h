#pragma once
/// A source in the running graph: what all reactors share of it. The door, the counters, the budget, the route.
///
/// Thread: any. Cost: admit one lock of the door and one of each required sink queue. On cancel: `close` makes admit
/// refuse with shutting_down.
#include <weir/async/guard.h>
#include <weir/base/context.h>
#include <weir/component/source.h>
#include <weir/flow/admit/door.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "config/config.h"
#include "guards/door_guards.h"
#include "pipeline/delivery/sink_node.h"
#include "pipeline/route/route.h"

namespace weir::pipeline {

class SourceNode {
 public:
  SourceNode(const config::Source& source, Budget& budget, Ids& ids, const Context& context, std::uint64_t seed);

  const std::string name;
  const std::string type;
  const Level acks;
  const Remains remains;  ///< where what it gives up still is
  NodeCounters counters;
  Route route;
  SinkNode* dead_letters = nullptr;
  std::vector<SinkNode*> required;  ///< whose pressure the door reads
  std::atomic<std::uint64_t> admitted{0}, refused{0}, held_units{0};
  std::array<std::atomic<std::uint64_t>, flow::reason_count> refused_by{};  ///< by Reason

  Pace pace;  ///< rates that its events wait for, where nobody can be refused

  /// Those of a source that can refuse, before `admit`, which is the last of them.
  /// For the fate of what they bring, at most; 0: they are answered at once.
  Duration senders_wait() const { return acks == Level::accepted ? Duration{0} : senders_wait_; }
  void watch(std::vector<net::Reactor*> reactors) { guards_.watch(std::move(reactors)); }
  Admitted<async::Permit> pass_guards(const async::Arrival& arrival);
  /// Rates whose key is a field: before the first of the events enters.
  Admitted<void> pass_rates_of_events(guards::EventCaller& reader, const async::Caller& sender, std::string_view text,
                                      std::span<const Batch::Slot> events);
  std::vector<GuardStatus> guards() const;
  void reconfigure(const config::Guards& guards);
  Admitted<Ticket> admit(Bytes worst_case, Priority priority, flow::BriefHold::HeldUnit* unit);
  /// See SourceOutput.
  std::optional<Rejection> stalled() const;
  /// See ReportsLevel; memory counts like a sink.
  double level() const;
  Budget& budget() { return budget_; }
  const Context& context() const { return context_; }
  void brought(std::uint64_t events);
  void close(Duration retry_after);
  /// Until then a stage lets nothing more through.
  void hold_until(TimePoint t) { held_until_.store(t.time_since_epoch().count(), std::memory_order_relaxed); }
  bool refuses_when_full() const { return refuse_when_full_; }
  void set_refuse_when_full(bool refuse) { refuse_when_full_ = refuse; }
  /// The cause that holds this source up now; empty: none. Refreshed at most every 100 ms: refusals must stay cheap.
  std::string why(Reader reader = Reader::operators);
  /// For a client whose request is refused with this reason: names the fullest sink when nothing is held up right now.
  std::string why_refused(Reason reason);
  std::uint64_t next_ids(std::uint32_t n) { return ids_.take(n); }

 private:
  Admitted<void> decide(std::span<const flow::DoorFacts> facts, bool memory_full, TimePoint now,
                        flow::BriefHold::HeldUnit* unit);
  std::string held_by_guards(TimePoint now) const;
  Duration in_vain(SinkNode& sink, TimePoint now) const;
  void look_for_stall(SinkNode& sink, flow::DoorFacts& fact, TimePoint now) const;
  Reason named(Reason reason, Priority priority, TimePoint now) const;
  std::string sinks_that_hold(Reader reader, TimePoint now, bool only_with_cause) const;
  std::string memory_in_use() const;

  Budget& budget_;
  Ids& ids_;
  const Context& context_;
  Duration held_for(TimePoint now) const;

  guards::DoorGuards guards_;
  const Duration senders_wait_;  ///< for the fate of their events, at most
  std::optional<Duration> closing_;
  std::atomic<bool> refuse_when_full_;
  std::atomic<Duration::rep> held_until_{0};
  std::mutex mutex_;
  flow::Door door_;
  struct Sentence {
    std::string text;
    TimePoint at{};
  };
  std::array<Sentence, 2> why_;  // by reader
};

}  // namespace weir::pipeline
