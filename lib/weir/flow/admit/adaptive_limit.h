#pragma once
/// Finds how many requests a service can work on at once without being told, and keeps just enough more in flight that
/// it never idles. Two bounds of the service's slots, each exact where the other fails, and a baseline:
///
///   followers      while the limit L is reached without a gap, a request that found q others waiting in a queue cannot
///                  be answered before q others were. So slots >= L - q, q the least followers of a window: exact when
///                  requests overtake each other, useless when nobody does (constant times: q = L - 1)
///   typical time   l = mean ln time at the full limit, B = the same without contention. The mean time with a queue is
///                  L / slots times the mean without (Little), and that of the logarithms rises at least as much; so
///                  slots >= L exp(B - l): exact for constant times, low when times vary much, where the first is exact
///   knee           K = max(L - q, L exp(B - l));  the limit is K + T, T = requests on the wire + 1 + sqrt(L) / 2
///   sharing        no queue (q <= T / 2) and yet slower: nobody queues, everybody shares (cores); K = L exp(B - l)
///
/// How B stays true:
///   light load     answers with at most K / 4 in flight renew it for nothing
///   refuted        whenever the limit went down, the typical time must have gone down with it. If it did not, nothing
///                  was contended and the service is slower: the present time becomes B and the limit goes back up
///   a dip          where B decides and no light load renews it, one window at 3/4 of K, after 1 s, then 2, 4 .. 30 s
///
/// Windows. A change of the limit is followed by 1.5 L answers that are not looked at, since those of the old limit
/// come first; then at least max(16, L) answers while learning, max(64, 4 L) later. Without contention the limit
/// doubles while learning, and later grows by 25 %, 56 % and so on; down it goes by half at most. Moves below 0.3 are
/// not made.
///
/// Failures: their time says nothing, so it is not looked at. Of each max(16, 2 L) requests that ended: when more than
/// half of them failed, the limit is halved.
///
/// Simulated against services that it was not told of (sim/README.md): goodput within 3 % of a limit that knows the
/// slots in nearly all shapes. What it does not do well: up to two slots with very long requests (a hundred times the
/// usual), 20 answers a second and less, tandems of single servers; and no common limit helps requests of 1 ms that
/// share their service with requests of 200 ms.
///
/// When to choose it: by default.
///
/// Thread: a value; its owner guards it. Cost: 30 ns an answer, no allocation; 0.4 KiB.
/// Ref: Little, Operations Research 9(3), 1961; Brakmo, Peterson, "TCP Vegas", 1995, for the idea of T.
#include <weir/flow/admit/answer_window.h>
#include <weir/flow/admit/concurrency_limit.h>
#include <weir/flow/admit/limit_range.h>
#include <weir/flow/admit/time_baseline.h>

namespace weir::flow {

struct AdaptiveLimitConfig {
  LimitRange range{.start = 4, .least = 2, .most = 4096};
  Duration transit{0};  ///< on the network there and back, such as TCP's least round trip; 0: not known
  bool operator==(const AdaptiveLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const AdaptiveLimitConfig& config);

class AdaptiveLimit {
 public:
  explicit AdaptiveLimit(const AdaptiveLimitConfig& config);

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_ + 0.5); }
  void answered(const Answer& answer, TimePoint now);
  LimitFacts facts() const;
  Duration wait_inside() const;

  /// What was learned is kept; the limit moves into the new range.
  void reconfigure(const AdaptiveLimitConfig& config);

  /// A window is over. `answered` calls it; public for who has a summary from elsewhere, such as a test.
  void end_of_window(const AnswerSummary& seen, TimePoint now);
  /// Without contention; its value is a logarithm of seconds.
  const TimeBaseline& baseline() const { return baseline_; }

 private:
  /// What the present window is for.
  enum class Phase : std::uint8_t { usual, after_large_step, dip };
  /// A window at another limit, to compare with.
  struct Level {
    double limit = 0;    // 0: none
    double typical = 0;  // with the queue taken off where there was none to speak of
    double error = 0;
    double mean = 0;
    bool queue_free = false;
  };
  /// A window beside the baseline.
  struct Reading {
    const AnswerSummary& seen;
    double wire;  // requests that are on the network
    double room;  // T
    double doubt;
  };
  /// Where the service's slots end, and what says so.
  struct Knee {
    bool uncontended = false;
    bool by_baseline = false;  // and not by the followers
    double room = 0;           // T, and more where the service shares itself
  };

  // an answer
  bool mostly_failed(bool failed);
  bool fell_back_to_used(const Answer& answer, double time, TimePoint now);
  bool window_is_over() const;
  bool dip_is_over(int turn, int longest) const;
  bool large_step_is_judged(int longest) const;
  bool usual_is_over(int longest) const;
  double wire_of_window() const;

  // the end of a window
  void after_dip(const Reading& r, TimePoint now);
  bool refuted(const Reading& r);
  void take_back(const Reading& r, TimePoint now);
  Knee find_knee(const Reading& r, TimePoint now);
  Knee knee_of_queue(const Reading& r, TimePoint now);
  void judge_probe(double followers, TimePoint now);
  bool wants_dip(const Reading& r, const Knee& knee, TimePoint now);
  void dip(const Reading& r, TimePoint now);
  void advance(const Reading& r, const Knee& knee, TimePoint now);
  double grown(const Reading& r, const Knee& knee);

  double all_slots(const Reading& r) const;
  double slower_than_baseline(const Reading& r) const { return r.seen.unqueued - baseline_.value(); }
  Level level(const Reading& r) const;
  void plan_dip(TimePoint now);
  void move_to(double limit, LimitMove why, TimePoint now);

  AdaptiveLimitConfig config_;
  double transit_;
  double limit_, knee_;
  TimeBaseline baseline_;
  AnswerWindow window_;
  LimitMove moved_ = LimitMove::none;

  bool learning_ = true;
  double ramp_;
  int uncontended_in_a_row_ = 0;

  // since the limit changed
  TimePoint changed_{};
  int to_skip_ = 0;
  int not_full_ = 0;        // answers in a row
  std::uint32_t peak_ = 0;  // in flight, of those that were not full
  int ended_ = 0, failures_ = 0;

  // the last window
  double throughput_ = 0;  // answers a second
  double followers_ = 0;
  double measured_ = 0;  // its limit; 0: none yet

  Phase phase_ = Phase::usual;
  Level before_;     // a dip or a large step down
  Level reference_;  // the highest of the last windows: what small steps down are compared with
  int reference_age_ = 0;

  // dips
  double slower_ = 0;  // how much slower than the baseline, over about four windows
  TimePoint next_dip_;
  Duration dip_wait_;
  int light_ = 0;  // answers at light load since the last dip was due

  // probes upwards, when followers alone hold the limit
  bool probing_ = false;
  double probe_limit_ = 0, probe_followers_ = 0;
  TimePoint next_probe_ = TimePoint::min();
  Duration probe_wait_;
};

static_assert(ConcurrencyLimit<AdaptiveLimit>);

}  // namespace weir::flow
