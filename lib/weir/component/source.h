#pragma once
/// A source brings events in, and is the only place where load can be slowed or refused.
///
/// A Source opens one Intake on each reactor; an Intake lives on that reactor's thread and needs no locks. The pipeline
/// hands it a SourceOutput, which is everything an intake may do with events:
///
///   pass_guards  limits on who may start (docs/guards.md), for a source that can refuse: asked before the door
///   admit(...)   the door: may this unit be read? A ticket for its worst case, or a Rejection with an honest
///                Retry-After. Decided before a byte of it is read.
///   pass_rates_of_events  the rates whose key is a field, asked when the events of a unit are known
///   paused(c)    stop reading events of priority c until `on_room`
///   ready(c)     events of priority c may be given now. False: the rest of an earlier batch still waits for room, and
///                further events have to wait, unacknowledged, until `on_room`
///   push(batch)  gives a batch: the prefix that every required edge has room for goes on now, the rest waits in the
///                source output. Never more than one branch is given what another cannot take.
///   add(...)     gives one small event into the open batch of its priority, flushed at the end of the reactor's turn.
///
/// Thread: an Intake and its SourceOutput are used on one reactor thread only. Cost: add about 10 ns and a copy; push
/// one lock for each required edge. On cancel: `stop` refuses new units; those being read finish; receipts keep
/// settling.
#include <weir/async/guard.h>
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/component/batch.h>
#include <weir/component/options.h>
#include <weir/flow/admit/brief_hold.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir {

/// What a source can do when told to wait (semantics A5).
struct Capabilities {
  bool can_pause = true;    ///< it can leave events unread
  bool can_refuse = false;  ///< its sender waits for an answer that may be "not now"
  bool can_replay = false;  ///< it can read them again after a crash
};

class SourceOutput {
 public:
  virtual ~SourceOutput() = default;
  /// May this unit start, by the limits of its source? The permit is told what it brought, and its outcome when its
  /// sender is answered; or that a later guard or the door refused it (`unused`). With `arrival.waiter` it may have to
  /// wait for its turn first (async/waiter.h). Where there are no guards the permit is empty and costs nothing.
  virtual Admitted<async::Permit> pass_guards(const async::Arrival& arrival) {
    (void)arrival;
    return async::Permit();
  }
  /// May these events enter, by the rates whose key is a field of them? All of them or none: nothing is taken of those
  /// that would have passed when others are refused. `sender` answers for what is no field. The text is readable for
  /// `block_padding` bytes behind the last event.
  virtual Admitted<void> pass_rates_of_events(const async::Caller& sender, std::string_view text,
                                              std::span<const Batch::Slot> events) {
    (void)sender, (void)text, (void)events;
    return {};
  }
  /// With a `unit` whose `wait` is then above 0 the unit is not refused yet: its source leaves it unread, waits so
  /// long or until `on_room`, and asks again with the same `unit`. Null: it cannot wait.
  virtual Admitted<Ticket> admit(Bytes worst_case, Priority priority, flow::BriefHold::HeldUnit* unit) = 0;
  /// What `when_full` says now (a reload may change it): the sender of a unit that was not let in is refused. False:
  /// its unit waits unread and asks again.
  virtual bool refuses_when_full() const { return true; }
  /// How many events an admitted unit turned out to hold, 0 if it brought none: exactly once for each `admit` that let
  /// one in. The door learns from it what a unit is worth.
  virtual void brought(std::uint64_t events) { (void)events; }
  /// Reserves memory without a check of load: for units that come one by one on an admitted connection.
  virtual Admitted<Ticket> reserve(Bytes amount) = 0;
  /// What so many events cost the budget on their way, over all copies that stages may make: what to reserve.
  virtual Bytes cost(std::size_t bytes, std::size_t events) const = 0;

  /// A required destination has given no answer for so long that whoever waits for the fate of its events waits in
  /// vain: why, and when to come back. Nothing: there is something to wait for.
  virtual std::optional<Rejection> stalled() const { return {}; }

