#include "config/units_parse.h"

#include <fmt/format.h>
#include <weir/base/result.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "config/problem.h"

namespace weir::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 7> size_units{{{"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr std::array<Unit, 7> duration_units{{{"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};
constexpr std::array<Unit, 3> rate_units{{{"/s", 1}, {"/min", 60}, {"/h", 3600}}};
constexpr std::array<Unit, 4> quota_windows{
    {{"s", 1'000'000'000}, {"min", 60'000'000'000}, {"h", 3'600'000'000'000}, {"d", 86'400'000'000'000}}};
constexpr std::uint64_t most_bytes = 1ull << 50;
constexpr std::uint64_t most_time = 3650 * 86'400'000'000'000ull;
constexpr std::uint64_t most_count = 1'000'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "1.5GiB" in its parts.
struct Written {
  std::uint64_t whole = 0;
  double fraction = 0;
  std::string_view number, unit;
  double value() const { return static_cast<double>(whole) + fraction; }
};

/// Nothing when it does not start with a plain decimal number of at most 15 digits before and after the point.
std::optional<Written> split(std::string_view text) {
  Written w;
  std::size_t i = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    if (i == 15) return std::nullopt;
    w.whole = w.whole * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  if (i == 0) return std::nullopt;
  if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) {
    double location = 0.1;
    std::size_t digits = 0;
    for (++i; i < text.size() && is_digit(text[i]); ++i, location /= 10) {
      if (++digits > 15) return std::nullopt;
      w.fraction += location * (text[i] - '0');
    }
  }
  w.number = text.substr(0, i);
  w.unit = text.substr(i);
  return w;
}

Parsed<std::uint64_t> scaled(std::string_view text, std::span<const Unit> units, std::uint64_t most,
                             std::string_view what, std::string_view expected, std::string_view examples) {
  const auto w = split(text);
  if (!w) return std::unexpected(fmt::format("{} is not a {}: write {}", quote(text), what, expected));
  if (w->unit.empty()) {
    const auto cut = examples.find(' ');
    return std::unexpected(fmt::format("{} has no unit: write {}{} or {}{}", quote(text), w->number,
                                       examples.substr(0, cut), w->number, examples.substr(cut + 1)));
  }
  for (const Unit& unit : units) {
    if (unit.name != w->unit) continue;
    if (w->value() * static_cast<double>(unit.factor) > static_cast<double>(most))
      return std::unexpected(fmt::format("{} is too large for a {}", quote(text), what));
    return w->whole * unit.factor +
           static_cast<std::uint64_t>(std::llround(w->fraction * static_cast<double>(unit.factor)));
  }
  return std::unexpected(fmt::format("{} is not a {}: write {}", quote(text), what, expected));
}

std::string with_largest_unit(std::uint64_t n, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (n != 0 && n % unit.factor == 0) return fmt::format("{}{}", n / unit.factor, unit.name);
  return fmt::format("0{}", units.back().name);
}

/// At most three digits that matter, without trailing zeros: 12, 1.5, 228.
std::string short_number(double value) {
  std::string out = fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
  if (out.find('.') == std::string::npos) return out;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

template <typename T>
Parsed<T> as(const Parsed<std::uint64_t>& n) {
  return n ? Parsed<T>(T(*n)) : std::unexpected(n.error());
}

}  // namespace

Parsed<Bytes> parse_size(std::string_view text) {
  return as<Bytes>(scaled(text, size_units, most_bytes, "size",
                          "a number and B, KiB, MiB, GiB, KB, MB or GB, as in 64MiB", "MiB KB"));
}

Parsed<Duration> parse_duration(std::string_view text) {
  return as<Duration>(scaled(text, duration_units, most_time, "duration",
                             "a number and ns, us, ms, s, m, h or d, as in 200ms", "s ms"));
}

Parsed<PerSecond> parse_rate(std::string_view text) {
  const auto w = split(text);
  if (w && w->unit.empty())
    return std::unexpected(fmt::format("{} has no unit: write {}/s or {}/min", quote(text), w->number, w->number));
  for (const Unit& unit : rate_units)
    if (w && w->unit == unit.name) return PerSecond{w->value() / static_cast<double>(unit.factor)};
  return std::unexpected(fmt::format("{} is not a rate: write a number and /s, /min or /h, as in 1000/s", quote(text)));
}

Parsed<Quota> parse_quota(std::string_view text) {
  const auto slash = text.rfind('/');
  const std::string_view number = text.substr(0, slash);
  const std::string_view window = slash == text.npos ? std::string_view{} : text.substr(slash + 1);
  const auto w = split(number);
  const auto unit = std::ranges::find(quota_windows, window, &Unit::name);
  const bool known = w && (w->unit.empty() || std::ranges::find(size_units, w->unit, &Unit::name) != size_units.end());
  if (!known || unit == quota_windows.end())
    return std::unexpected(fmt::format(
        "{} is not a number in a time: write a number or a size, and /s, /min, /h or /d, as in 1000/s or 10MiB/s",
        quote(text)));
  const Duration length{static_cast<Duration::rep>(unit->factor)};
  if (w->fraction > 0 && w->unit.empty())
    return std::unexpected(
        fmt::format("{} is not a whole number: write it for a longer time, as 30/min for 0.5/s", quote(text)));
  if (w->unit.empty()) {
    const auto count = parse_count(number);
    return count ? Parsed<Quota>({*count, length, false}) : std::unexpected(count.error());
  }
  const auto size = parse_size(number);
  return size ? Parsed<Quota>({size->count(), length, true}) : std::unexpected(size.error());
}

Parsed<double> parse_ratio(std::string_view text) {
  const auto w = split(text);
  if (w && w->unit == "%" && w->value() <= 100) return w->value() / 100;
  if (w && w->unit.empty() && w->value() <= 1) return w->value();
  if (w && w->unit.empty() && w->value() <= 100)
    return std::unexpected(fmt::format("{} is above 1: write {}%", quote(text), w->number));
  return std::unexpected(fmt::format("{} is not a share between 0% and 100%: write 80% or 0.8", quote(text)));
}

Parsed<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || !is_digit(text[0]) || error != std::errc{} || end != text.data() + text.size())
    return std::unexpected(fmt::format("{} is not a whole number: write digits only, as in 512", quote(text)));
  if (n > most_count) return std::unexpected(fmt::format("{} is too large: at most {}", quote(text), most_count));
  return n;
}

