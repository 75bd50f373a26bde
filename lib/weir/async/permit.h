#pragma once
/// Permission to start something. Its holder must report the outcome: limiters and breakers learn from nothing else,
/// and a slot that is never reported would be lost for ever.
///
///   ok       it worked
///   failed   it did not, time-outs included: evidence against the remote end
///   refused  the remote end said "not now" and when to come back: no failure (semantics E1)
///   ignored  our own doing (cancelled, abandoned): no evidence either way
///   unused   it was never started: whatever it cost is given back (a rate's token too, which `ignored` does not, or
///            a caller that starts and cancels would pass any rate)
///
/// What it turned out to bring may be told before (`brought`), where that is known long before the outcome: guards that
/// count events or bytes charge it then. The first outcome settles it; what follows is ignored. A permit that is
/// destroyed unsettled counts as ignored, never as a success. One that asks for no report (a rate limiter's that gives
/// nothing back) is empty and costs nothing.
///
/// Thread: one owner at a time; it may report on any thread, its guard takes the lock. Cost: a move; an allocation
/// where the guard has more than two words to remember. On cancel: ignored. It must not outlive its guard.
#include <weir/base/units.h>

#include <functional>
#include <optional>
#include <utility>

namespace weir::async {

enum class Outcome : std::uint8_t { ok, failed, refused, ignored, unused };

struct Report {
  Outcome outcome = Outcome::ignored;
  Duration retry_after{0};  ///< refused only: 0 when it named no time
  Duration rest{0};         ///< ok only: what the other side asks to be left between two starts (flow::Destination)
  bool last = true;         ///< false: it goes on, and only `brought` is told
  /// What it turned out to bring, for limits of events and bytes, where only that tells. Nothing: what Arrival said.
  std::optional<Load> brought{};
};

class [[nodiscard]] Permit {
 public:
  using Settle = std::move_only_function<void(Report)>;  ///< called once with the outcome; must not throw

  Permit() = default;
  explicit Permit(Settle settle) : settle_(std::move(settle)) {}
  /// One that is told what it brought too, at most once and before its outcome.
  static Permit of_amounts(Settle settle) {
    Permit permit(std::move(settle));
    permit.of_amounts_ = true;
    return permit;
  }
  Permit(Permit&& o) noexcept : settle_(std::exchange(o.settle_, nullptr)), of_amounts_(o.of_amounts_) {}
  Permit& operator=(Permit&& o) noexcept {
    if (this == &o) return *this;
    ignored();
    settle_ = std::exchange(o.settle_, nullptr);
    of_amounts_ = o.of_amounts_;
    return *this;
  }
  ~Permit() { ignored(); }

  void ok(Duration rest = Duration{0}) { settle({Outcome::ok, {}, rest}); }
  void failed() { settle({Outcome::failed}); }
  void refused(Duration retry_after) { settle({Outcome::refused, retry_after}); }
  void ignored() { settle({Outcome::ignored}); }
  void unused() { settle({Outcome::unused}); }
  /// It was read, and this is what it brought; its outcome comes later.
  void brought(Load load) { pass_on({.last = false, .brought = load}); }
  /// For a holder that passes on a report it was given.
  void pass_on(const Report& report) {
    if (report.last) return settle(report);
    if (settle_ && of_amounts_) settle_(report);
  }
  void settle(Report report) {
    if (!settle_) return;
    Settle once = std::exchange(settle_, nullptr);  // first, so that nothing it does can settle this one again
    once(report);
  }

  /// Nobody waits for its report.
  bool settled() const { return !settle_; }

 private:
  Settle settle_;
  bool of_amounts_ = false;
};

}  // namespace weir::async
