#pragma once
/// Where requests wait for a place at a service, for a bounded time, in a bounded number, in an order. A limit alone
/// refuses whatever comes a moment too early; a queue alone lets everything wait until it is worthless.
///
///   W            how long it is worth to wait (wait_budget.h)
///   refused at once
///                when (waiting + 1) / dispatches > theta W: it would wait in vain. theta: high 1, normal 0.95, low 0.9,
///                batch 0.8, so that what matters less goes first. Two may always wait. Critical ones have a lane of
///                their own, bounded by max(1.2 W, `critical`)
///   pushed out   one that comes while its part is full takes the place of the youngest of the lowest priority below
///                its own; else of the youngest of the share that has most waiting at its own priority, if that is two
///                more than its own has
///   stalled      the limit has been reached for max(W, 20 ms, 8 dispatches; 1 s while these are not known), and nothing
///                was answered since: refused at once, since nobody knows when it will move
///   returns      one that was told to come now (returners.h) takes the place of the youngest below its priority, or else
///                of the youngest of its own that was not, if it would have to be refused; and is called before all of
///                its priority and share that were not
///   next         critical ones first; then the first of the priority with the least  arrival + (high - priority) W / 10,
///                so that none starves; within a priority shares by start-time fair queueing (fair_shares.h); within a
///                share in order of arrival
///   at the head  who waited over 1.2 W (critical: max(1.2 W, `critical`)), or whose deadline has passed, is refused
///
/// Who hangs up leaves by `leave`; whose deadline passes is handed out by `expired`, wherever in the order it stands.
/// All memory is there from the start.
///
/// What its owner does (in_flight.h):
///   an arrival   starts it if there is a place and the room is empty; otherwise `enter`, then as below
///   an answer    `answered`; while there is a place: `next`, and start it or refuse it
///   each 5 ms    `expired`, until there is none
///
/// When to choose it: before every limit on concurrency whose clients would rather wait for 50 ms than be refused. With
/// a FixedLimit, a bulkhead.
///
/// Thread: a value; its owner guards it. Cost: 80 ns and O(shares that wait) to enter or to be called; 56 bytes for
/// each of `most`, 220 a share. On cancel: one that goes away has to `leave`; a place that is not valid any more is
/// harmless. Ref: Goyal et al., SIGCOMM 1996 (shares); Nichols, Jacobson, "Controlling queue delay", 2012 (shedding at
/// the head).
#include <weir/base/checked.h>
#include <weir/base/result.h>
#include <weir/flow/admit/dispatch_rate.h>
#include <weir/flow/admit/fair_shares.h>
#include <weir/flow/admit/wait_budget.h>

#include <array>
#include <vector>

namespace weir::flow {

struct WaitingRoomConfig {
  std::uint32_t most = 1024;                           ///< waiting at once, all together
  std::uint32_t shares = 64;                           ///< tenants; more than that share theirs
  Duration longest = std::chrono::milliseconds(400);   ///< W at most: 0.4 of the usual deadline
  Duration critical = std::chrono::milliseconds(100);  ///< what critical ones may wait at least
  bool operator==(const WaitingRoomConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h): at most 1 000 000 waiting and 65 536 shares.
[[nodiscard]] std::optional<Unfit> check(const WaitingRoomConfig& config);

class WaitingRoom {
 public:
  struct Arrival {
    std::uint64_t id = 0;  ///< its owner's name for it
    Priority priority = Priority::normal;
    std::uint32_t share = 0;   ///< modulo `shares`; critical ones have none
    std::uint32_t weight = 1;  ///< of its share: fair_shares.h
    TimePoint deadline = never;
    bool returns = false;  ///< it was told to come now
  };
  /// Where one waits; not valid any more once it was called, pushed out or left.
  struct Handle {
    std::uint32_t slot = 0, generation = 0;
  };
  struct Entered {
    Handle place;
    std::optional<std::uint64_t> pushed_out;  ///< has to be refused: priority_shed
  };
  struct Called {
    std::uint64_t id = 0;
    Duration waited{0};
    std::optional<Reason> refused;  ///< none: it may start
  };
  struct Stats {
    std::uint32_t waiting = 0;
    Duration budget{0};      ///< W
    PerSecond dispatches{};  ///< while somebody waits
    std::uint64_t entered = 0, started = 0;
    std::uint64_t refused = 0;  ///< at the door
    std::uint64_t pushed_out = 0, expired = 0, left = 0;
  };

