#pragma once
/// A limit on requests in flight as a guard: shared by all threads, told the time by a Context. It refuses at once and
/// lets nobody wait; with a place to wait in, see flow/admit/waiting_room.h.
///
/// A Permit's report becomes the limit's: ok is an answer; failed and refused are signs of overload; ignored and unused
/// tell it nothing. Who was refused since the last start counts as somebody who waits, so that a limit which asks
/// whether it is in full use (AdaptiveLimit) learns without a waiting room too; a place that nobody took before the
/// next answer came is a gap.
///
/// Thread: any. Cost: the limit's, two locks (start, report) of about 20 ns and one allocation. On cancel: a permit
/// that is destroyed is ignored, and its place is free again. It must not outlive its guard (checked).
#include <weir/async/guard.h>
#include <weir/base/context.h>
#include <weir/flow/admit/in_flight.h>

#include <weir/base/brief_mutex.h>

#include <algorithm>

namespace weir::async {

template <flow::ConcurrencyLimit L>
class LimitGuard final : public Guard {
 public:
  LimitGuard(L limit, const Context& context) : context_(context), in_flight_(std::move(limit)) {}

  [[nodiscard]] Admitted<Permit> try_start(const Arrival&) override {
    auto permit = start(context_.now());
    if (!permit) return std::unexpected(permit.error());
    return Permit([this, inner = std::move(*permit)](Report report) mutable { settle(inner, report.outcome); });
  }
  template <typename Config>
  void reconfigure(const Config& config) {
    const std::lock_guard lock(mutex_);
    in_flight_.limit().reconfigure(config);
  }
  flow::InFlightStats stats() const {
    const std::lock_guard lock(mutex_);
    return in_flight_.stats();
  }

 private:
  /// Under the lock only what needs it: the permit is wrapped, which allocates, outside.
  Admitted<typename flow::InFlight<L>::Permit> start(TimePoint read) {
    const std::lock_guard lock(mutex_);
    auto permit = in_flight_.try_start(not_before_last(read));
    wanted_ = !permit;
    return permit;
  }
  void settle(typename flow::InFlight<L>::Permit& permit, Outcome outcome) {
    const TimePoint read = context_.now();
    const std::lock_guard lock(mutex_);
    in_flight_.left_free();  // what the last answer freed and nobody took
    const TimePoint now = not_before_last(read);
    if (outcome == Outcome::ok) return permit.answered(wanted_, now);
    if (outcome == Outcome::failed || outcome == Outcome::refused) return permit.failed(wanted_, now);
    permit.ignored();
  }
  /// The clock is read before the lock, so that nobody waits for that; who comes late is taken to come now.
  TimePoint not_before_last(TimePoint read) { return last_ = std::max(last_, read); }

  const Context& context_;
  mutable BriefMutex mutex_;
  flow::InFlight<L> in_flight_;
  TimePoint last_ = TimePoint::min();
  bool wanted_ = false;  // somebody was refused since the last start
};

}  // namespace weir::async
