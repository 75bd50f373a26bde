#include "config/load_profile.h"

#include <charconv>
#include <string>

namespace weir::config {
namespace {

constexpr std::size_t most_phases = 64;
constexpr double longest_profile = 86'400;

std::optional<double> number_up_to(std::string_view text, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= most)) return std::nullopt;
  return value;
}

}  // namespace

Result<std::vector<LoadPhase>> parse_load_profile(std::string_view text) {
  std::vector<LoadPhase> phases;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const auto colon = part.find(':');
    const auto from = colon == part.npos ? std::optional(0.0) : number_up_to(part.substr(0, colon), longest_profile);
    const std::string_view rates = colon == part.npos ? part : part.substr(colon + 1);
    const auto dots = rates.find("..");
    const auto rate = number_up_to(rates.substr(0, dots), most_load_rate);
    const auto to = dots == rates.npos ? std::nullopt : number_up_to(rates.substr(dots + 2), most_load_rate);
    const bool in_order = from && (phases.empty() || from_seconds(*from) > phases.back().from);
    if (!rate || (dots != rates.npos && !to) || !in_order || phases.size() == most_phases)
      return failure("\"" + std::string(text) +
                     "\" is no load: write 800, 0:640,8:880 (second:rate, in order) or 0:100..900 (a ramp)");
    phases.push_back({from_seconds(*from), *rate, to});
    if (comma == rest.npos) return phases;
    rest.remove_prefix(comma + 1);
  }
}

Result<ArrivalKind> parse_arrival_kind(std::string_view name) {
  if (name == "poisson") return ArrivalKind::poisson;
  if (name == "constant") return ArrivalKind::constant;
  return failure("\"" + std::string(name) + "\" is none of poisson, constant");
}

}  // namespace weir::config
