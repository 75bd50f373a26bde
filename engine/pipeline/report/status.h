#pragma once
/// The state of a running flow at one moment, as plain data. Metrics, the admin API, `weir why` and `weir top` are made
/// of this; nothing below knows them.
///
/// Thread: a value. Cost: taking one locks each sink queue once; meant for a few times a second.
#include <weir/component/journal.h>
#include <weir/component/source.h>
#include <weir/component/stage.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/sojourn.h>
#include <weir/flow/recover/destination.h>

#include <optional>
#include <string>
#include <vector>

#include "guards/guard_status.h"
#include "pipeline/report/counters.h"
#include "pipeline/report/hold_up.h"

namespace weir::pipeline {

/// A guard of a source or a sink since start (docs/guards.md).
using guards::GuardStatus;

struct SourceStatus {
  std::string name, type, address;
  Level acks = Level::accepted;
  NodeSnapshot node;
  std::uint64_t admitted = 0, refused = 0;                     ///< units at the door: requests
  std::array<std::uint64_t, flow::reason_count> refused_by{};  ///< of the refused, by Reason
  std::uint64_t held = 0;                                      ///< of both, held there for a moment first
  bool paused = false;
  std::string why;  ///< what holds it up, if anything
  Upstream upstream{};
  std::vector<GuardStatus> guards{};
};

struct StageStatus {
  std::string name;
  NodeSnapshot node;
  std::vector<StagePlan::Count> counts{};  ///< further counters of its type
};

/// What a queue with `when_full: spill` has on the disk.
struct SpillStatus {
  std::string path;
  std::uint64_t events = 0;     ///< there now
  std::uint64_t total = 0;      ///< ever, since start
  std::uint64_t recovered = 0;  ///< found there at start
  Bytes bytes, max_bytes;
  std::string error;  ///< why nothing can be spilled now
};

/// What a destination refused for good and no dead letter keeps.
struct RefusedForGood {
  std::uint64_t events = 0;
  std::uint64_t told = 0;  ///< of these: their sender was told so; the others are lost
  std::string words;       ///< of the last refusal
  Duration ago{0};         ///< since then
};

struct SinkStatus {
  std::string name, type;
  bool required = true;
  NodeSnapshot node;
  flow::EdgeStats edge;
  std::optional<SpillStatus> spill{};
  flow::Pressure pressure;
  flow::DestinationStats destination;
  std::vector<GuardStatus> guards{};
  std::string paced_to{};    ///< its own rate, while that holds it up: "5000 events/s"
  std::string limited_to{};  ///< its own limit on deliveries, while workers wait for it: "8 at once (adaptive)"
  HoldUp hold;
  std::string last_error;
  std::string letters_wait_for;  ///< the sink that has no room for its dead letters; empty: they do not wait
  std::uint64_t in_hand = 0;     ///< events that its workers hold
  RefusedForGood refused;
  std::string state;      ///< in a few words: "held up", "behind", "keeps up" ...
  std::string backlog;    ///< what it has not read of its journal: "16000 events (3.1 MiB, 35 s) behind"
  std::string why;        ///< "queue 512/512 events <- breaker open, next probe in 3 s <- connection refused"
  flow::Sojourn sojourn;  ///< how long events take, now and usually
  std::string latency;    ///< what that means: "p50 3 ms, p99 9 ms, as usual"
  int workers = 0, workers_busy = 0;
  std::uint64_t busy_ns = 0, idle_ns = 0, blocked_ns = 0, deliveries = 0;

  /// offered - delivered - dropped - pending of its edge.
  std::int64_t edge_difference() const;
};

struct Link {
  std::string from, to;
};

struct FlowStatus {
  std::vector<SourceStatus> sources;
  std::vector<StageStatus> stages;
  std::vector<SinkStatus> sinks;  ///< the writing sides of journals too
  std::vector<JournalStatus> journals;
  std::vector<Link> links;
  Bytes memory, footprints, budget, budget_used;
  Duration uptime{0};
  bool stopping = false;
  std::array<std::uint64_t, 3> reloads{};   ///< since start: applied, refused, with errors in the file
  std::array<std::uint64_t, 2> renewals{};  ///< of replaced files, since start: taken over, not

  /// The ledger: the largest surplus of "in" over everything accounted for, and whether any place is negative (a lie).
  struct Ledger {
    std::int64_t in_transit = 0;
    std::int64_t worst = 0;
    std::string where;
  };
  Ledger ledger() const;
};

/// What a sentence is for: an operator reads the destination's own words, with hosts, ports and paths; a client, who
/// may be a stranger, only causes and times.
enum class Reader : std::uint8_t { operators, clients };
/// "queue 512/512 events, 1.2 GiB spilled <- breaker open, next probe in 3 s <- connection refused". Names what holds
/// the sink up (hold_up.h), and nothing else.
std::string describe(const SinkStatus& sink, Reader reader = Reader::operators);
/// "held up", "readers are paused", "behind", "keeps up" or "idle". What holds it up comes first: a queue that is empty
/// says nothing about a destination.
std::string_view state_of(const SinkStatus& sink);
/// ", 1.2 GiB spilled"; empty: nothing is, and it could be.
std::string describe(const SpillStatus& spill, Reader reader = Reader::operators);
/// "16000 events (3.1 MiB, 35 s) behind in journal ingest": what a sink has not been given yet. Empty: no more than is
/// on its way to it, or a second's worth at most.
std::string backlog_of(const SinkStatus& sink, const std::vector<JournalStatus>& journals, std::string_view journal,
                       std::string_view consumer);
/// "p99 4.1 s (usual 40 ms) but p50 still 12 ms: a subset is stuck, look at ...".
std::string describe_latency(const SinkStatus& sink);
/// "12 300 events (1.2 GiB, 35 s) behind <- sink warehouse: ...": how far a consumer is behind, and why. Empty: it is
/// not.
std::string describe_lag(const std::vector<JournalStatus>& journals, std::string_view journal,
                         std::string_view consumer, const std::string& why);
/// The same for a source that pulls: "12300 events (35 s) behind in 3 places <- broker 10.0.0.7 refuses <- sink ...".
std::string describe_lag(const Upstream& upstream, const std::string& why);
std::string human(Duration d);

}  // namespace weir::pipeline
