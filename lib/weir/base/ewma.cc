#include <weir/base/checked.h>
#include <weir/base/ewma.h>

#include <algorithm>
#include <cmath>

namespace weir {

Ewma::Ewma(Duration memory) : memory_(memory) { refuse(check_duration("memory", memory), "ewma"); }

void Ewma::add(double sample, double weight, TimePoint now) {
  if (weight <= 0) return;
  const double kept = weight_ > 0 ? decay(now) : 0.0;
  sum_ = sum_ * kept + sample * weight;
  weight_ = weight_ * kept + weight;
  last_ = std::max(last_, now);
}

std::optional<double> Ewma::value() const {
  if (weight_ <= 0) return std::nullopt;
  return sum_ / weight_;
}

double Ewma::weight(TimePoint now) const { return weight_ > 0 ? weight_ * decay(now) : 0.0; }

double Ewma::decay(TimePoint now) const {
  return now <= last_ ? 1.0 : std::exp(-seconds(now - last_) / seconds(memory_));
}

}  // namespace weir
