#include "brpc_auto.h"

#include <algorithm>

namespace weir::sim {

using namespace std::chrono_literals;

void BrpcAuto::answered(const flow::Answer& answer, TimePoint now) {
  if (answer.end != flow::CallEnd::answered || now < ignored_until_) return;
  if (measuring_) {
    measuring_ = false;
    least_ = 0;
    window_began_ = never;
    next_measure_ = now + until_measured();
  }
  if (window_began_ == never) {
    window_began_ = now;
    answers_ = 0;
    sum_ = 0;
    if (next_measure_ == never) next_measure_ = now + until_measured();
  }
  ++answers_;
  sum_ += seconds(answer.time);
  const Duration span = now - window_began_;
  if (span < 1s && answers_ < 200) return;
  window_began_ = never;
  if (answers_ < 100) return;
  average_ = std::max(sum_ / answers_, 1e-9);
  end_window(answers_ / std::max(seconds(span), 1e-9), now);
}

void BrpcAuto::end_window(double qps, TimePoint now) {
  if (least_ == 0)
    least_ = average_;
  else if (average_ < least_)
    least_ = 0.1 * average_ + 0.9 * least_;
  most_qps_ = qps >= most_qps_ ? qps : 0.01 * qps + 0.99 * most_qps_;
  if (now >= next_measure_) {
    move_to(0.9 * most_qps_ * least_);
    measuring_ = true;
    ignored_until_ = now + from_seconds(2 * average_);
    return;
  }
  const bool room = average_ <= least_ * 1.06 || qps <= most_qps_ / 1.06;
  explore_ = room ? std::min(0.3, explore_ + 0.02) : std::max(0.06, explore_ - 0.02);
  move_to(least_ * most_qps_ * (1 + explore_));
}

void BrpcAuto::move_to(double limit) {
  const double to = std::clamp(limit, 4.0, 10'000.0);
  if (to != limit_) moved_ = to > limit_ ? flow::LimitMove::room : flow::LimitMove::contention;
  limit_ = to;
}

}  // namespace weir::sim
