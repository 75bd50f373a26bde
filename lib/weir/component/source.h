#pragma once
/// A source brings events in, and is the only place where load can be slowed or refused.
///
/// A Source opens one Intake on each reactor; an Intake lives on that reactor's thread and needs no locks. The pipeline
/// hands it an Outlet, which is everything an intake may do with events:
///
///   admit(...)   the door: may this unit be read? A ticket for its worst case, or a Rejection with an honest
///                Retry-After. Decided before a byte of it is read.
///   paused(c)    stop reading events of class c until `on_room`
///   push(batch)  takes the prefix that every required edge has room for now, and returns the rest: keep it, wait for
///                `on_room`, push it again. Never more than one branch is given what another cannot take.
///   add(...)     one small event into the open batch of its class, flushed at the end of the reactor's turn.
///
/// Thread: an Intake and its Outlet are used on one reactor thread only. Cost: add about 10 ns and a copy; push one lock
/// for each required edge. On cancel: `stop` refuses new units; those being read finish; receipts keep settling.
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/component/batch.h>
#include <weir/component/options.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio { class io_context; }

namespace weir {

/// What a source can do when told to wait (semantics A5).
struct Capabilities {
  bool can_pause = true;    ///< it can leave events unread
  bool can_refuse = false;  ///< its sender waits for an answer that may be "not now"
  bool can_replay = false;  ///< it can read them again after a crash
};

class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual Admitted<Ticket> admit(Bytes worst_case, Class cls) = 0;
  /// Memory only, no load check: for units that are let in one by one behind an open door.
  virtual Admitted<Ticket> reserve(Bytes amount) = 0;
  virtual bool paused(Class cls) const = 0;
  [[nodiscard]] virtual Batch push(Batch batch) = 0;
  /// False: the open batch of this class waits for room; wait for `on_room` and add again.
  [[nodiscard]] virtual bool add(std::string_view event, Class cls, Receipt* receipt, Ticket part) = 0;
  virtual void flush() = 0;
  /// Sends one event to the source's dead letters. False: full, wait for `on_room`.
  [[nodiscard]] virtual bool dead_letter(std::string_view event, Reason reason, std::string_view why, Receipt* receipt) = 0;
  virtual bool has_dead_letters() const = 0;
  /// What an event of so many bytes costs the budget on its way, over all its copies: the factor of a reservation.
  virtual Bytes cost(std::size_t bytes, std::size_t events) const = 0;
  /// Called on the reactor's thread when a pause ends or a full edge has room again.
  std::function<void()> on_room;
  virtual const Context& context() const = 0;
  virtual std::uint64_t next_ids(std::uint32_t n) = 0;  ///< n stable ids, for batches made with make_batch
  virtual void refused(std::uint64_t events, Reason reason) = 0;  ///< counts what the intake itself refuses
  /// Counts events as read from outside; every one of them must then be pushed, added, dead-lettered or refused.
  virtual void received(std::uint64_t events) = 0;
};

class Intake {
 public:
  virtual ~Intake() = default;
  virtual void start() = 0;
  /// No new units from now on: refuse them with this Retry-After, finish what is being read.
  virtual void stop(Duration retry_after) = 0;
  /// The drain deadline has come: answer everything that still waits with outcome_unknown and close.
  virtual void abandon() = 0;
  /// Nothing is being read and nobody waits for an answer.
  virtual bool quiet() const = 0;
};

struct IntakeSetup {
  boost::asio::io_context& reactor;
  int index;           ///< of the reactor
  Outlet& outlet;
};

class Source {
 public:
  virtual ~Source() = default;
  /// Binds what it listens on, so that a port in use is an error at start.
  virtual Result<void> open() = 0;
  virtual std::unique_ptr<Intake> intake(const IntakeSetup& setup) = 0;
  /// For people: "http://127.0.0.1:8080/events".
  virtual std::string address() const { return {}; }
};

}  // namespace weir
