#pragma once
/// Quantities as people write them: 256MiB, 200ms, 1000/s, 80%. A number without its unit is refused, because 512 could
/// mean bytes, kilobytes or events, and the message says what to write.
///
///   size      B KB MB GB (powers of 1000), KiB MiB GiB (powers of 1024); at most 1 PiB
///   duration  ns us ms s m h d; at most 3650 days
///   rate      N/s N/min N/h
///   quota     N/s N/min N/h N/d, with N a whole number or a size (10MiB/s)
///   ratio     80% or 0.8, between 0 and 1
///   count     digits only, at most 10^12
///
/// A decimal fraction is allowed where there is a unit (1.5GiB). Spaces, signs and exponents are not.
///
/// Thread: pure functions. Cost: start only.
#include <weir/base/units.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir::config {

/// The value, or the sentence to show: what was written and what was expected.
template <typename T>
using Parsed = std::expected<T, std::string>;

Parsed<Bytes> parse_size(std::string_view text);
Parsed<Duration> parse_duration(std::string_view text);
Parsed<PerSecond> parse_rate(std::string_view text);
/// So many in such a time: a window that counts needs both, where a rate is only their quotient.
struct Quota {
  std::uint64_t amount = 0;
  Duration window{0};
  bool bytes = false;  ///< the amount is a size
  bool operator==(const Quota&) const = default;
};
Parsed<Quota> parse_quota(std::string_view text);
Parsed<double> parse_ratio(std::string_view text);
Parsed<std::uint64_t> parse_count(std::string_view text);
Parsed<bool> parse_bool(std::string_view text);

/// As the parsers read it, without loss: 256MiB, 1500ms.
std::string to_text(Bytes size);
std::string to_text(Duration duration);
std::string to_text(PerSecond rate);
std::string to_text(const Quota& quota);
std::string to_text_ratio(double ratio);

/// For people, rounded: "21.5 MiB", "1.5 s", "80 %".
std::string human(Bytes size);
std::string human(Duration duration);
std::string human_percent(double ratio);

}  // namespace weir::config
