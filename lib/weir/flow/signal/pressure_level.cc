#include <weir/flow/signal/pressure_level.h>

namespace weir::flow {
namespace {

constexpr Duration critical_within = std::chrono::seconds(15), warning_within = std::chrono::seconds(60);
constexpr double full = 0.99;
constexpr double least_growth = 0.005;  // of the bound, a second

}  // namespace

std::optional<Duration> soon_full(const Pressure& pressure) {
  const double bound = static_cast<double>(pressure.bound.events);
  if (!pressure.time_to_full || pressure.growth.value < least_growth * bound) return {};
  return pressure.time_to_full;
}

PressureLevel level_of(const Pressure& pressure) {
  const auto left = soon_full(pressure);
  if (pressure.fill >= full || (left && *left <= critical_within)) return PressureLevel::critical;
  if (pressure.paused || (left && *left <= warning_within)) return PressureLevel::warning;
  return PressureLevel::normal;
}

std::string_view name(PressureLevel level) {
  switch (level) {
    case PressureLevel::normal: return "normal";
    case PressureLevel::warning: return "warning";
    case PressureLevel::critical: break;
  }
  return "critical";
}

}  // namespace weir::flow