  explicit WaitingRoom(const WaitingRoomConfig& config);
  static Bytes footprint(const WaitingRoomConfig& config);

  /// `reached_since`: when the limit became reached; never: it is not. A place, or {concurrency_limited, the estimated
  /// wait}; stalled: {destination_stalled, W}; after its deadline: {deadline_exceeded, 0}.
  [[nodiscard]] Admitted<Entered> enter(Arrival arrival, TimePoint reached_since, TimePoint now);
  /// Who is called now, to be started or refused; nothing: nobody waits.
  [[nodiscard]] std::optional<Called> next(TimePoint now);
  /// Somebody whose time is over.
  [[nodiscard]] std::optional<Called> expired(TimePoint now);
  /// It hung up. False: it was not waiting any more.
  bool leave(Handle place, TimePoint now);
  /// The service answered; `inside` is what the limit knows of the wait inside it.
  void answered(Duration time, Duration inside, TimePoint now);
  /// Something at the service has ended, and its time tells nothing: it is not stalled.
  void moved(TimePoint now) { last_answer_ = now; }
  /// Whether who comes now is refused as stalled; `reached_since` as for `enter`.
  bool stalled(TimePoint reached_since, TimePoint now) const;

  std::uint32_t waiting() const { return critical().waiting() + others_; }
  std::uint32_t waiting(Priority priority) const { return of(priority).waiting(); }
  /// For who deals out shares to more tenants than there are (tenant_shares.h).
  const FairShares& shares(Priority priority) const { return of(priority); }
  bool empty() const { return waiting() == 0; }
  /// What those that are not critical got, while somebody waited; 0: not known yet.
  PerSecond dispatches_of_others() const { return rate_.of_others(); }
  Stats stats() const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Waiter {
    std::uint64_t id = 0;
    TimePoint since{}, deadline = never;
    std::uint32_t before = none, behind = none;  // in its line; behind: the next free slot, of one that is free
    std::uint32_t share = 0, weight = 1;
    std::uint32_t generation = 0;
    Priority priority = Priority::normal;
    bool waits = false, returns = false;
  };
  struct Line {  // of a priority and share
    std::uint32_t first = none, last = none;
  };
  struct Lines {
    Line returned, others;  // those are called first
    std::uint32_t first() const { return returned.first != none ? returned.first : others.first; }
    std::uint32_t last() const { return others.last != none ? others.last : returned.last; }
  };

  const FairShares& of(Priority priority) const { return order_[static_cast<std::size_t>(priority)]; }
  FairShares& of(Priority priority) { return order_[static_cast<std::size_t>(priority)]; }
  const FairShares& critical() const { return of(Priority::critical); }
  Lines& lines(Priority priority, std::uint32_t share) {
    return lines_[static_cast<std::size_t>(priority) * config_.shares + share];
  }
  Line& line(const Waiter& waiter) {
    Lines& all = lines(waiter.priority, waiter.share);
    return waiter.returns ? all.returned : all.others;
  }

  Duration at_the_head(Priority priority) const;
  double expected_wait(Priority priority) const;  // seconds
  bool fits(Priority priority) const;
  std::optional<std::uint32_t> to_push_out(const Arrival& arrival);
  Handle take_slot(const Arrival& arrival, TimePoint now);
  void unlink(std::uint32_t slot);
  std::uint32_t called_next();
  std::optional<Reason> overdue(const Waiter& waiter, Duration allowed, TimePoint now) const;
  std::optional<Called> expired_head(TimePoint now);
  std::optional<Called> expired_within(TimePoint now);
  Called refuse(std::uint32_t slot, Reason reason, TimePoint now);
  void changed(TimePoint now) { rate_.waiting(others_ > 0, now); }

  WaitingRoomConfig config_;
  WaitBudget budget_;
  DispatchRate rate_;
  std::vector<Waiter> waiters_;
  std::uint32_t free_ = none;
  std::vector<Lines> lines_;
  std::array<FairShares, priority_count> order_;
  std::uint32_t others_ = 0;  // that wait and are not critical
  TimePoint last_answer_ = TimePoint::min();
  TimePoint soonest_deadline_ = never;  // of all that wait; may be of one that is gone
  Stats counts_;
};

}  // namespace weir::flow
