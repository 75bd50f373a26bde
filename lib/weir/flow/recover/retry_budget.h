#pragma once
/// Limits the load that retries add to a destination. Backoff only delays a retry storm; a budget bounds it: when
/// everything fails, retries stay a fixed share of the first attempts, however many callers there are.
///
///   allowed in a window = max(1, floor(ratio x first attempts in it + minimum x window))
///
/// One retry a window is always allowed, so work that waits for its retry is delayed and never stuck (semantics E3).
///
/// When to choose it: many callers retry against one destination. Backoff alone delays their storm; only a budget
/// bounds it. With one caller that tries three times, backoff is enough.
///
/// Thread: one owner. Cost: O(1) amortised; time_to_token at most 21 steps. 0.4 KiB.
/// Ref: Google, "Site Reliability Engineering", ch. 21; Finagle RetryBudget (20 %, 10/s, 10 s).
#include <weir/flow/recover/destination_config.h>
#include <weir/flow/recover/sliding_sums.h>

namespace weir::flow {

class RetryBudget {
 public:
  explicit RetryBudget(const RetryBudgetConfig& config);

  /// A first attempt was made.
  void on_attempt(TimePoint now) { sums_.add(firsts, now); }
  /// Whether a retry may be made now; if so, it is counted.
  [[nodiscard]] bool try_retry(TimePoint now);
  /// How long until try_retry says yes if nothing else happens: 0 to a window and one twentieth of it.
  Duration time_to_token(TimePoint now) const;
  /// Values change, counts are kept; another window starts empty.
  void reconfigure(const RetryBudgetConfig& config);

 private:
  enum Kind : std::size_t { firsts, retries };
  using Sums = SlidingSums<2>;
  bool has_token(const Sums& sums) const;

  RetryBudgetConfig config_;
  Sums sums_;
};

}  // namespace weir::flow
