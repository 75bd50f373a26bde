#include <weir/flow/queue/codel.h>

#include <cmath>

namespace weir::flow {

bool Codel::stands_above(Duration sojourn, bool backlog_small, TimePoint now) {
  if (sojourn < config_.target || backlog_small) {
    first_above_ = never;
    return false;
  }
  if (first_above_ == never) {
    first_above_ = now + config_.interval;
    return false;
  }
  return now >= first_above_;
}

Duration Codel::step() const {
  return Duration(static_cast<Duration::rep>(static_cast<double>(config_.interval.count()) /
                                             std::sqrt(static_cast<double>(count_))));
}

bool Codel::should_drop(Duration sojourn, bool backlog_small, TimePoint now) {
  if (!stands_above(sojourn, backlog_small, now)) {
    dropping_ = false;
    return false;
  }
  if (dropping_) {
    if (now < next_) return false;
    ++count_;
    next_ += step();
    return true;
  }
  dropping_ = true;
  const std::uint32_t drops_last_time = count_ - last_count_;
  count_ = drops_last_time > 1 && now - next_ < 16 * config_.interval ? drops_last_time : 1;
  last_count_ = count_;
  next_ = now + step();
  return true;
}

}  // namespace weir::flow
