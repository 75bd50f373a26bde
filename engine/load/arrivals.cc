#include "load/arrivals.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace weir::load {
namespace {

constexpr std::size_t most_phases = 64;
constexpr double most_rate = 1e6, longest = 86'400;

std::optional<double> number(std::string_view text, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= most)) return std::nullopt;
  return value;
}

}  // namespace

Result<std::vector<Arrivals::Phase>> Arrivals::parse(std::string_view text) {
  std::vector<Phase> phases;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const auto colon = part.find(':');
    const auto from = colon == part.npos ? std::optional(0.0) : number(part.substr(0, colon), longest);
    const auto rate = number(colon == part.npos ? part : part.substr(colon + 1), most_rate);
    const bool in_order = from && (phases.empty() || from_seconds(*from) > phases.back().from);
    if (!rate || !in_order || phases.size() == most_phases)
      return failure("\"" + std::string(text) + "\" is no load: write 800, or 0:640,8:880 (second:rate, in order)");
    phases.push_back({from_seconds(*from), *rate});
    if (comma == rest.npos) return phases;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<Duration> Arrivals::next() {
  double hazard = -std::log1p(-rng_.uniform());
  while (phase_ < phases_.size()) {
    const bool last = phase_ + 1 == phases_.size();
    const Duration until = std::min(end_, last ? end_ : phases_[phase_ + 1].from);
    at_ = std::max(at_, phases_[phase_].from);
    const double rate = phases_[phase_].rate, within = seconds(until - at_) * rate;
    if (within > hazard) {
      at_ += from_seconds(hazard / rate);
      return at_;
    }
    if (within > 0) hazard -= within;
    at_ = std::max(at_, until);
    ++phase_;
  }
  return std::nullopt;
}

}  // namespace weir::load
