#include <weir/flow/queue/service_meter.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

constexpr double service_memory = 5.0;  // busy seconds: long enough to even out batches, short enough to see a slowdown
constexpr double growth_memory = 2.0;   // seconds
constexpr Duration shortest = std::chrono::milliseconds(1);

}  // namespace

void ServiceMeter::served(std::uint64_t events, Duration busy) {
  const double kept = busy > Duration{0} ? std::exp(-seconds(busy) / service_memory) : 1.0;
  events_ = events_ * kept + static_cast<double>(events);
  busy_ = busy_ * kept + std::max(0.0, seconds(busy));
}

std::optional<PerSecond> ServiceMeter::rate() const {
  if (events_ <= 0 || busy_ < 1e-6) return std::nullopt;
  return PerSecond{events_ / busy_};
}

void GrowthMeter::update(std::uint64_t waiting, TimePoint now) {
  if (at_ == never) {
    at_ = now;
    return;  // it grew from nothing at an unknown time: no rate yet
  }
  if (now - at_ < shortest) return;
  growth_ = growth(waiting, now).value;
  waiting_ = waiting;
  at_ = now;
}

PerSecond GrowthMeter::growth(std::uint64_t waiting, TimePoint now) const {
  if (at_ == never || now - at_ < shortest) return PerSecond{growth_};
  const double dt = seconds(now - at_);
  const double change = static_cast<double>(waiting) - static_cast<double>(waiting_);
  return PerSecond{growth_ + (1 - std::exp(-dt / growth_memory)) * (change / dt - growth_)};
}

}  // namespace weir::flow
