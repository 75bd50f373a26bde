#include "top_numbers.h"

#include <fmt/format.h>
#include <cmath>
#include <utility>

namespace weir::app {

std::string short_count(double value) {
  if (value > 0 && value < 9.95)
    return std::abs(value - std::round(value)) < 0.05 ? fmt::format("{:.0f}", value) : fmt::format("{:.1f}", value);
  if (value < 9999.5) return fmt::format("{:.0f}", value);
  for (const auto& [unit, size] : {std::pair{'k', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}})
    if (value < size * 999.5) return fmt::format("{:.{}f}{}", value / size, value < size * 99.95 ? 1 : 0, unit);
  return "a lot";
}

std::string short_bytes(double value) {
  if (value < 1024) return fmt::format("{:.0f} B", value);
  for (const auto& [unit, size] : {std::pair{"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}})
    if (value < size * 1023.5) return fmt::format("{:.{}f} {}", value / size, value < size * 9.95 ? 1 : 0, unit);
  return fmt::format("{:.1f} TiB", value / 1099511627776.0);
}

std::string short_time(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 119.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return seconds < 172800 ? fmt::format("{:.0f} h", seconds / 3600) : fmt::format("{:.0f} d", seconds / 86400);
}

}  // namespace weir::app
