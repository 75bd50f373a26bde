#pragma once
/// Admission control: decides at a request's headers whether it may come in, and tells those it refuses when they will
/// be let in (semantics F1, F2).
///
/// A Retry-After is a promise only if a client that comes back then is admitted. Clients cannot be identified, so the
/// door keeps times instead of names: it divides time into places (promises.h) and takes several places together as a
/// group. A group that was told to a client is *open*, and an open group admits every request. Budgets make that hold.
/// With c = the least service rate of the required destinations / mean events of a request, and a group of w seconds:
///
///   E(g) = P(g) + min(F, c) w    if P(g) > 0, else 0: the requests expected in group g
///   P(g)                         requests that were told to come in g
///   F                            mean over 5 s of the arrivals that were not told a time
///   w                            1/15, 1/5 or 1/3 s: the largest of which 5 groups are about half of the bound's work
///
///   A client is told g only if E(g) + E(of the 4 groups on either side) <= 0.95 c x 5 w.
///   Each place counts at most three times its capacity.
///
/// Overload that lasts thus becomes a rhythm: open groups, and between them closed ones in which the queue drains.
///
///   arrival                               answer
///   memory full, breaker open, stopping   refused
///   no room left for one more request     refused
///   its group is open                     admitted, also while the sink queue is paused: the watermarks leave room
///   otherwise                             admitted if no sink queue is paused and none would come above 0.85 of its
///                                         bound with this request and all that is promised; or if every sink queue
///                                         is almost empty
///
///   Retry-After = max(1 s, base + U(0, base)) rounded up, then moved on to the next group with a free place, at most
///                 max_retry_after
///   base        = max(time to the low watermark, time to the probe, time since anything moved, rest of the drain when
///                 stopping)
///
/// Who is refused stays away for a second at least, which is long for a queue that is 4 ms of work. A unit that can
/// wait unread (`unit`) is held for a moment instead, while there will be room soon (brief_hold.h).
///
/// A stalled sink keeps its last rate, so its time to the low watermark does not change: what grows is the time since
/// anything moved. When no group within max_retry_after has a place, that time is told without a promise
/// (`unpromised`).
///
/// Measured by door_figures_test.cc over five virtual minutes: 97 to 100 % of the clients that come back exactly when
/// told are admitted, at 1.5 to 10 times capacity and bounds of 0.5 to 10 s of work, while the sink idles 2 % at most.
/// Coming back late costs: with a bound of 0.5 s of work a mean delay of 20 ms leaves 91 %, 100 ms 78 %; with 10 s of
/// work 98 %.
///
/// Clients that arrive in the same instant come back in the same instant, so of such a herd only about half of the
/// bound's work is told to each second; the rest of each second is for requests that were not told a time.
///
/// When to choose it: requests come from clients that can come back, to whom a time that holds is worth more than a
/// guess. Where the sender can be held up (a pipe, a TCP stream) holding it up is simpler.
///
/// Thread: one owner (the source holds a mutex). Cost: about 0.2 us to admit, up to a few us to refuse when the
/// calendar is full; 2 KiB for 60 s.
#include <weir/base/checked.h>
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/brief_hold.h>
#include <weir/flow/admit/promises.h>
#include <weir/flow/queue/pressure.h>

#include <span>

namespace weir::flow {

struct DoorConfig {
  Duration max_retry_after = std::chrono::seconds(60);  ///< at most 300 s are kept in the calendar
  BriefHoldConfig hold{};                               ///< of units that can wait at the door
  bool operator==(const DoorConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const DoorConfig& config);

/// What the door must know of one required destination.
struct DoorFacts {
  Pressure pressure;                   ///< of its sink queue
  bool paused = false;                 ///< for this request's priority
  std::optional<Duration> to_probe{};  ///< nothing may be sent to it: time to the next probe, or to the end of a hold;
                                       ///< nothing comes back from it: for so long
  Reason blocked_by = Reason::breaker_open;  ///< with to_probe: what holds it up (breaker_open, destination_locked ...)
  bool reserved = false;  ///< this priority may enter the reserved part: only the bound stops it (semantics D5)
  double limit = 1.0;     ///< the part of the bound this priority may fill: 1 - reserved_for_high, or 1
};

struct DoorStats {
  std::uint64_t admitted = 0, refused = 0;
  std::uint64_t unpromised = 0;  ///< refused and told max_retry_after, because no earlier time was free
  std::uint64_t held = 0;        ///< units that were held for a moment first; in one of the others when decided
};

class Door {
 public:
  Door(const DoorConfig& config, std::uint64_t seed);

  /// flow_full, priority_shed, memory_full, shutting_down, or what a destination is blocked by, with
  /// a Retry-After in whole seconds. With a `unit` whose `wait` is then above 0 the unit is not refused yet, and not
  /// counted: it asks again with the same `unit`, however the wait ended.
  [[nodiscard]] Admitted<void> decide(std::span<const DoorFacts> required, bool memory_full, TimePoint now,
                                      BriefHold::HeldUnit* unit = nullptr);
  /// A held unit goes away, or waits for something else from now on.
  void leave(BriefHold::HeldUnit& unit) { hold_.leave(unit); }
  /// To be called once for each admitted request, when its events are counted (0 if it brought none): until then it
  /// counts as an average request on its way. A request that never reports is forgotten after 30 to 60 s.
  void on_admitted(std::uint64_t events);
  /// Refuses everything from now on; what is in the flow has `drain` to leave it.
  void close(Duration drain, TimePoint now) { closes_ = now + drain; }
  const DoorStats& stats() const { return stats_; }

 private:
  using Slot = Promises::Slot;
  struct Plan {
    Slot group = 1;      ///< places taken together
    Slot window = 5;     ///< groups over which the budget is balanced
    double served = 0;   ///< requests a group's time is enough for
    double unasked = 0;  ///< requests expected in it that were not told a time
  };

  std::optional<Plan> plan(std::span<const DoorFacts> required) const;
  double expected(Slot group, const Plan& plan) const;
  bool has_room(Slot group, const Plan& plan) const;
  std::optional<Reason> verdict(std::span<const DoorFacts> required, bool memory_full, TimePoint now) const;
  bool room_beyond_promises(const DoorFacts& fact, const Plan& plan, TimePoint now) const;
  Duration base_wait(std::span<const DoorFacts> required, TimePoint now) const;
  bool held_instead(BriefHold::HeldUnit& unit, std::span<const DoorFacts> required, Reason reason, TimePoint now);
  Duration promise(std::span<const DoorFacts> required, Reason reason, TimePoint now);
  void observe(std::span<const DoorFacts> required, TimePoint now);
  void count_arrival(double served_per_place, TimePoint now);
  double on_their_way() const;
  double mean_events() const { return mean_events_ > 1 ? mean_events_ : 1; }

  DoorConfig config_;
  Rng rng_;
  Promises promises_;
  BriefHold hold_;
  struct {
    Promises::Slot at = -1;
    std::int64_t from = 0, next = 0;
  } scanned_;  // by promise(), in the present place
  DoorStats stats_;
  double mean_events_ = 0;
  std::uint64_t reading_ = 0, reading_before_ = 0;  // admitted and silent: in this half minute, in the one before
  TimePoint half_minute_{};
  Slot current_ = 0;
  std::uint32_t arrivals_ = 0;  // in the current place
  double unasked_ = 0;          // a place, on average
  std::uint64_t waiting_ = 0;
  TimePoint moved_ = never, closes_ = never;
};

}  // namespace weir::flow
