#pragma once
/// How many a second leave a room while somebody waits in it: what the service can take, since a room that is empty
/// says only how many came.
///
///   measured over 50 ms and 16 dispatches, or 10 ms and 200, of time in which somebody waits; half old, half new
///
/// Kept twice: for all, and without the critical ones, which are served first and leave the others only the rest.
///
/// Thread: a value; its owner guards it. Cost: a few ns; 64 bytes.
#include <weir/base/units.h>

#include <algorithm>
#include <cstdint>

namespace weir::flow {

class DispatchRate {
 public:
  /// From now on somebody waits, or nobody does.
  void waiting(bool somebody, TimePoint now) {
    if (waiting_) busy_ += std::max(now - since_, Duration{0});
    since_ = now;
    waiting_ = somebody;
    measure();
  }
  void dispatched(bool critical) {
    if (!waiting_) return;
    ++all_;
    others_ += !critical;
  }
  /// 0: not known yet.
  PerSecond of_all() const { return rate_of_all_; }
  PerSecond of_others() const { return rate_of_others_; }

 private:
  void measure() {
    using std::chrono::milliseconds;
    const bool enough = (busy_ >= milliseconds(50) && others_ >= 16) || (busy_ >= milliseconds(10) && others_ >= 200);
    if (!enough) return;
    blend(rate_of_all_, all_);
    blend(rate_of_others_, others_);
    all_ = others_ = 0;
    busy_ = Duration{0};
  }
  void blend(PerSecond& rate, std::uint64_t count) const {
    const double seen = static_cast<double>(count) / seconds(busy_);
    rate.value = rate.value > 0 ? 0.5 * rate.value + 0.5 * seen : seen;
  }

  bool waiting_ = false;
  TimePoint since_{};
  Duration busy_{0};
  std::uint64_t all_ = 0, others_ = 0;
  PerSecond rate_of_all_, rate_of_others_;
};

}  // namespace weir::flow
