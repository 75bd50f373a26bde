#include "config/service_time.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "config/problem.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

constexpr Duration longest_service = std::chrono::hours(1);

}  // namespace

std::vector<std::string_view> split_at(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<ServiceTime> ServiceTime::parse(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const auto values = split_at(colon == text.npos ? std::string_view{} : text.substr(colon + 1), ',');
  const auto wrong = [&] {
    return failure(
        fmt::format("{} is no time: write fixed:10ms, exponential:10ms, lognormal:10ms,0.5 or "
                    "bimodal:5ms,200ms,2%",
                    quote(text)));
  };
  ServiceTime out;
  const auto time = parse_duration(values[0]);
  if (!time || *time > longest_service) return wrong();
  out.time = *time;
  if (kind == "fixed" && values.size() == 1) {
    out.kind = Kind::fixed;
  } else if (kind == "exponential" && values.size() == 1) {
    out.kind = Kind::exponential;
  } else if (kind == "lognormal" && values.size() == 2) {
    out.kind = Kind::lognormal;
    const auto sigma = parse_ratio(values[1]);
    if (!sigma) return wrong();
    out.sigma = *sigma;
  } else if (kind == "bimodal" && values.size() == 3) {
    out.kind = Kind::bimodal;
    const auto slow = parse_duration(values[1]);
    const auto share = parse_ratio(values[2]);
    if (!slow || *slow > longest_service || !share) return wrong();
    out.slow = *slow;
    out.slow_share = *share;
  } else {
    return wrong();
  }
  return out;
}

Duration ServiceTime::draw(Rng& rng) const {
  switch (kind) {
    case Kind::exponential: return from_seconds(-seconds(time) * std::log1p(-rng.uniform()));
    case Kind::lognormal: {
      const double normal = std::sqrt(-2 * std::log1p(-rng.uniform())) * std::cos(2 * std::numbers::pi * rng.uniform());
      return from_seconds(seconds(time) * std::exp(sigma * normal));
    }
    case Kind::bimodal: return rng.uniform() < slow_share ? slow : time;
    case Kind::fixed: break;
  }
  return time;
}

double ServiceTime::mean() const {
  if (kind == Kind::lognormal) return seconds(time) * std::exp(sigma * sigma / 2);
  if (kind == Kind::bimodal) return seconds(time) * (1 - slow_share) + seconds(slow) * slow_share;
  return seconds(time);
}

}  // namespace weir::config
