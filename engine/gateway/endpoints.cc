#include "gateway/endpoints.h"

#include <algorithm>

namespace weir::gateway {

bool Endpoints::may_take(std::size_t endpoint, TimePoint now) const {
  return !is_left_alone(endpoint, now) && !all_[endpoint].unwell &&
         !(all_[endpoint].trial && all_[endpoint].in_flight > 0);
}

double Endpoints::load(std::size_t endpoint, TimePoint now) const {
  const State& state = all_[endpoint];
  const double level = now < state.level_until ? state.level : 0;
  return (state.in_flight + 1) / (1 - std::min(level, 0.9));
}

void Endpoints::reported(std::size_t endpoint, double level, TimePoint now) {
  all_[endpoint].level = std::clamp(level, 0.0, 1.0);
  all_[endpoint].level_until = now + level_holds;
}

void Endpoints::proved(std::size_t endpoint) {
  all_[endpoint].failures = all_[endpoint].outruns = 0;
  all_[endpoint].trial = false;
}

bool Endpoints::has_other(std::size_t than, TimePoint now) const {
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (i != than && may_take(i, now)) return true;
  return false;
}

std::size_t Endpoints::choose(TimePoint now, std::size_t avoid) {
  std::size_t best = all_.size();
  bool best_may = false;
  double best_load = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const std::size_t at = (turn_ + i) % all_.size();
    const bool may = may_take(at, now) && at != avoid;
    const double here = load(at, now);
    if (best < all_.size() && (may < best_may || (may == best_may && here >= best_load))) continue;
    best = at;
    best_load = here;
    best_may = may;
  }
  turn_ = (best + 1) % all_.size();
  ++all_[best].in_flight;
  return best;
}

void Endpoints::done(std::size_t endpoint, End end, TimePoint now) {
  State& state = all_[endpoint];
  --state.in_flight;
  if (end == End::ignored) return;
  if (end == End::answered) {
    state.failures = state.outruns = 0;
    state.trial = false;
    state.ejection = Duration{0};
    return;
  }
  ++(end == End::failed ? state.failures : state.outruns);
  const bool enough = state.failures >= failures_to_eject || state.outruns >= outruns_to_eject;
  if (enough && !is_left_alone(endpoint, now)) eject(state, now);
}

std::optional<Duration> Endpoints::median_of_others(std::size_t than, TimePoint now) const {
  std::vector<Duration> means;
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (i != than && all_[i].answers == answers_to_judge && !is_left_alone(i, now)) means.push_back(all_[i].mean);
  if (means.empty()) return std::nullopt;
  const auto middle = means.begin() + static_cast<std::ptrdiff_t>(means.size() / 2);
  std::ranges::nth_element(means, middle);
  return *middle;
}

void Endpoints::took(std::size_t endpoint, Duration time, TimePoint now) {
  if (all_.size() < 2 || is_left_alone(endpoint, now)) return;  // those of before tell nothing of what comes back
  State& state = all_[endpoint];
  state.answers = std::min(state.answers + 1, answers_to_judge);
  state.mean += (std::min(time, 2 * state.mean + slower_by) - state.mean) / state.answers;
  if (state.answers < answers_to_judge) return;
  const auto usual = median_of_others(endpoint, now);
  if (!usual || state.mean < std::max(from_seconds(slower * seconds(*usual)), *usual + slower_by)) return;
  eject(state, now);
  state.answers = 0;
  state.mean = Duration{0};
}

bool Endpoints::may_leave_alone(TimePoint now) const {
  const auto alone = std::ranges::count_if(all_, [&](const State& s) { return s.left_alone_until > now; });
  return static_cast<std::size_t>(alone + 1) * 2 <= all_.size();
}

void Endpoints::refused(std::size_t endpoint, Duration retry_after, TimePoint now) {
  if (is_left_alone(endpoint, now) || !may_leave_alone(now)) return;
  all_[endpoint].left_alone_until = now + std::clamp(retry_after, Duration{0}, longest_refusal);
}

void Endpoints::eject(State& state, TimePoint now) {
  if (!may_leave_alone(now)) return;
  state.ejection = std::clamp<Duration>(state.ejection * 2, first_ejection, longest_ejection);
  state.left_alone_until = now + state.ejection;
  state.trial = true;
  ++state.ejections;
}

}  // namespace weir::gateway
