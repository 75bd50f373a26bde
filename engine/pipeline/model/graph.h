#pragma once
/// The graph of the reference model: sources, stages and sinks in their simplest form. It consists of numbers, so that
/// a random case can be drawn, printed and kept.
///
/// Nodes are numbered: sources first, then stages (each `from` only earlier nodes), and sinks on their own.
///
/// Thread: values. Cost: tests only.
#include <weir/base/reason.h>
#include <weir/flow/demand/fate.h>
#include <weir/flow/queue/edge_config.h>

#include <optional>
#include <vector>

#include "pipeline/model/door.h"

namespace weir::model {

inline constexpr int nobody = -1;  ///< no unit: accepted, so its sender waits for nothing; no sink: no dead letters

struct Event {
  std::uint64_t id = 0, bytes = 0;
  Priority priority = Priority::normal;
  int source = 0;
  int unit = nobody;
};

/// Events of one priority that move together: the unit of pushing, of dropping and of delivery.
struct Item {
  std::vector<Event> events;
  Priority priority = Priority::normal;
  TimePoint since{};
  bool owed = true;     ///< it is owed to a receipt: false on the way to an optional sink
  bool letter = false;  ///< dead letters: confirmed, they count as dead_lettered
  bool empty() const { return events.empty(); }
  Load load() const;
  Item take_front(std::uint64_t n);
};

struct Source {
  Level acks = Level::accepted;
  std::uint64_t batch_bytes = 4096;  ///< of an open batch
  DoorRules door{};
};

/// The verdict of a stage depends on the event's id.
struct Stage {
  enum class Kind : std::uint8_t {
    keeps,   ///< those that modulo does not divide; the others end filtered
    loses,   ///< the same, but the others are dropped
    splits,  ///< all: those that modulo divides by output 1, the others by output 0
    grows,   ///< all, each `growth` bytes longer
  };
  static constexpr std::uint64_t growth = 7;
  std::vector<int> from;
  std::uint64_t modulo = 2;
  Kind kind = Kind::keeps;
  bool divides(std::uint64_t id) const { return id % modulo == 0; }
};

/// An entry of `from`: a node, or output 1 of a stage that splits.
inline constexpr int second_output = 1000;
constexpr int node_of(int from) { return from % second_output; }

/// The result of an event at the end of some inputs: the first of them, in their order, that lets it through says which
/// version; when none does, the worst of their fates is why.
struct Arrival {
  bool arrives = false;
  std::uint64_t bytes = 0;
  Fate fate = Fate::filtered;
};

struct Sink {
  std::vector<int> from;
  bool required = true;
  SinkAck ack = SinkAck::durable;
  flow::EdgeConfig queue;
  Load most{1000, Bytes(1 << 20)};  ///< one delivery
  Duration linger{0};
  int workers = 1;
  int dead_letters = nobody;         ///< a sink
  Fate failure_fate = Fate::failed;  ///< of a permanent failure without dead letters
  int failures_to_open = 5;          ///< in a row; the breaker
  Duration open = std::chrono::seconds(10);
  Duration backoff_base{0}, backoff_cap{0};
};

struct Graph {
  std::vector<Source> sources;
  std::vector<Stage> stages;
  std::vector<Sink> sinks;

  /// What comes out of this node, by this output.
  Arrival out_of(int from, const Event& event) const;
  Arrival arrival(const std::vector<int>& from, const Event& event) const;
  bool reaches(const std::vector<int>& from, const Event& event) const { return arrival(from, event).arrives; }
  /// Could any event of this source?
  bool leads(int source, const std::vector<int>& from) const;
  /// The sinks on the required paths of a source.
  std::vector<int> required_sinks(int source) const;
  /// Does anything read from this node, by this output?
  bool is_read(int from) const;
  /// Can a stage on the way from this source lose events?
  bool may_lose(int source, const std::vector<int>& from) const;
  /// The strongest acks that the required paths of a source carry (semantics A2 to A4): the weakest of its sinks' acks,
  /// and no more than `processed` where a line may lose what it was given. A permanent refusal is answered, not lost.
  Level carried(int source) const;
};

}  // namespace weir::model
