#include <weir/flow/theory/mmc.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir::flow {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

double next_erlang_b(double b, double load, int servers) { return load * b / (servers + load * b); }

double erlang_c(double b, double rho) { return rho >= 1 ? 1.0 : b / (1 - rho * (1 - b)); }

}  // namespace

Mmc::Mmc(PerSecond arrivals, PerSecond service, int servers)
    : arrivals_(arrivals.value), service_(service.value), servers_(std::max(servers, 1)), waits_(1.0) {
  if (!stable()) return;
  double b = 1;
  for (int k = 1; k <= servers_; ++k) b = next_erlang_b(b, arrivals_ / service_, k);
  waits_ = erlang_c(b, utilisation());
}

double Mmc::utilisation() const {
  if (service_ > 0) return arrivals_ / (service_ * servers_);
  return arrivals_ > 0 ? unbounded : 0.0;
}

double Mmc::waiting() const { return stable() ? arrivals_ * waits_ / (service_ * servers_ - arrivals_) : unbounded; }

double Mmc::in_system() const { return stable() ? waiting() + arrivals_ / service_ : unbounded; }

Duration Mmc::time_waiting() const {
  return stable() ? from_seconds(waits_ / (service_ * servers_ - arrivals_)) : Duration::max();
}

Duration Mmc::time_in_system() const {
  return stable() ? from_seconds(waits_ / (service_ * servers_ - arrivals_) + 1 / service_) : Duration::max();
}

Duration Mmc::time_waiting(double q) const {
  if (!stable() || q >= 1) return Duration::max();
  if (1 - q >= waits_) return Duration{0};
  return from_seconds(std::log(waits_ / (1 - q)) / (service_ * servers_ - arrivals_));
}

std::optional<int> servers_for(PerSecond arrivals, PerSecond service, Duration wait, int most) {
  double b = 1;
  for (int c = 1; c <= most; ++c) {
    if (service.value > 0) b = next_erlang_b(b, arrivals.value / service.value, c);
    const double spare = service.value * c - arrivals.value;
    if (spare <= 0) continue;
    if (erlang_c(b, arrivals.value / (service.value * c)) / spare <= seconds(wait)) return c;
  }
  return std::nullopt;
}

}  // namespace weir::flow
