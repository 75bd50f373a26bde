#pragma once
/// The typical response time of a service without contention, as a logarithm of seconds, and how many answers it rests
/// on. It is never trusted for long: weights are bounded, so that a service that changed is learned within some hundred
/// answers.
///
/// Thread: a value; its owner guards it. Cost: a few ns; 16 bytes.
#include <algorithm>
#include <cmath>

namespace weir::flow {

class TimeBaseline {
 public:
  double value() const { return value_; }
  double weight() const { return weight_; }

  /// One answer at light load.
  void light(double log_time) {
    weight_ = std::min(weight_ + 1, most_light);
    value_ += (log_time - value_) / weight_;
  }
  /// The first answers, whatever the load: better than nothing.
  void begin(double typical, int answers) {
    value_ = (weight_ * value_ + answers * typical) / (weight_ + answers);
    weight_ = std::min(weight_ + answers, most_light);
  }
  void mix(double typical, int answers) {
    value_ += answers / (answers + weight_) * (typical - value_);
    weight_ = std::min(weight_ + answers, most_mixed);
  }
  void replace(double typical, double answers) {
    value_ = typical;
    weight_ = answers;
  }
  /// The error of a difference to `value`, for a window with this error and deviation.
  double doubt(double error, double deviation) const { return std::hypot(error, deviation / std::sqrt(weight_)); }

  static constexpr double most_light = 200, most_mixed = 400;

 private:
  double value_ = 0, weight_ = 0;
};

}  // namespace weir::flow
