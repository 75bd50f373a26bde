#include "load/arrivals.h"

#include <algorithm>
#include <cmath>

namespace weir::load {
namespace {

/// What a phase is like from a moment in it on: a rate, and what it gains a second.
struct Slope {
  Duration until{0};
  double rate = 0, gain = 0;
  double within(double time) const { return time * (rate + gain * time / 2); }
  /// The time in which `hazard` passes; within(it) = hazard.
  double time(double hazard) const {
    return 2 * hazard / (rate + std::sqrt(std::max(0.0, rate * rate + 2 * gain * hazard)));
  }
};

Slope slope_at(const std::vector<Arrivals::Phase>& phases, std::size_t i, Duration at, Duration end) {
  const auto& phase = phases[i];
  const Duration until = i + 1 == phases.size() ? end : phases[i + 1].from;
  const double length = seconds(until - phase.from);
  const double gain = phase.to && length > 0 ? (*phase.to - phase.rate) / length : 0;
  return {std::min(until, end), std::max(0.0, phase.rate + gain * seconds(at - phase.from)), gain};
}

}  // namespace

double Arrivals::draw() {
  const bool first = !std::exchange(begun_, true);
  if (kind_ == Kind::constant) return first ? 0.5 : 1;
  return -std::log1p(-rng_.uniform());
}

std::optional<Duration> Arrivals::next() {
  double hazard = draw();
  while (phase_ < phases_.size()) {
    at_ = std::max(at_, phases_[phase_].from);
    const Slope slope = slope_at(phases_, phase_, at_, end_);
    const double within = at_ < slope.until ? slope.within(seconds(slope.until - at_)) : 0;
    if (within > hazard) {
      const double time = slope.time(hazard) + rest_;
      const Duration step = from_seconds(time);
      rest_ = time - seconds(step);
      return at_ += step;
    }
    if (within > 0) hazard -= within;
    at_ = std::max(at_, slope.until);
    ++phase_;
  }
  return std::nullopt;
}

double expected_arrivals(const std::vector<Arrivals::Phase>& phases, Duration end) {
  double sum = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const Slope slope = slope_at(phases, i, phases[i].from, end);
    if (phases[i].from < slope.until) sum += slope.within(seconds(slope.until - phases[i].from));
  }
  return sum;
}

}  // namespace weir::load
