#include "load/assertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "config/units_parse.h"
#include "net/field_lines.h"

namespace weir::load {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 5> quantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};

std::optional<double> time_of(std::string_view what, const Histogram& times) {
  if (times.count() == 0) return std::nullopt;
  if (what == "max") return seconds(times.max());
  if (what == "mean") return seconds(times.mean());
  for (const auto& [name, q] : quantiles)
    if (name == what) return seconds(times.quantile(q));
  return std::nullopt;
}

bool is_time(std::string_view what) {
  return what == "max" || what == "mean" ||
         std::ranges::any_of(quantiles, [&](const auto& row) { return row.first == what; });
}

template <typename T>
Result<double> value_of(std::string_view text, const config::Parsed<T>& parsed, double value) {
  if (!parsed) return failure(fmt::format("\"{}\": {}", text, parsed.error()));
  return value;
}

}  // namespace

Result<Assertion> Assertion::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return failure(
        fmt::format("\"{}\" {}: write 'p99 < 200ms', 'goodput > 750/s', 'success >= 99.9%'; or p50, p90, "
                    "p95, p999, max, mean, errors, late",
                    text, why));
  };
  Assertion a;
  a.text_ = text;
  const auto sign = text.find_first_of("<>");
  if (sign == text.npos) return wrong("compares nothing");
  const bool equal = sign + 1 < text.size() && text[sign + 1] == '=';
  a.compare_ =
      text[sign] == '<' ? (equal ? Compare::at_most : Compare::less) : (equal ? Compare::at_least : Compare::more);
  a.what_ = net::trimmed(text.substr(0, sign));
  const auto bound = net::trimmed(text.substr(sign + (equal ? 2 : 1)));
  Result<double> value = 0.0;
  if (is_time(a.what_)) {
    const auto time = config::parse_duration(bound);
    value = value_of(text, time, time ? seconds(*time) : 0);
  } else if (a.what_ == "goodput") {
    a.unit_ = Unit::rate;
    const auto rate = config::parse_rate(bound);
    value = value_of(text, rate, rate ? rate->value : 0);
  } else if (a.what_ == "success" || a.what_ == "errors" || a.what_ == "late") {
    a.unit_ = Unit::share;
    const auto share = config::parse_ratio(bound);
    value = value_of(text, share, share.value_or(0));
  } else {
    return wrong("names nothing that is measured");
  }
  if (!value) return std::unexpected(value.error());
  a.bound_ = *value;
  return a;
}

Assertion::Verdict Assertion::judge(const Tally& tally) const {
  return judge(
      {tally.all().times, tally.goodput(), tally.success(), tally.errors(), tally.late(), tally.all().calls > 0});
}

Assertion::Verdict Assertion::judge(const Measures& measures) const {
  double measured = 0;
  if (unit_ == Unit::time) {
    const auto time = time_of(what_, measures.times);
    if (!time) return {false, "no call was good"};
    measured = *time;
  } else if (unit_ == Unit::rate) {
    measured = measures.goodput;
  } else {
    measured = what_ == "success" ? measures.success : what_ == "errors" ? measures.errors : measures.late;
    if (!measures.any) return {false, "there was no call"};
  }
  const bool holds = compare_ == Compare::less      ? measured < bound_
                     : compare_ == Compare::at_most ? measured <= bound_
                     : compare_ == Compare::more    ? measured > bound_
                                                    : measured >= bound_;
  return {holds, unit_ == Unit::time   ? config::human(from_seconds(measured))
                 : unit_ == Unit::rate ? fmt::format("{:.1f}/s", measured)
                                       : config::human_percent(measured)};
}

}  // namespace weir::load
