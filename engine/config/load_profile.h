#pragma once
/// How a load is written: the rate, how it changes, and how regular it is. `load::Arrivals` makes the times of it.
///
///   800                     so many a second
///   0:640,8:880,28:640      seconds, and the rate from then on, in order of time
///   0:100..900,30:100       a ramp: up to the second rate when the next phase begins, or the load ends
///
/// Bounds: 64 phases, a million a second, a day. Thread: pure functions. Cost: start only.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <optional>
#include <string_view>
#include <vector>

namespace weir::config {

inline constexpr double most_load_rate = 1e6;

enum class ArrivalKind : std::uint8_t { poisson, constant };
struct LoadPhase {
  Duration from{0};
  double rate = 0;             ///< a second
  std::optional<double> to{};  ///< a ramp: the rate when the next phase begins, or the load ends
};

Result<std::vector<LoadPhase>> parse_load_profile(std::string_view text);
Result<ArrivalKind> parse_arrival_kind(std::string_view name);

}  // namespace weir::config
