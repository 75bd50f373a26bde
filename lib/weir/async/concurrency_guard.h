#pragma once
/// How many may be under way at once, as a guard: a limit on requests in flight (flow/admit/any_limit.h), a place to
/// wait in before it (flow/admit/waiting_room.h), and shares of both for each tenant (fair_shares.h, tenant_shares.h).
///
///   a place is free, nobody waits     it starts
///   max_wait 0, or it cannot wait     refused {concurrency_limited, when it may come back}
///   otherwise                         it waits for its turn: priority, then the share of its tenant, then age; at most
///                                     max_wait, and not beyond its deadline
///   pushed out by who comes later     refused: priority_shed by a higher priority, else concurrency_limited
///   nothing ends any more             refused at once: destination_stalled (waiting_room.h)
///
/// A permit stands for work and not for a client: it is settled when the work has ended. ok is an answer, whose time
/// teaches the limit; failed and refused are signs of overload; ignored and unused tell it nothing and give the place
/// to the next. The permit of one that waits is its place in the line (waiter.h).
///
/// Weighted max-min: while a tenant waits, those that wait get places in the ratio of their weights; what one does not
/// use goes to the others, so nothing stays idle. With one tenant (no key) it is first come, first served.
///
/// Times to come back are spread by what ends in a second (flow/admit/return_times.h).
///
/// Thread: any; one lock. Cost: the limit's, two locks of about 20 ns and two allocations; 80 ns more for who waits.
/// Memory: `footprint`. On cancel: a permit that is destroyed is ignored; one that waited has left the line. It must
/// not outlive its guard (checked).
#include <weir/async/guard.h>
#include <weir/async/waiter.h>
#include <weir/base/context.h>
#include <weir/flow/admit/any_limit.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/return_times.h>
#include <weir/flow/admit/tenant_shares.h>
#include <weir/flow/admit/waiting_room.h>

#include <mutex>
#include <unordered_map>

namespace weir::async {

struct ConcurrencyGuardConfig {
  flow::AnyLimitConfig limit{};
  Duration max_wait{0};  ///< 0: nobody waits
  std::uint32_t max_waiting = 1000;
  ClientKey tenant{};          ///< who has a share of its own; none: all are one
  std::uint32_t tenants = 64;  ///< so many have; beyond that they share hands of what is left
  /// Of tenants by the text of their key, 1 to 1000; 1 for all others. Of a key of one part.
  std::vector<std::pair<std::string, std::uint32_t>> weights{};
  bool operator==(const ConcurrencyGuardConfig&) const = default;
  bool waits() const { return max_wait > Duration{0}; }
  bool is_fair() const { return tenant.of != ClientKey::Of::none; }
};

/// One moment, as plain data.
struct ConcurrencyFacts {
  flow::LimitFacts limit;
  std::uint32_t in_flight = 0, waiting = 0;
  std::uint64_t waited = 0;   ///< had to wait, however that ended
  std::uint64_t left = 0;     ///< of these: went away
  Duration worth_waiting{0};  ///< what the room takes for worth waiting now, at most max_wait; 0: nobody waits here
};

class ConcurrencyGuard final : public Guard {
 public:
  ConcurrencyGuard(const ConcurrencyGuardConfig& config, const Context& context);
  static Bytes footprint(const ConcurrencyGuardConfig& config);

  [[nodiscard]] Admitted<Permit> try_start(const Arrival& arrival) override;
  ConcurrencyFacts facts() const;
  /// Another limit, which begins anew where it moves, and other weights, for who comes from now on. Who waits and what
  /// is under way stays; keys, tenants and the room are those of the start.
  void reconfigure(const flow::AnyLimitConfig& limit,
                   const std::vector<std::pair<std::string, std::uint32_t>>& weights);

 private:
  using InFlight = flow::InFlight<flow::AnyLimit>;
  enum class State : std::uint8_t { waiting, started, refused, over };
  /// One arrival that was not refused at once.
  struct Entry {
    State state = State::waiting;
    std::optional<InFlight::Permit> place{};  // started
    flow::WaitingRoom::Handle in_room{};      // waiting
    std::uint64_t id = 0;                     // waiting
    Priority priority = Priority::normal;
    std::shared_ptr<Sleeper> sleeper{};
    TimePoint deadline = never, until = never;
    Rejection rejection{};  // refused
  };
  using Shared = std::shared_ptr<Entry>;

  Admitted<Shared> enter(const Arrival& arrival, TimePoint now, Wakeups& wakeups);
  void push_out(std::uint64_t id, Priority by, TimePoint now, Wakeups& wakeups);
  void call(TimePoint now, Wakeups& wakeups);
  void refuse(Entry& entry, Reason reason, TimePoint now, Wakeups& wakeups);
  Rejection refusal(Reason reason, TimePoint now);
  std::optional<Admitted<void>> look(Entry& entry);
  void settle(Entry& entry, Outcome outcome);
  void end(InFlight::Permit& place, Outcome outcome, TimePoint now);
  bool somebody_waits() const { return room_ ? !room_->empty() : wanted_; }
  std::pair<std::uint32_t, std::uint32_t> share_and_weight(const Arrival& arrival);
  void take_weights();
  TimePoint reached_since(TimePoint now) const;
  Permit permit_for(Shared entry);

  ConcurrencyGuardConfig config_;
  const Context& context_;
  const KeyHash secret_;
  std::unordered_map<std::uint64_t, std::uint32_t> weights_;
  mutable std::mutex mutex_;
  InFlight in_flight_;
  std::optional<flow::WaitingRoom> room_;
  std::optional<flow::TenantShares> tenants_;
  flow::ReturnTimes returns_;
  std::unordered_map<std::uint64_t, Shared> waiting_;  // by id; at most max_waiting
  std::uint64_t next_id_ = 0;
  std::uint64_t left_ = 0;
  TimePoint last_end_{};
  bool wanted_ = false;  // without a room: somebody was refused since the last start
};

}  // namespace weir::async
