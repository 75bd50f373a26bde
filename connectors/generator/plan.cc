#include "plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace weir::generator {
namespace {

constexpr Duration longest_debt = std::chrono::milliseconds(100);

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// A number and the unit behind it, in seconds by `units`.
template <std::size_t N>
std::optional<double> measured(std::string_view text, const std::array<std::pair<std::string_view, double>, N>& units) {
  text = trimmed(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, seconds] : units)
    if (unit == name) return number * seconds;
  return std::nullopt;
}

constexpr std::array duration_units{std::pair{std::string_view("ms"), 1e-3}, std::pair{std::string_view("s"), 1.0},
                                    std::pair{std::string_view("m"), 60.0}, std::pair{std::string_view("h"), 3600.0}};
constexpr std::array rate_units{std::pair{std::string_view("/s"), 1.0}, std::pair{std::string_view("/min"), 1.0 / 60},
                                std::pair{std::string_view("/h"), 1.0 / 3600}};

}  // namespace

Result<std::vector<Step>> parse_steps(const std::vector<std::string>& texts) {
  std::vector<Step> steps;
  if (texts.size() > 1000) return failure("steps: at most 1000 are taken");
  for (const auto& text : texts) {
    const auto colon = text.find(':');
    const auto length = measured(std::string_view(text).substr(0, colon), duration_units);
    const auto rate =
        colon == text.npos ? std::nullopt : measured(std::string_view(text).substr(colon + 1), rate_units);
    if (!length || !rate)
      return failure(fmt::format("steps: \"{}\" is no step: write a time and a rate, as in 10s:1000/s", text));
    steps.push_back({from_seconds(*length), PerSecond{*rate}});
  }
  return steps;
}

Result<Mix> parse_mix(std::string_view text) {
  Mix mix{};
  for (auto rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto part = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto equals = std::min(part.find('='), part.size());
    const auto* const priority = std::ranges::find(priority_names, trimmed(part.substr(0, equals)));
    const auto share = trimmed(part.substr(std::min(equals + 1, part.size())));
    std::uint32_t weight = 0;
    const auto [end, error] = std::from_chars(share.data(), share.data() + share.size(), weight);
    if (priority == priority_names.end() || error != std::errc{} || end != share.data() + share.size())
      return failure(fmt::format(
          "priorities: \"{}\" is no share: write CLASS=NUMBER with batch, low, normal, high or critical", part));
    mix[static_cast<std::size_t>(priority - priority_names.begin())] += weight;
  }
  if (std::ranges::all_of(mix, [](auto weight) { return weight == 0; }))
    return failure("priorities: at least one share must be above 0");
  return mix;
}

PerSecond Schedule::rate_at(TimePoint now) const {
  auto since = now - *began_;
  for (const Step& step : steps_) {
    if (since < step.length) return step.rate;
    since -= step.length;
  }
  return steps_.back().rate;
}

std::uint64_t Schedule::due(TimePoint now) {
  if (!began_) began_ = last_ = now;
  const auto rate = rate_at(last_);
  owed_ += rate.value * seconds(now - last_);
  // The delay of a late timer is made up for, that of a long pause is not; one event may always become due.
  owed_ = std::min(owed_, std::max(1.0, rate.value * seconds(longest_debt)));
  last_ = now;
  const auto whole = static_cast<std::uint64_t>(owed_);
  owed_ -= static_cast<double>(whole);
  return whole;
}

void Schedule::forget_until(TimePoint now) { last_ = now; }

Maker::Maker(Bytes size, const Mix& mix, std::uint64_t seed) : size_(size.count()), mix_(mix), seed_(seed), rng_(seed) {
  for (const auto weight : mix_) weight_ += weight;
}

void Maker::next() {
  auto pick = rng_.below(weight_);
  std::size_t priority = 0;
  while (pick >= mix_[priority]) pick -= mix_[priority++];
  priority_ = static_cast<Priority>(priority);
  ++number_;
  text_.clear();
  fmt::format_to(std::back_inserter(text_), R"({{"id":"g-{}-{}","n":{},"priority":"{}","pad":")", seed_, number_,
                 number_, priority_names[priority]);
  if (text_.size() + 2 < size_) text_.append(size_ - text_.size() - 2, 'x');
  text_ += "\"}";
}

}  // namespace weir::generator
