#pragma once
/// A journal is a durable queue that outlives the process: one writer, any number of consumers, each with a cursor of
/// its own (semantics B). To the pipeline its writing side is a sink and each consumer a source; a receipt upstream
/// settles when the record is committed, and from there on consumers hold cursors, not receipts.
///
/// Thread: `open` and `close` one owner, `status` any; the writer and the intakes as sinks and sources do. Cost: see
/// the type. On cancel: what was committed stays; a consumer's cursor is never beyond what has settled.
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/component/options.h>
#include <weir/component/sink.h>
#include <weir/component/source.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir {

struct JournalConsumer {
  std::string name;          ///< of its cursor: what is renamed keeps its place
  bool holds = true;         ///< nothing it has not read is given up; false: it may be made to skip (when_behind: skip)
  bool from_newest = false;  ///< without a cursor it begins behind what is there
};

struct JournalStatus {
  std::string name, type;
  std::string path;                        ///< where it is, for people
  std::uint64_t first = 0, end = 0;        ///< sequences: oldest event that is there, and behind the newest
  std::uint64_t bytes = 0, max_bytes = 0;  ///< on the disk, and at most
  std::uint64_t commits = 0, torn_bytes = 0, damaged_places = 0, dropped_events = 0;
  std::optional<Duration> time_to_full;  ///< at the present growth; then it does what when_full says
  std::string error;                     ///< what is wrong with it now
  std::vector<std::string> notes;        ///< what was found when it was opened
  struct Consumer {
    std::string name;
    bool holds = true;
    bool configured = true;      ///< false: a cursor that nobody reads by; it may hold all the same
    std::uint64_t position = 0;  ///< the next event it has not settled
    std::uint64_t lag_events = 0, lag_bytes = 0;
    Duration lag{0};                         ///< age of the oldest event it has not settled
    std::uint64_t skipped = 0, damaged = 0;  ///< events it was never given: given up before, or lost by the disk
  };
  std::vector<Consumer> consumers;
};

class Journal {
 public:
  virtual ~Journal() = default;
  /// What `open` would refuse whatever the machine is like, as Sink::check.
  virtual Result<void> check() const { return {}; }
  /// At start; an error is final and ends the process with its message.
  virtual Result<void> open(std::span<const JournalConsumer> consumers) = 0;
  virtual std::unique_ptr<Sink> writer() = 0;
  /// One of the consumers it was opened with.
  virtual std::unique_ptr<Source> reader(std::string_view consumer) = 0;
  virtual JournalStatus status() const = 0;
  /// After the last writer and reader: saves what is to be saved.
  virtual void close() = 0;
};

struct JournalSetup {
  std::string name;
  const Options& options;
  const Context& context;
};

/// What consumers have not read waits "on the disk", and how much of it may; 0: another system decides that.
struct JournalRoom {
  std::string where;
  Bytes most{};
};

struct JournalType {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  std::function<SinkAck(const Options&)> ack;             ///< durable, or less: then its flows carry `processed`
  std::function<std::string(const Options&)> why_weaker;  ///< "durability: interval may lose what is not synced yet"
  /// Whether it gives up what consumers that hold have not read (when_full: drop_oldest).
  std::function<bool(const Options&)> may_drop;
  std::function<JournalRoom(const Options&)> room;
  std::function<std::vector<Footprint>(const Options&, std::size_t consumers, Bytes largest_event)> footprint;
  std::function<Bytes(const Options&)> read_ahead;  ///< what each consumer may have on its way
  std::function<std::shared_ptr<Journal>(const JournalSetup&)> make;
};

}  // namespace weir
