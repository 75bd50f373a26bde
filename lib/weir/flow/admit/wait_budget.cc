#include <weir/flow/admit/wait_budget.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

constexpr double least_time = 1e-5;
constexpr double least_wait = 0.02;  // a burst at a service of 50 us a request, or a pause of the machine, needs it
constexpr double least_log = -11, most_log = 2.3;  // 17 us to 10 s

}  // namespace

void WaitBudget::learn(double own) {
  const double log_own = std::log(std::max(own, least_time)), eta = answers_ < 2000 ? 0.05 : 0.01;
  log_q99_ = std::clamp(log_q99_ + (log_own > log_q99_ ? 0.99 : -0.01) * eta, least_log, most_log);
  mean_ = answers_ == 0 ? own : mean_ + 0.005 * (std::min(own, 10 * mean_) - mean_);
  ++answers_;
}

void WaitBudget::answered(Duration own, PerSecond dispatches) {
  learn(std::max(seconds(own), least_time));
  const double q99 = std::exp(log_q99_), most = std::max(0.05, 2.5 * mean_);
  wait_ = std::min(std::max(1.15 * (q99 - 0.4 * mean_), 0.25 * q99), most);
  if (dispatches.value > 0) wait_ = std::max(wait_, std::min(18 / dispatches.value, most));
  wait_ = std::min(std::max(wait_, least_wait), longest_);
}

}  // namespace weir::flow
