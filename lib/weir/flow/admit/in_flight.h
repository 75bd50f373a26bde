#pragma once
/// Counts the requests that are at a service, lets one more start while the limit allows it, and tells the limit what
/// came of each: the bookkeeping that a limit on concurrency needs, whichever limit it is.
///
///   at dispatch    its number in the order of dispatches; how many are in flight, itself included; which spell of being
///                  full it belongs to
///   at its end     followers = dispatched since; full = the limit is reached and somebody waits; full throughout = still
///                  the spell in which it was dispatched
///   a spell        begins when the limit becomes reached, and ends when a place stays free (`left_free`) or the limit is
///                  lowered
///
/// A permit stands for work at the other side and not for a client: it is settled when that work has ended. A client
/// that leaves, or a deadline that passes, ends it only if the work ends too (the connection is closed, the call
/// cancelled and confirmed); a place that is given back while the work runs on lets more run than the limit says.
///
/// What its owner does, when a request ends or a request arrives:
///
///   permit.answered(somebody_waits, now);
///   while (in_flight.has_room() && there is one that waits) start it;
///   in_flight.left_free();
///
/// Thread: one owner, permits included. A permit points to its InFlight, which cannot be moved and must outlive its
/// permits (checked). Cost: 5 ns a request and what the limit costs; a permit is 48 bytes. On cancel: a permit that is
/// destroyed unsettled counts as `ignored`: it gives its place back, and the limit is told nothing.
#include <weir/base/result.h>
#include <weir/flow/admit/concurrency_limit.h>

#include <algorithm>
#include <utility>

namespace weir::flow {

/// One moment, as plain data.
struct InFlightStats {
  LimitFacts limit;
  std::uint32_t in_flight = 0;
  std::uint64_t started = 0, refused = 0;
  std::uint64_t answered = 0, failed = 0, ignored = 0;
};

template <ConcurrencyLimit L>
class InFlight {
 public:
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& o) noexcept
        : owner_(std::exchange(o.owner_, nullptr)),
          started_(o.started_),
          number_(o.number_),
          spell_(o.spell_),
          in_flight_(o.in_flight_),
          served_(o.served_) {}
    Permit& operator=(Permit&& o) noexcept {
      if (this == &o) return *this;
      ignored();
      owner_ = std::exchange(o.owner_, nullptr);
      started_ = o.started_;
      number_ = o.number_;
      spell_ = o.spell_;
      in_flight_ = o.in_flight_;
      served_ = o.served_;
      return *this;
    }
    ~Permit() { ignored(); }

    /// Each settles the permit; a settled one ignores what follows. `waiting`: somebody waits for a place.
    void answered(bool waiting, TimePoint now) { settle(CallEnd::answered, waiting, now); }
    void failed(bool waiting, TimePoint now) { settle(CallEnd::failed, waiting, now); }
    void ignored() { settle(CallEnd::ignored, false, TimePoint{}); }
    /// The service has done its work, and what follows is only carried (the body of an answer, to whoever reads it):
    /// the time that the limit is told ends here. The place is held until the permit is settled.
    void served(TimePoint now) { served_ = now; }
    TimePoint started() const { return started_; }

   private:
    friend class InFlight;
    Permit(InFlight* owner, TimePoint now)
        : owner_(owner),
          started_(now),
          number_(owner->started_),
          spell_(owner->spell_),
          in_flight_(owner->in_flight_) {}
    void settle(CallEnd end, bool waiting, TimePoint now) {
      if (auto* owner = std::exchange(owner_, nullptr)) owner->settle(*this, end, waiting, now);
    }

    InFlight* owner_;
    TimePoint started_;
    std::uint64_t number_, spell_;
    std::uint32_t in_flight_;
    TimePoint served_ = never;
  };

  explicit InFlight(L limit) : limit_(std::move(limit)) {}
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() { WEIR_CHECK(in_flight_ == 0); }

  bool has_room() const { return in_flight_ < limit_.limit(); }

  /// A permit, or {concurrency_limited, about the time until one of those in flight ends; 0: not known}.
  [[nodiscard]] Admitted<Permit> try_start(TimePoint now) {
    if (has_room()) return start(now);
    ++refused_;
    return rejected(Reason::concurrency_limited, mean_time_ / std::max(in_flight_, 1u));
  }
  /// Whatever the limit says: for who only observes, and for what must start.
  Permit start(TimePoint now) {
    ++started_;
    ++in_flight_;
    if (!full_ && !has_room()) {
      full_ = true;
      reached_ = now;
      ++spell_;
    }
    return Permit(this, now);
  }
  /// Nobody waits any more: a place that is free now is a gap.
  void left_free() {
    if (has_room()) full_ = false;
  }

  std::uint32_t in_flight() const { return in_flight_; }
  /// The limit is reached, without a gap so far.
  bool full() const { return full_; }
  /// When the limit became reached; never: it is not.
  TimePoint reached_since() const { return has_room() ? never : reached_; }
  L& limit() { return limit_; }
  const L& limit() const { return limit_; }
  InFlightStats stats() const {
    return {limit_.facts(), in_flight_, started_, refused_, ended_[0], ended_[1], ended_[2]};
  }

 private:
  void settle(const Permit& permit, CallEnd end, bool waiting, TimePoint now) {
    ++ended_[static_cast<std::size_t>(end)];
    if (end != CallEnd::ignored) {
      const Duration took = std::max(std::min(now, permit.served_) - permit.started_, Duration{0});
      mean_time_ += (took - mean_time_) / (mean_time_ == Duration{0} ? 1 : 16);
      const auto was = limit_.limit();
      limit_.answered(
          {end, took, permit.in_flight_, started_ - permit.number_, full_ && waiting, permit.spell_ == spell_}, now);
      if (limit_.limit() < was) ++spell_;
    }
    --in_flight_;
    if (!waiting && end != CallEnd::ignored) left_free();
  }

  L limit_;
  std::uint32_t in_flight_ = 0;
  bool full_ = false;
  TimePoint reached_{};
  std::uint64_t spell_ = 0;
  std::uint64_t started_ = 0, refused_ = 0;
  std::uint64_t ended_[3] = {};
  Duration mean_time_{0};
};

}  // namespace weir::flow