  virtual bool paused(Priority priority) const = 0;
  virtual bool ready(Priority priority) const = 0;
  /// Only while ready(priority). The block's charge is its own; `spare` covers what stages may copy of it.
  virtual void push(Batch batch, Ticket spare) = 0;
  /// Only while ready(priority). `part` covers cost() of this event; the receipt may be null.
  virtual void add(std::string_view event, Priority priority, Receipt* receipt, Ticket part) = 0;
  /// The same for an event of an origin that differs from event to event; null: none. An open batch has one origin.
  virtual void add_from(const std::shared_ptr<const Origin>& origin, std::string_view event, Priority priority,
                        Receipt* receipt, Ticket part) {
    (void)origin;
    add(event, priority, receipt, std::move(part));
  }
  /// Whether some expression behind this source reads it: what nobody reads need not be kept. Constant.
  virtual bool reads(Attribute attribute) const {
    (void)attribute;
    return false;
  }
  virtual void flush() = 0;

  virtual bool has_dead_letters() const = 0;
  virtual bool dead_letters_ready() const = 0;
  /// Only while dead_letters_ready(): one event that cannot enter the flow, with why, and where it was read if that
  /// says more than the source's name.
  virtual void dead_letter(std::string_view event, Reason reason, std::string_view why,
                           std::optional<EventPosition> place, Receipt* receipt) = 0;

  /// Called on the reactor's thread when a pause ends or what waited has gone on. Set by the intake.
  std::function<void()> on_room;

  virtual std::uint64_t next_ids(std::uint32_t n) = 0;  ///< n stable ids, for blocks the intake seals itself
  virtual const Context& context() const = 0;
  /// Counts what the intake refuses or loses itself: requests at the door, malformed lines.
  virtual void refused(std::uint64_t events, Reason reason) = 0;
  /// One sentence on why a unit is refused for this reason now: "sink warehouse: queue 512/512 events <- locked, trying
  /// again in 3 s". Its sender may be a stranger: it names causes and times, and neither hosts nor ports nor paths.
  virtual std::string_view why(Reason refused_with) const = 0;
};

class Intake {
 public:
  virtual ~Intake() = default;
  virtual void start() = 0;
  /// No new units from now on: refuse them with this Retry-After, finish what is being read.
  virtual void stop(Duration retry_after) = 0;
  /// The drain deadline has come: answer everything that still waits with outcome_unknown and close.
  virtual void abandon() = 0;
  /// The last answers have had their time: ends everything that is still open.
  virtual void close() {}
  /// Nothing is being read and no sender waits for an answer. Any thread.
  virtual bool quiet() const = 0;
};

struct IntakeSetup {
  boost::asio::io_context& reactor;
  int index;  ///< of the reactor
  SourceOutput& output;
};

/// What a source that pulls knows of the system it reads from.
struct Upstream {
  struct Lag {
    std::string place;                 ///< "orders/3": topic and partition
    std::uint64_t events = 0;          ///< present there and not settled
    Duration age{0};                   ///< of the oldest of them
    std::uint64_t first = 0, end = 0;  ///< what it holds by its own numbers, without `end`
  };
  std::vector<Lag> lags;
  std::vector<std::pair<std::string_view, std::uint64_t>> counts;  ///< what it counts besides, since start
  std::string trouble;                                             ///< what is wrong with the connection now
};

class Source {
 public:
  virtual ~Source() = default;
  /// What `open` would refuse whatever the machine is like: nothing is opened or read for it, so `weir check` asks it.
  /// The message names the option: "max_files: must be between 1 and 4096".
  virtual Result<void> check() const { return {}; }
  /// Binds what it listens on, so that a port in use is an error at start.
  virtual Result<void> open() = 0;
  virtual std::unique_ptr<Intake> intake(const IntakeSetup& setup) = 0;
  /// For people: "http://127.0.0.1:8080/events".
  virtual std::string address() const { return {}; }
  /// SIGHUP, any thread: what it read from files at start (certificates) is read again. What it did, for the log
  /// (empty: there is nothing to do), or why it goes on with what it has.
  virtual Result<std::string> on_hangup() { return {}; }
  /// Any thread: its secrets (options with OptionSpec::secret) have other values, which `check` has accepted. All other
  /// options are as before.
  virtual void take_secrets(const Options& options) { (void)options; }
  /// Any thread, a few times a second.
  virtual Upstream upstream() const { return {}; }
  /// Any thread: its input is over (`at_end: stop`) and all of it has been given to the flow. When all sources of a
  /// flow say so, and everything is delivered, the run is over.
  virtual bool at_end() const { return false; }
};

}  // namespace weir
