// What an answer adds to the window, and when the window is over. What follows from it: adaptive_limit_step.cc.
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/adaptive_limit_constants.h>

#include <cmath>

namespace weir::flow {

namespace k = adaptive;

std::optional<Unfit> check(const AdaptiveLimitConfig& config) {
  return first_unfit({check(config.range), check_duration("transit", config.transit, Zero::allowed)});
}

AdaptiveLimit::AdaptiveLimit(const AdaptiveLimitConfig& config)
    : config_(checked(config, "adaptive limit")),
      transit_(seconds(config.transit)),
      limit_(config.range.start),
      knee_(config.range.start),
      ramp_(k::learning_ramp),
      next_dip_(k::unplanned),
      dip_wait_(k::dip_every),
      probe_wait_(k::probe_every) {}

void AdaptiveLimit::reconfigure(const AdaptiveLimitConfig& config) {
  config_ = checked(config, "adaptive limit");
  transit_ = seconds(config.transit);
  const double inside = config_.range.clamp(limit_);
  if (inside == limit_) return;
  limit_ = inside;
  moved_ = LimitMove::none;
  knee_ = std::min(knee_, limit_);
  phase_ = Phase::usual;
  reference_ = {};
  window_.clear();
  to_skip_ = 0;
}

void AdaptiveLimit::answered(const Answer& answer, TimePoint now) {
  if (mostly_failed(answer.end == CallEnd::failed)) {
    phase_ = Phase::usual;
    reference_ = {};
    return move_to(limit_ / 2, LimitMove::failures, now);
  }
  if (answer.end != CallEnd::answered) return;
  const Duration took = std::clamp(answer.time, Duration{0}, longest_duration);
  const double time = std::max(seconds(took), k::least_time);
  if (answer.full)
    not_full_ = 0;
  else if (fell_back_to_used(answer, time, now))
    return;
  if (to_skip_ > 0) {
    --to_skip_;
    return;
  }
  if (answer.full && answer.full_throughout && now - took >= changed_) window_.followed_by(answer.followers);
  if (answer.in_flight < limit()) return;
  window_.add(time, limit_, transit_, now);
  if (window_is_over()) end_of_window(window_.summary(now), now);
}

bool AdaptiveLimit::mostly_failed(bool failed) {
  failures_ += failed;
  if (++ended_ < std::max(16, 2 * static_cast<int>(limit()))) return false;
  const bool mostly = 2 * failures_ > ended_;
  ended_ = failures_ = 0;
  return mostly;
}

/// An answer while the limit is not reached. True: the limit had been raised and was not needed for two turns.
bool AdaptiveLimit::fell_back_to_used(const Answer& answer, double time, TimePoint now) {
  if (answer.in_flight <= std::max(1.0, knee_ / 4)) {
    baseline_.light(std::log(time));
    ++light_;
  }
  peak_ = std::max(peak_, answer.in_flight);
  const bool was_raised = measured_ > 0 && limit_ > measured_ + 0.5;
  if (!was_raised || ++not_full_ < 2 * static_cast<int>(limit())) return false;
  phase_ = Phase::usual;
  move_to(std::max(measured_, std::min(limit_, static_cast<double>(peak_))), LimitMove::unused, now);
  measured_ = limit_;
  return true;
}

bool AdaptiveLimit::window_is_over() const {
  const int turn = static_cast<int>(limit()), longest = std::max(4 * turn, k::long_window);
  const int few = std::max(turn, 8), usual = learning_ ? std::max(turn, k::short_window) : longest;
  if (window_.answers() < (phase_ == Phase::usual ? usual : few) || window_.followed() < few) return false;
  switch (phase_) {
    case Phase::dip: return dip_is_over(turn, longest);
    case Phase::after_large_step: return large_step_is_judged(longest);
    case Phase::usual: break;
  }
  return usual_is_over(longest);
}

bool AdaptiveLimit::dip_is_over(int turn, int longest) const {
  const int n = window_.answers();
  const double error = window_.error();
  return (n >= std::max(turn, k::long_window) || error <= 0.01) && (n >= longest || error <= 0.03) &&
         (n >= 2 * longest || error <= 0.1);
}

/// Either nothing (0) or all (1) of the step shows in the typical time, and not something between.
bool AdaptiveLimit::large_step_is_judged(int longest) const {
  const double step = std::log(before_.limit / limit_);
  const bool no_queue = before_.queue_free && window_.followers() < room_beyond(limit_, wire_of_window());
  const double fell = (before_.typical - (no_queue ? window_.unqueued() : window_.typical())) / step;
  const bool unsure = std::abs(fell - 0.5) < 3 * std::hypot(window_.error(), before_.error) / step;
  return !unsure || window_.answers() >= 2 * longest;
}

bool AdaptiveLimit::usual_is_over(int longest) const {
  const int n = window_.answers();
  const double queue = window_.followers(), room = room_beyond(limit_, wire_of_window());
  const double slower = window_.unqueued() - baseline_.value();
  if (baseline_.weight() > 0 && queue < room && slower > k::rise) {
    const double doubt = baseline_.doubt(window_.error(), window_.deviation());
    return slower >= k::rise + 2 * doubt || n >= (learning_ ? longest : 4 * longest);
  }
  return n >= longest || queue < room / 2 || (queue > 2 * room && learning_);
}

double AdaptiveLimit::wire_of_window() const { return limit_ / window_.mean() * transit_; }

void AdaptiveLimit::move_to(double limit, LimitMove why, TimePoint now) {
  const auto was = this->limit();
  limit_ = config_.range.clamp(limit);
  window_.clear();
  if (this->limit() == was) return;
  moved_ = why;
  changed_ = now;
  not_full_ = 0;
  peak_ = 0;
  to_skip_ = static_cast<int>(this->limit() + this->limit() / 2);
}

LimitFacts AdaptiveLimit::facts() const {
  const double room = throughput_ > 0 ? room_beyond(limit_, throughput_ * transit_) : 0;
  return {limit(), moved_, "queue", followers_, room};
}

Duration AdaptiveLimit::wait_inside() const {
  if (throughput_ <= 0) return Duration{0};
  return from_seconds(std::max(0.0, std::min(followers_, limit_ - knee_) - 1) / throughput_);
}

}  // namespace weir::flow
