#include <weir/base/checked.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace weir {
namespace {

std::string shown(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::optional<Unfit> unfit(std::string_view field, const std::string& value, std::string_view expected) {
  return Unfit{std::string(field), "is " + value + ": write " + std::string(expected)};
}

std::string_view least(Zero zero) { return zero == Zero::allowed ? "0 or more" : "more than 0"; }

}  // namespace

std::optional<Unfit> check_duration(std::string_view field, Duration value, Zero zero) {
  if (value > longest_duration) return unfit(field, "longer than 200 years", "less");
  if (value > Duration{0} || (zero == Zero::allowed && value == Duration{0})) return std::nullopt;
  return unfit(field, std::to_string(value.count()) + " ns", least(zero));
}

std::optional<Unfit> check_rate(std::string_view field, PerSecond value, Zero zero) {
  if (std::isfinite(value.value) && (value.value > 0 || (zero == Zero::allowed && value.value == 0)))
    return std::nullopt;
  return unfit(field, shown(value.value) + "/s", std::isfinite(value.value) ? least(zero) : "a finite rate");
}

std::optional<Unfit> check_share(std::string_view field, double value) {
  if (std::isfinite(value) && value >= 0) return std::nullopt;
  return unfit(field, shown(value), std::isfinite(value) ? "0 or more" : "a finite number");
}

std::optional<Unfit> first_unfit(std::initializer_list<std::optional<Unfit>> all) {
  for (const auto& one : all)
    if (one) return one;
  return std::nullopt;
}

std::optional<Unfit> within(std::string_view part, std::optional<Unfit> unfit) {
  if (unfit) unfit->field = std::string(part) + "." + unfit->field;
  return unfit;
}

void refuse(const std::optional<Unfit>& unfit, std::string_view policy) {
  if (unfit) throw std::invalid_argument(std::string(policy) + ": " + unfit->field + " " + unfit->what);
}

}  // namespace weir
