#pragma once
/// The reference model: semantics.md as a program. One thread, no I/O, no shared batches, no locks: each step is
/// written in the simplest way. The engine is driven through the same random steps and must agree after each (see
/// pipeline/graph/lockstep_for_test.h). Where the two differ one of them is wrong, and this is the one that is easy to
/// read.
///
///   source --add--> open batch --flush--> stuck (waits for room) --prefix--> stages --> every required line
///   worker: take -> attempt -> settle, or write dead letters -> settle
///
/// Thread: one. Cost: tests only.
#include "pipeline/model/queue.h"

namespace weir::model {

/// One unit its sender can repeat (semantics A1): how many fates are still owed, and those there are.
struct Unit {
  int source = 0;
  std::uint64_t owed = 0;
  std::array<std::uint64_t, fate_count> fates{};
  bool read = false;   ///< the source has given all its events
  bool ended = false;  ///< its place among those under way is free again
  bool settled() const { return read && owed == 0; }
  Fate worst() const;
};
/// What its sender has been told (semantics A2).
enum class Answer : std::uint8_t { none_yet, yes, no, unknown };

/// How the remote end of a sink behaves.
struct Behaviour {
  enum class Kind : std::uint8_t { ok, again, later, fails, refuses_some } kind = Kind::ok;
  Duration retry_after{0};   ///< later
  std::uint64_t modulo = 2;  ///< refuses_some: ids that it divides
};
enum class Need : std::uint8_t { nothing, arrivals, time, dead_letter_room, finished };

struct Left {
  std::uint64_t events = 0, unanswered = 0;
  Left& operator+=(const Left& o) {
    events += o.events;
    unanswered += o.unanswered;
    return *this;
  }
};

/// One row of the ledger (semantics G1).
struct Row {
  std::uint64_t in = 0, emitted = 0;
  std::array<std::uint64_t, fate_count> consumed{};
  std::uint64_t& of(Fate fate) { return consumed[static_cast<std::size_t>(fate)]; }
};

/// What one source holds of one priority.
struct Lane {
  Item open, stuck, next;
};
struct SourceState {
  std::array<Lane, priority_count> lanes;
  bool waits_for_room = false;                     ///< is told at the next end of a pause
  std::deque<bool> to_do;                          ///< posted to its reactor: true: there is room; false: flush
  bool flush_posted = false, room_posted = false;  ///< each is posted once, however many ask for it
  Row row;
  std::uint64_t pending() const;
};
/// An event that the remote end refuses permanently, the item of the group it was in, and what it keeps of that item.
struct Dead {
  Event event;
  std::size_t item;
  Item of;  ///< without events
};
struct WorkerState {
  std::vector<Item> group;
  std::vector<Dead> dead;
  std::vector<std::uint64_t> written;  ///< ids of the first of them, already in the line of the dead letters
  bool writing_letters = false;
  int failures = 0;
  TimePoint not_before{};
};
struct SinkState {
  explicit SinkState(Queue line) : queue(std::move(line)) {}
  Queue queue;
  std::vector<WorkerState> workers;
  Row row;
  std::vector<std::uint64_t> held;  ///< ids in the order in which the remote end confirmed them
  TimePoint hold_until{};
  int failures_in_a_row = 0;
  bool open = false;  ///< the breaker
  TimePoint probe_at{};
  bool closed = false;
};

class Model {
 public:
  Model(const Graph& graph, const std::vector<Queue::Draw>& draws);

  int begin_unit(int source);
  void end_unit(int unit);
  /// Whoever has settled leaves its place among those under way.
  void end_settled();
  bool ready(int source, Priority priority) const;
  bool paused(int source, Priority priority);
  void add(Event event, TimePoint now);
  void push(Item item, TimePoint now);
  void turn(int source, TimePoint now);  ///< the reactor does what was posted
  Need step(int sink, int worker, const Behaviour& other_side, TimePoint now);
  void close(int sink) { sinks[static_cast<std::size_t>(sink)].closed = true; }
  Left abandon_line(int sink);
  Left abandon_worker(int sink, int worker);
  Left abandon_source(int source);
  Answer told(const Unit& unit) const;

  std::vector<Unit> units;
  std::vector<SourceState> sources;
  std::vector<Door> doors;  ///< by source
  std::vector<Row> stages;
  std::vector<SinkState> sinks;

 private:
  void flush(int source, Lane& lane);
  void flush_all(int source);
  void send(int source, Lane& lane);
  void fan_out(int source, const Item& front);
  void arrive(int sink, Item item);
  void keep_shed(const Sink& rules, const std::vector<Ended>& ended);
  void settle(const Event& event, Fate fate, bool owed = true);
  void settle(const std::vector<Ended>& ended);
  Left abandon(Row* row, const Item& item);
  Need take(SinkState& sink, const Sink& rules, WorkerState& worker, TimePoint now);
  Need attempt(SinkState& sink, const Sink& rules, WorkerState& worker, const Behaviour& other_side, TimePoint now);
  Need write_letters(SinkState& sink, const Sink& rules, WorkerState& worker);
  void finish(SinkState& sink, const Sink& rules, WorkerState& worker, const Behaviour& other_side);
  void settle_rest(SinkState& sink, WorkerState& worker);
  void tell_of_room(int sink, const std::array<bool, priority_count>& before);

  Graph graph_;
};

}  // namespace weir::model
