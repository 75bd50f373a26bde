#pragma once
/// What a load has to show: 'p99 < 200ms', 'success >= 99.9%', 'goodput > 750/s'.
///
///   p50 p90 p95 p99 p999 max mean   a duration, of good calls; without one the assertion fails
///   goodput                         a rate
///   success errors late             a share
///
/// Compared by < <= > >=. What each is says tally.h.
///
/// Thread: a value.
#include <weir/base/result.h>

#include <string>
#include <string_view>

#include "load/tally.h"

namespace weir::load {

class Assertion {
 public:
  static Result<Assertion> parse(std::string_view text);

  struct Verdict {
    bool holds = false;
    std::string measured;  ///< for people: "231 ms"
  };
  /// What came of a load, or of a simulated one.
  struct Measures {
    const Histogram& times;
    double goodput = 0, success = 0, errors = 0, late = 0;
    bool any = false;  ///< whether there was a call
  };
  Verdict judge(const Measures& measures) const;
  Verdict judge(const Tally& tally) const;
  const std::string& text() const { return text_; }

 private:
  enum class Compare : std::uint8_t { less, at_most, more, at_least };
  enum class Unit : std::uint8_t { time, rate, share };
  std::string text_, what_;
  Compare compare_ = Compare::less;
  Unit unit_ = Unit::time;
  double bound_ = 0;  ///< seconds, a second, 0 to 1
};

}  // namespace weir::load
