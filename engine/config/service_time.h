#pragma once
/// How long a service takes for one request or delivery, drawn from a distribution.
///
///   fixed:10ms   exponential:10ms (mean)   lognormal:10ms,0.5 (median, sigma)   bimodal:5ms,200ms,2% (a share is slow)
///
/// Thread: a value. Cost: a logarithm a draw.
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <string_view>
#include <vector>

namespace weir::config {

struct ServiceTime {
  enum class Kind : std::uint8_t { fixed, exponential, lognormal, bimodal } kind = Kind::exponential;
  Duration time = std::chrono::milliseconds(10);
  double sigma = 0;  ///< lognormal
  Duration slow{0};  ///< bimodal
  double slow_share = 0;
  static Result<ServiceTime> parse(std::string_view text);
  Duration draw(Rng& rng) const;
  double mean() const;  ///< seconds
};

/// "a,b" at ',': a and b; one part where there is none.
std::vector<std::string_view> split_at(std::string_view text, char at);

}  // namespace weir::config
