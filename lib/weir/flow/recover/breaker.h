#pragma once
/// A circuit breaker: sends nothing to a destination that keeps failing, and probes with a few calls whether it is
/// back. Without it every caller waits for its own time-out, and the destination gets the full load as soon as it
/// recovers.
///
///   closed --- n failures in a row, or failure/slow share of the window >= limit ---> open
///   open   --- `open` has passed, at the next try_start ----------------------------> half_open
///   half_open: exactly `half_open_calls` probes are let out. All reported and good enough ---> closed, window empty
///              too many failed (or slow), or none reported for half_open_wait -----------> open again
///
/// "Good enough" is below failure_rate and slow_rate of the probes; without a window, no probe may fail. A rate is
/// judged from minimum_calls on. A permit that was taken before the last change of state changes nothing when it
/// reports. What is no failure: a refusal (429, or 503 with Retry-After) and anything refused on our side; report
/// `ignored()`.
///
/// try_start answers a Permit, or {breaker_open, retry_after}: open: the time to the next probe. half_open with all
/// probes out: the answer is not known yet, so a tenth of `open` and at most 1 s. forced open: `open`.
///
/// Deviates from resilience4j: probes are given back when their permit is destroyed, half_open_wait 0 means `open` and
/// not "for ever", and a half-open is decided as soon as its result is certain.
///
/// When to choose it: what is called can fail for longer than a retry takes, and waiting for its time-outs costs more
/// than being told at once. For a destination that is merely slow, limit what is in flight instead.
///
/// Thread: one owner, permits included. A permit points to its breaker, so a breaker cannot be moved and must outlive
/// its permits (checked). Cost: 10 ns a call, 25 with a time window. On cancel: a permit that is destroyed unsettled
/// counts as `ignored`: neither a success nor a failure. Ref: Nygard, "Release It!"; resilience4j circuitbreaker
/// (windows, slow calls, half-open).
#include <weir/base/result.h>
#include <weir/flow/recover/destination_config.h>
#include <weir/flow/recover/outcome_window.h>

#include <optional>
#include <string_view>
#include <utility>

namespace weir::flow {

enum class BreakerState : std::uint8_t { closed, open, half_open };
std::string_view name(BreakerState state);

struct BreakerStats {
  BreakerState state = BreakerState::closed;
  std::uint64_t opened = 0;            ///< times it opened
  std::uint64_t refused = 0;           ///< starts refused; in observe: that would have been
  std::optional<double> failure_rate;  ///< of the window, from minimum_calls on
  std::optional<double> slow_rate;
  TimePoint next_probe_at{};  ///< open only
};

class Breaker {
 public:
  /// Set by the operator, whatever the outcomes of the calls.
  enum class Mode : std::uint8_t {
    automatic,
    forced_closed,  ///< lets everything through and measures, never opens
    forced_open,    ///< lets nothing through
    observe,        ///< decides and counts as automatic, but lets through
  };

  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& o) noexcept
        : breaker_(std::exchange(o.breaker_, nullptr)), generation_(o.generation_), started_(o.started_) {}
    Permit& operator=(Permit&& o) noexcept;
    ~Permit() { ignored(); }

    /// Each settles the permit; a settled one ignores what follows.
    void ok(TimePoint now);
    void failed(TimePoint now);
    void ignored();

   private:
    friend class Breaker;
    Permit(Breaker* breaker, std::uint64_t generation, TimePoint started)
        : breaker_(breaker), generation_(generation), started_(started) {}
    Breaker* breaker_;
    std::uint64_t generation_;
    TimePoint started_;
  };

  explicit Breaker(const BreakerConfig& config);
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;
  ~Breaker() { WEIR_CHECK(permits_out_ == 0); }

  [[nodiscard]] Admitted<Permit> try_start(TimePoint now);

  /// Starts the new mode closed and with an empty window.
  void force(Mode mode);
  Mode mode() const { return mode_; }
  /// Values change, state and counts are kept; another kind or size of window starts empty.
  void reconfigure(const BreakerConfig& config);
  BreakerStats stats(TimePoint now) const;

 private:
  std::optional<Duration> refusal(TimePoint now);
  void settle(std::uint64_t generation, bool failed, bool slow, TimePoint now);
  void settle_ignored(std::uint64_t generation);
  void judge_closed(TimePoint now);
  void judge_probes(TimePoint now);
  void change_to(BreakerState state);
  void open(TimePoint now);
  std::uint64_t minimum_calls() const;

  BreakerConfig config_;
  OutcomeWindow window_;
  Mode mode_ = Mode::automatic;
  BreakerState state_ = BreakerState::closed;
  std::uint64_t generation_ = 1;  // of the state; 0 belongs to permits that count for nothing
  std::uint64_t permits_out_ = 0, opened_ = 0, refused_ = 0;
  int in_a_row_ = 0;
  TimePoint opened_at_{}, probing_since_{};
  std::uint64_t probes_out_ = 0, probes_done_ = 0, probes_failed_ = 0, probes_slow_ = 0;
};

}  // namespace weir::flow
