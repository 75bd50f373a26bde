#pragma once
/// An exponentially weighted moving average: a sample one `memory` old counts 1/e of a sample taken now.
///
///   value = sum(x_i w_i) / sum(w_i),  w_i = exp(-(now - t_i) / memory)
///
/// The weights depend on time and not on the number of samples, so a busy second does not erase the minute before, and
/// samples of one instant count alike. The first samples need no warm-up: the weights are divided out. `weight(now)` is
/// how many samples the mean still rests on; a caller that needs a minimum compares it with a number of its own.
///
/// Thread: one owner. Cost: one exp() a sample, 32 bytes. A time before the last one counts as the last one.
/// Ref: Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay", ICDE 2009 (exponential case).
#include <weir/base/units.h>

#include <optional>

namespace weir {

class Ewma {
 public:
  /// Throws std::invalid_argument unless `memory` is above 0 and finite (weir/base/checked.h).
  explicit Ewma(Duration memory);

  void add(double sample, TimePoint now) { add(sample, 1.0, now); }
  /// A sample that counts `weight` times, such as a mean of several.
  void add(double sample, double weight, TimePoint now);
  void clear() { sum_ = weight_ = 0; }

  /// Absent until the first sample; does not age without new samples.
  std::optional<double> value() const;
  double value_or(double otherwise) const { return value().value_or(otherwise); }
  double weight(TimePoint now) const;

 private:
  double decay(TimePoint now) const;

  Duration memory_;
  TimePoint last_{};
  double sum_ = 0, weight_ = 0;
};

}  // namespace weir