Parsed<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::unexpected(fmt::format("{} is neither true nor false", quote(text)));
}

std::string to_text(Bytes size) { return with_largest_unit(size.count(), size_units); }
std::string to_text(Duration duration) {
  return with_largest_unit(static_cast<std::uint64_t>(duration.count()), duration_units);
}
std::string to_text(PerSecond rate) {
  for (const Unit& unit : rate_units) {
    const double n = rate.value * static_cast<double>(unit.factor);
    if (std::abs(n - std::round(n)) < 1e-9 * n) return fmt::format("{:.0f}{}", n, unit.name);
  }
  return fmt::format("{:.12f}/s", rate.value);
}
std::string to_text(const Quota& quota) {
  const auto window = std::ranges::find(quota_windows, static_cast<std::uint64_t>(quota.window.count()), &Unit::factor);
  WEIR_CHECK(window != quota_windows.end());  // it was parsed from one of them
  return fmt::format("{}/{}", quota.bytes ? to_text(Bytes(quota.amount)) : std::to_string(quota.amount), window->name);
}
std::string to_text_ratio(double ratio) {
  const double percent = ratio * 100;
  return std::abs(percent - std::round(percent)) < 1e-9 ? fmt::format("{:.0f}%", percent)
                                                        : fmt::format("{:.12f}", ratio);
}

std::string human(Bytes size) {
  for (const Unit& unit : std::span(size_units).first(3))
    if (size.count() >= unit.factor)
      return fmt::format("{} {}", short_number(static_cast<double>(size.count()) / static_cast<double>(unit.factor)),
                         unit.name);
  return fmt::format("{} B", size.count());
}

std::string human(Duration duration) {
  const auto n = static_cast<std::uint64_t>(duration.count());
  for (const Unit& unit : duration_units) {
    // Minutes, hours and days only when they come out even: "90 s" is read faster than "1.5 m".
    const bool fits = unit.factor > 1'000'000'000 ? n >= unit.factor && n % unit.factor == 0 : n >= unit.factor;
    if (fits)
      return fmt::format("{} {}", short_number(static_cast<double>(n) / static_cast<double>(unit.factor)),
                         unit.name == "m" ? "min" : unit.name);
  }
  return "0 s";
}

std::string human_percent(double ratio) { return short_number(ratio * 100) + " %"; }

}  // namespace weir::config
