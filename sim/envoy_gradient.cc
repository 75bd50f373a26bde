#include "envoy_gradient.h"

#include <algorithm>
#include <cmath>

namespace weir::sim {

Duration EnvoyGradient::jittered(Duration interval, double share, std::uint64_t drawn) {
  using std::chrono::milliseconds;
  const auto range = std::chrono::duration_cast<milliseconds>(interval * share).count();
  return interval + milliseconds(range > 0 ? static_cast<std::int64_t>(drawn % static_cast<std::uint64_t>(range)) : 0);
}

Duration EnvoyGradient::take_median() {
  const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2);
  std::ranges::nth_element(times_, middle);
  last_ = *middle;
  times_.clear();
  return last_;
}

void EnvoyGradient::answered(const flow::Answer& answer, TimePoint now) {
  if (answer.end != flow::CallEnd::answered || now - answer.time < since_) return;
  times_.push_back(std::max(answer.time, Duration{1}));
  if (probing_) {
    if (times_.size() >= config_.probe_answers) end_probe(now);
  } else if (now >= window_ends_) {
    end_window(now);
  }
}

void EnvoyGradient::probe(TimePoint now) {
  before_probe_ = at_least_ >= 5 ? config_.least : limit_;
  at_least_ = 0;
  limit_ = config_.least;
  moved_ = flow::LimitMove::dip;
  probing_ = true;
  since_ = now;
  times_.clear();
}

void EnvoyGradient::end_probe(TimePoint now) {
  min_ = take_median();
  probing_ = false;
  if (before_probe_ > 0) limit_ = before_probe_;
  moved_ = flow::LimitMove::baseline;
  next_probe_ = now + jittered(config_.probe_every, config_.jitter, rng_.next());
  window_ends_ = now + config_.window;
  since_ = now;
}

void EnvoyGradient::end_window(TimePoint now) {
  window_ends_ = now + config_.window;
  if (times_.size() >= config_.window_answers) {
    const double gradient = std::clamp(tolerated() / seconds(take_median()), 0.5, 2.0), to = gradient * limit_;
    const auto was = limit_;
    limit_ = std::clamp(static_cast<std::uint32_t>(to + std::sqrt(to)), config_.least, config_.most);
    if (limit_ != was) moved_ = limit_ > was ? flow::LimitMove::room : flow::LimitMove::contention;
    at_least_ = limit_ <= config_.least ? at_least_ + 1 : 0;
  }
  times_.clear();
  if (now >= next_probe_ || at_least_ >= 5) probe(now);
}

}  // namespace weir::sim
