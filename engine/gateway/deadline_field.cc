#include "gateway/deadline_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/units_parse.h"
#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr Duration longest_deadline = std::chrono::hours(24);
constexpr std::int64_t most_of_grpc = 99'999'999;  // eight digits

std::optional<std::uint64_t> digits(std::string_view text, std::size_t most) {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > most) return std::nullopt;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_grpc(std::string_view field) { return net::same_word(field, "grpc-timeout"); }

std::optional<Duration> of_grpc(std::string_view value) {
  if (value.size() < 2) return std::nullopt;
  const auto number = digits(value.substr(0, value.size() - 1), 8);
  if (!number) return std::nullopt;
  double unit = 0;
  switch (value.back()) {
    case 'H': unit = 3600; break;
    case 'M': unit = 60; break;
    case 'S': unit = 1; break;
    case 'm': unit = 1e-3; break;
    case 'u': unit = 1e-6; break;
    case 'n': unit = 1e-9; break;
    default: return std::nullopt;
  }
  return from_seconds(std::min(static_cast<double>(*number) * unit, seconds(longest_deadline)));
}

}  // namespace

std::optional<Duration> said_deadline(std::string_view field, std::string_view value) {
  if (is_grpc(field)) return of_grpc(value);
  if (const auto ms = digits(value, 12))
    return std::min<Duration>(std::chrono::milliseconds(std::min<std::uint64_t>(*ms, 86'400'000)), longest_deadline);
  const auto time = config::parse_duration(value);
  if (!time) return std::nullopt;
  return std::min(*time, longest_deadline);
}

std::string deadline_line(std::string_view field, Duration left) {
  const auto ms = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count(), 1);
  return fmt::format("{}: {}{}\r\n", field, std::min(ms, most_of_grpc), is_grpc(field) ? "m" : "");
}

}  // namespace weir::gateway
