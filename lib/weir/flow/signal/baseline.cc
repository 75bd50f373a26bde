#include <weir/flow/signal/baseline.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

constexpr Duration longest_step = std::chrono::minutes(1);
constexpr double up = 600, down = 12 * 3600;     // seconds: time constants
constexpr double unusual_growth = 0.1 / 3600.0;  // a second

}  // namespace

void Baseline::look(double value, Duration dt) {
  dt = std::clamp(dt, Duration{0}, longest_step);
  const double step = seconds(dt);
  if (!known()) {
    seen_ += dt;
    if (seen_ > Duration{0}) normal_ += (value - normal_) * step / seconds(seen_);
    return;
  }
  normal_ = normal();
  if (value > unusual * normal_)
    normal_ *= std::exp(unusual_growth * step);
  else
    normal_ += (value - normal_) * -std::expm1(-step / (value > normal_ ? up : down));
}

}  // namespace weir::flow
