#pragma once
/// The guards of one place whose clients are answered, made of its `guards:` block (docs/guards.md): an http source, a
/// route. It knows nothing of the protocol, and nothing of what comes behind it.
///
///   admit    a permit, or a refusal with its reason and the time to come back; with arrival.waiter the permit may be
///            that of a place in a line (async/waiter.h)
///   order    pressure of the machine, the rates as they stand, concurrency. What was taken before a refusal is given
///            back in reverse
///   admit_events  the rates whose key is a field of the events, when these are known (event_rates.h)
///
/// The permit is told what it brought when that is known, and its outcome when the work has ended: for `acks: stored`
/// that is the commit.
///
/// Thread: any. Cost: that of its guards; nothing where there are none. On cancel: as async/permit.h; it must outlive
/// its permits.
#include <weir/async/guard.h>
#include <weir/base/context.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "config/guards.h"
#include "guards/event_rates.h"
#include "guards/guard_status.h"
#include "guards/pressure_guard.h"
#include "net/reactor.h"

namespace weir::guards {

class DoorGuards {
 public:
  /// `owner` is what warnings begin with: {"source", "orders"}; its texts must outlive this.
  struct Owner {
    std::string_view kind, name;
  };
  DoorGuards(const config::Guards& guards, Owner owner, const Context& context);

  /// `on_refused` is told of each refusal, also of one that comes after a wait: then on the waiter's thread.
  Admitted<async::Permit> admit(const async::Arrival& arrival, std::function<void(const Rejection&)> on_refused);
  /// All of the events or none.
  Admitted<void> admit_events(EventCaller& reader, const async::Caller& sender, std::string_view text,
                              std::span<const Batch::Slot> events);
  /// Before anybody arrives: where `pressure` looks at how late reactors are, they are measured, and it is told the
  /// worst of them. They must outlive all arrivals.
  void watch(std::vector<net::Reactor*> reactors);
  std::vector<GuardStatus> status() const;
  /// Other values of the same guards (config::only_values_differ): rates, bursts, the limit, weights. Each key keeps
  /// the part of its quota that it has used, and who waits goes on waiting.
  void reconfigure(const config::Guards& guards);
  /// For operators: who refused somebody within the last second, or lets somebody wait. Empty: nobody.
  std::string holds_up(TimePoint now) const;
  /// For a client that was refused for this reason; empty: none of these refuses for it.
  std::string why_refused(Reason reason) const;

 private:
  void say_limits(const config::Guards& guards);
  void refused(const Rejection& rejection);
  void warn_of_full_tables();

  const Owner owner_;
  const Context& context_;
  async::GuardChain chain_;
  EventRates event_rates_;
  std::vector<async::RateGuard*> rates_;            // of both, as they are configured
  PressureGuard* pressure_ = nullptr;               // of the chain, its first
  async::ConcurrencyGuard* concurrency_ = nullptr;  // of the chain, its last
  mutable std::mutex mutex_;                        // of limits_
  std::vector<std::string> limits_;                 // for people, in the order of `status`: "100 requests/s"
  std::atomic<std::uint64_t> sharing_{0};           // arrivals without a place for their key, as far as said
  std::atomic<std::uint64_t> after_waiting_{0};     // refused by concurrency, in the end
  std::atomic<Duration::rep> refused_at_{0};        // the last; 0: never
};

}  // namespace weir::guards
