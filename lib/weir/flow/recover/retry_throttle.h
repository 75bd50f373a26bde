#pragma once
/// gRPC's client throttle: a bucket of tokens per server that failures empty and successes fill slowly. Unlike a retry
/// budget it knows no time, so it fits a client that must agree with other gRPC clients of the same server.
///
///   failure: tokens - 1     success: tokens + ratio (3 decimals)     a retry may be made while tokens > max / 2
///
/// When to choose it: the other clients of a server are gRPC's own, and all should back off alike. Otherwise
/// RetryBudget: it knows time, so a quiet minute does not leave a full bucket for the next storm.
///
/// Thread: one owner. Cost: an addition. Ref: gRPC proposal A6, "client retries", section on throttling.
#include <weir/base/checked.h>

#include <algorithm>
#include <cstdint>

namespace weir::flow {

class RetryThrottle {
 public:
  /// max_tokens in (0, 1000], ratio above 0: the bounds of A6. Outside they are clamped; a ratio that is no number or
  /// not above 0 is refused (std::invalid_argument).
  RetryThrottle(int max_tokens, double ratio)
      : most_(1000 * std::clamp(max_tokens, 1, 1000)),
        step_(static_cast<std::int64_t>(std::clamp(checked_ratio(ratio) * 1000, 1.0, 1e6))),
        milli_(most_) {}

  void on_ok() { milli_ = std::min(most_, milli_ + step_); }
  void on_failure() { milli_ = std::max<std::int64_t>(0, milli_ - 1000); }
  bool may_retry() const { return milli_ > most_ / 2; }

 private:
  static double checked_ratio(double ratio) {
    refuse(check_rate("ratio", {ratio}), "retry throttle");
    return ratio;
  }

  std::int64_t most_, step_;
  std::int64_t milli_;
};

}  // namespace weir::flow
