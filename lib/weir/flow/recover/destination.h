#pragma once
/// The remote end that a sink or an upstream sends to, and how it is treated when it fails: one for each configured
/// sink or upstream, shared by all requests to it (semantics E). A failure seen by one worker keeps all of them from
/// repeating it.
///
/// try_start asks in this order, and a Rejection carries the exact wait:
///   1. hold          it said when to come back; nothing is sent before       {destination_hold, rest of the hold}
///      pace          it said how many it takes: starts are a rest apart      {destination_hold, what is left of it}
///   2. breaker       it failed too often and is left alone                   {breaker_open, time to the next probe}
///   3. retry budget  retries only: they may add only so much load            {retry_budget_empty, time to a token}
/// An Attempt then reports its outcome:
///   ok       it answered, whatever it thought of the events (a permanent rejection of an event is an answer). `rest` is
///            the interval it asks for: from now on any two starts are at least so far apart
///   failed   no answer, a bad one, or a bare 503: feeds the breaker
///   refused  429, or 503 with Retry-After: not a failure; holds everything back for that long (a longer hold stays).
///            When no time is named: for the backoff after so many refusals since it last answered
///   ignored  a cause on our side (refused here, cancelled): no evidence either way
///
/// In a pipeline the three only delay (semantics E2, E3); whether a gateway gives up is for the gateway to say.
///
/// Thread: one owner, attempts included (to share it, hold one lock around it and around settling). Pinned: attempts
/// point to it and must not outlive it (checked). Cost: about 30 ns an attempt; under 2 KiB with a time window. On
/// cancel: an Attempt that is destroyed unsettled counts as ignored. Ref: semantics E1 to E4; the parts' own headers.
#include <weir/flow/recover/backoff.h>
#include <weir/flow/recover/breaker.h>
#include <weir/flow/recover/retry_budget.h>

namespace weir::flow {

struct DestinationStats {
  BreakerState breaker = BreakerState::closed;
  std::uint64_t opened = 0;    ///< times the breaker opened
  std::uint64_t attempts = 0;  ///< started, retries included
  std::uint64_t retries = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t ok = 0;
  std::uint64_t failures = 0;
  std::uint64_t refusals = 0;   ///< it refused us
  std::uint64_t held_back = 0;  ///< starts that hold, breaker or retry budget refused
  TimePoint last_error_at{};    ///< the clock's zero: never
  TimePoint next_probe_at{};    ///< while the breaker is open
  TimePoint hold_until{};       ///< in the past: no hold
};

class Destination {
 public:
  enum class Try : std::uint8_t { first, retry };

  class [[nodiscard]] Attempt {
   public:
    Attempt(Attempt&& o) noexcept
        : destination_(std::exchange(o.destination_, nullptr)), permit_(std::move(o.permit_)) {}
    Attempt& operator=(Attempt&& o) noexcept;
    ~Attempt() { ignored(); }

    /// Each settles the attempt; a settled one ignores what follows.
    void ok(TimePoint now, Duration rest = Duration{0});
    void failed(TimePoint now);
    void refused(Duration retry_after, TimePoint now);
    void ignored();

   private:
    friend class Destination;
    Attempt(Destination* destination, Breaker::Permit permit) : destination_(destination), permit_(std::move(permit)) {}
    Destination* take();
    Destination* destination_;
    Breaker::Permit permit_;
  };

  /// The seed drives the jitter.
  Destination(const DestinationConfig& config, std::uint64_t seed);
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  [[nodiscard]] Admitted<Attempt> try_start(Try which, TimePoint now);
  /// The wait before the next attempt of an operation that failed so many times, jittered.
  Duration backoff(int failed_attempts_so_far);
  /// Values change, state is kept (semantics H2).
  void reconfigure(const DestinationConfig& config);
  void force(Breaker::Mode mode) { breaker_.force(mode); }
  DestinationStats stats(TimePoint now) const;

 private:
  void hold(Duration retry_after, TimePoint now);

  Breaker breaker_;
  Backoff backoff_;
  RetryBudget budget_;
  Rng rng_;
  int refusals_since_ok_ = 0;
  Duration rest_{0};
  TimePoint last_start_{}, rest_until_{};
  DestinationStats counts_;
};

}  // namespace weir::flow
