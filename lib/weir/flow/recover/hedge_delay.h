#pragma once
/// How long an answer is waited for before the same request is sent to a second endpoint: a time that is given, or the
/// 95th percentile of what answers have taken, so that about one request in twenty is sent twice and the load grows by
/// at most 5 % (a retry budget bounds it besides).
///
///   an answer took longer than the estimate   estimate *= e^(step x 0.95)
///   it did not                                estimate *= e^(-step x 0.05)
///
/// The estimate stands still where 5 % of the answers are above it. It needs to know of each answer only whether it
/// took longer, so a request that was given up for its hedge counts exactly (`took_longer`), although nobody knows how
/// long it would have taken: an average of the winners would shrink, and more and more would be sent twice.
///
/// With step 0.1 the estimate scatters by about an eighth around the percentile of exponential times, halves within 140
/// answers and doubles within 8 slow ones. Until 100 answers are known nothing is sent twice.
///
/// Thread: a value; its owner guards it. Cost: 20 ns an answer (one exponential); 40 bytes.
/// Ref: Dean, Barroso, "The Tail at Scale", CACM 2013 (hedged requests after the 95th percentile); Robbins, Monro, "A
/// stochastic approximation method", 1951.
#include <weir/base/units.h>

#include <cstdint>
#include <optional>

namespace weir::flow {

class HedgeDelay {
 public:
  static constexpr std::uint32_t answers_needed = 100;
  static constexpr Duration least = std::chrono::milliseconds(1), most = std::chrono::hours(1);

  /// Nothing: the 95th percentile.
  explicit HedgeDelay(std::optional<Duration> fixed = {}) : fixed_(fixed) {}

  /// An answer came after so long.
  void answered(Duration time);
  /// It had not come when its hedge was sent, and then it was not waited for any more.
  void took_longer() { learn(true); }
  /// Nothing: not known yet.
  std::optional<Duration> after() const;

 private:
  void learn(bool longer);

  std::optional<Duration> fixed_;
  double estimate_ = 0;  // seconds
  std::uint32_t known_ = 0;
};

}  // namespace weir::flow
