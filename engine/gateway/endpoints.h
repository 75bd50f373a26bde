#pragma once
/// Which of an upstream's endpoints gets the next request: the one with the least in flight; among equals they take
/// turns. One that failed three times in a row is left alone for 1 s, then 2, 4 .. 30 s, and then tried with one
/// request; never more than half of them are left alone at the same time, so that a fault of all of them (or of our own
/// network) does not leave one to bear everything.
///
/// One that refuses and names a time is left alone as long as it asked, up to a minute, under the same condition.
///
/// One that says how full it is (Weir-Pressure: 0 to 1) gets less before it is full: its requests weigh 1 / (1 - level)
/// as much, at most tenfold, for as long as it says so and 5 s more. One whose health check has failed gets none,
/// unless there is no other.
///
/// One that five hedges in a row have outrun (hedge.h), without an answer of its own meanwhile, is left alone like one
/// that failed: with hedging nobody waits until its deadline shows that it hangs.
///
/// One that answers is left alone too when it is far slower than the others: when the mean time of its last 20 or so
/// answers is five times the median of those of the others, and 20 ms more. One answer counts as at most
/// twice the mean and 20 ms: a single slow one says nothing of an endpoint. After that second its times are learned
/// anew.
///
/// A failure: no connection, a connection that broke, an answer that is none, or none in time. What an endpoint answers
/// is no failure here; that many answers are bad is the breaker's question, for the upstream as a whole.
///
/// Thread: a value; its owner guards it. Cost: a look at each endpoint.
#include <weir/base/units.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::gateway {

class Endpoints {
 public:
  static constexpr int failures_to_eject = 3, outruns_to_eject = 5;
  static constexpr Duration first_ejection = std::chrono::seconds(1), longest_ejection = std::chrono::seconds(30);
  static constexpr int answers_to_judge = 20;
  static constexpr double slower = 5;  ///< times the median of the others
  static constexpr Duration slower_by = std::chrono::milliseconds(20);
  static constexpr Duration longest_refusal = std::chrono::minutes(1), level_holds = std::chrono::seconds(5);

  explicit Endpoints(std::size_t count) : all_(count) {}

  /// The one that gets the next request, which counts as in flight there until `done`. `avoid`: the one that has just
  /// failed it, taken only when there is no other.
  std::size_t choose(TimePoint now, std::size_t avoid = ~std::size_t{0});
  /// Whether another one may get a request now.
  bool has_other(std::size_t than, TimePoint now) const;
  enum class End : std::uint8_t { answered, failed, ignored, outrun };
  void done(std::size_t endpoint, End end, TimePoint now);
  /// So long it took to begin its answer.
  void took(std::size_t endpoint, Duration time, TimePoint now);
  /// It said when to come back.
  void refused(std::size_t endpoint, Duration retry_after, TimePoint now);

  /// It said how full it is, 0 to 1.
  void reported(std::size_t endpoint, double level, TimePoint now);
  /// What its health check has found.
  void checked(std::size_t endpoint, bool well) { all_[endpoint].unwell = !well; }
  /// It works, and the request goes on for long: it is no trial any more.
  void proved(std::size_t endpoint);

  struct State {
    std::uint32_t in_flight = 0;
    int failures = 0, outruns = 0;  ///< in a row
    TimePoint left_alone_until{};
    Duration ejection{0};  ///< how long the last one was
    std::uint64_t ejections = 0;
    bool unwell = false;  ///< its health check says so
    double level = 0;
    TimePoint level_until{};
    Duration mean{0};    ///< of the time to an answer, over the last 20 or so
    int answers = 0;     ///< that it is of, up to answers_to_judge
    bool trial = false;  ///< back from being left alone, with a request that shows whether it works
  };
  const std::vector<State>& all() const { return all_; }
  bool is_left_alone(std::size_t endpoint, TimePoint now) const { return all_[endpoint].left_alone_until > now; }

 private:
  double load(std::size_t endpoint, TimePoint now) const;
  bool may_take(std::size_t endpoint, TimePoint now) const;
  bool may_leave_alone(TimePoint now) const;
  void eject(State& state, TimePoint now);
  std::optional<Duration> median_of_others(std::size_t than, TimePoint now) const;

  std::vector<State> all_;
  std::size_t turn_ = 0;
};

}  // namespace weir::gateway
