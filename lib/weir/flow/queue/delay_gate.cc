#include <weir/flow/queue/delay_gate.h>

#include <algorithm>

namespace weir::flow {

bool DelayGate::refuses(Duration delay, TimePoint now) {
  if (now >= interval_ends_) {
    interval_ends_ = now + config_.interval;
    overloaded_ = least_ > config_.target;
    least_ = delay;
    return false;
  }
  least_ = std::min(least_, delay);
  return overloaded_ && delay > 2 * config_.target;
}

double DelayGate::load() const {
  return std::min(1.0, static_cast<double>(least_.count()) / static_cast<double>(2 * config_.target.count()));
}

}  // namespace weir::flow
