#include <weir/flow/theory/md1.h>

#include <limits>

namespace weir::flow {
namespace {

constexpr double endless = std::numeric_limits<double>::infinity();

}  // namespace

double Md1::utilisation() const {
  if (service_ > 0) return arrivals_ / service_;
  return arrivals_ > 0 ? endless : 0.0;
}

double Md1::waiting() const {
  const double rho = utilisation();
  return stable() ? rho * rho / (2 * (1 - rho)) : endless;
}

double Md1::in_system() const { return stable() ? waiting() + utilisation() : endless; }

Duration Md1::time_waiting() const {
  return stable() ? from_seconds(utilisation() / (2 * (service_ - arrivals_))) : Duration::max();
}

Duration Md1::time_in_system() const {
  return stable() ? from_seconds(utilisation() / (2 * (service_ - arrivals_)) + 1 / service_) : Duration::max();
}

}  // namespace weir::flow
