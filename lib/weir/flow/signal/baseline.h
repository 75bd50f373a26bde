#pragma once
/// What is normal for a value that is looked at again and again (a queue's depth), so that "5 times normal" means
/// something. A day's rhythm must not look like an incident, and an incident must not become normal.
///
///   at first      the mean of the first minute; until then nothing is normal
///   value <= 3 x normal, above it    normal += (value - normal) x (1 - exp(-dt / 10 min))
///   value below normal               normal += (value - normal) x (1 - exp(-dt / 12 h))
///   value > 3 x normal               normal x= exp(0.1 x dt / 1 h): 10 % an hour, however high the value is
///
/// So a night without load lowers it by half, an hour of four times as much raises it by a tenth, and a load that stays
/// five times as high is normal after five hours. Never below `least`: five times nothing is nothing.
///
/// Thread: one owner. Cost: an exponential a look; 32 bytes. Units: those of the value.
#include <weir/base/units.h>

namespace weir::flow {

class Baseline {
 public:
  explicit Baseline(double least) : least_(least) {}

  /// `dt`: since the look before; what is longer than a minute counts as a minute.
  void look(double value, Duration dt);
  /// Whether enough was seen to call anything normal.
  bool known() const { return seen_ >= learning; }
  double normal() const { return normal_ > least_ ? normal_ : least_; }

  static constexpr Duration learning = std::chrono::seconds(60);
  static constexpr double unusual = 3;

 private:
  double least_;
  double normal_ = 0;
  Duration seen_{0};
};

}  // namespace weir::flow
