#pragma once
/// A limit on requests in flight as it is written in a configuration: one type for whoever lets the user choose.
///
///   algorithm   limit                             range that is usual
///   adaptive    AdaptiveLimit                     starts at 4, from 2 to 4096
///   fixed       FixedLimit of `range.start`       it does not move
///   aimd        AimdLimit                         starts at 20, from 1 to 1000
///   vegas       VegasLimit of windows             the same
///   gradient2   Gradient2Limit of windows         the same
///
/// When to choose it: the limit comes from a file. Code that knows its limit uses that one. Which algorithm:
/// concurrency_limit.h.
///
/// Thread: a value; its owner guards it. Cost: the limit's and a branch.
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/aimd_limit.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/gradient2_limit.h>
#include <weir/flow/admit/vegas_limit.h>
#include <weir/flow/admit/windowed_limit.h>

#include <string_view>
#include <variant>

namespace weir::flow {

struct AnyLimitConfig {
  enum class Algorithm : std::uint8_t { adaptive, fixed, aimd, vegas, gradient2 };
  Algorithm algorithm = Algorithm::adaptive;
  LimitRange range{.start = 4, .least = 2, .most = 4096};
  Duration too_slow = std::chrono::seconds(5);  ///< aimd only
  bool operator==(const AnyLimitConfig&) const = default;
  bool moves() const { return algorithm != Algorithm::fixed; }
};

std::string_view name(AnyLimitConfig::Algorithm algorithm);
LimitRange usual_range(AnyLimitConfig::Algorithm algorithm);

/// The first value that cannot be: a field of the range, or too_slow.
[[nodiscard]] std::optional<Unfit> check(const AnyLimitConfig& config);

class AnyLimit {
 public:
  /// The seed says when vegas measures anew.
  AnyLimit(const AnyLimitConfig& config, std::uint64_t seed);

  std::uint32_t limit() const;
  void answered(const Answer& answer, TimePoint now);
  LimitFacts facts() const;
  Duration wait_inside() const;

 private:
  std::variant<AdaptiveLimit, FixedLimit, AimdLimit, WindowedLimit<VegasLimit>, WindowedLimit<Gradient2Limit>> limit_;
};

static_assert(ConcurrencyLimit<AnyLimit>);

}  // namespace weir::flow
