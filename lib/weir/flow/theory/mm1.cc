#include <weir/flow/theory/mm1.h>

#include <cmath>
#include <limits>

namespace weir::flow {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

}  // namespace

double Mm1::utilisation() const {
  if (service_ > 0) return arrivals_ / service_;
  return arrivals_ > 0 ? infinite : 0.0;
}

double Mm1::waiting() const {
  const double rho = utilisation();
  return stable() ? rho * rho / (1 - rho) : infinite;
}

double Mm1::in_system() const {
  const double rho = utilisation();
  return stable() ? rho / (1 - rho) : infinite;
}

double Mm1::slowdown() const { return stable() ? 1 / (1 - utilisation()) : infinite; }

Duration Mm1::time_in_system() const { return stable() ? from_seconds(1 / (service_ - arrivals_)) : Duration::max(); }

Duration Mm1::time_waiting() const {
  return stable() ? from_seconds(utilisation() / (service_ - arrivals_)) : Duration::max();
}

Duration Mm1::time_in_system(double q) const {
  if (!stable() || q >= 1) return Duration::max();
  return q <= 0 ? Duration{0} : from_seconds(-std::log(1 - q) / (service_ - arrivals_));
}

}  // namespace weir::flow
