// The end of a window: the baseline, the knee, the next limit.
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/adaptive_limit_constants.h>

#include <cmath>
#include <utility>

namespace weir::flow {

namespace k = adaptive;

void AdaptiveLimit::end_of_window(const AnswerSummary& seen, TimePoint now) {
  throughput_ = limit_ / seen.mean;
  followers_ = seen.followers;
  measured_ = limit_;
  if (baseline_.weight() < 16) baseline_.begin(seen.typical, seen.answers);
  const double wire = throughput_ * transit_;
  const Reading reading{seen, wire, room_beyond(limit_, wire), baseline_.doubt(seen.error, seen.deviation)};
  if (std::exchange(phase_, Phase::usual) == Phase::dip) return after_dip(reading, now);
  if (refuted(reading)) return take_back(reading, now);
  if (seen.typical < baseline_.value() - 2 * reading.doubt) baseline_.mix(seen.typical, seen.answers);
  const Knee knee = find_knee(reading, now);
  if (wants_dip(reading, knee, now)) return dip(reading, now);
  advance(reading, knee, now);
}

AdaptiveLimit::Level AdaptiveLimit::level(const Reading& r) const {
  const bool queue_free = r.seen.followers < r.room;
  return {limit_, queue_free ? r.seen.unqueued : r.seen.typical, r.seen.error, r.seen.mean, queue_free};
}

void AdaptiveLimit::plan_dip(TimePoint now) { next_dip_ = now + dip_wait_; }

/// Below the knee: the baseline anew. A dip that is still contended must not raise it.
void AdaptiveLimit::after_dip(const Reading& r, TimePoint now) {
  const double seen = r.seen.typical, was = baseline_.value();
  const double fell = (before_.typical - seen) / std::log(before_.limit / limit_);
  const bool contended = seen > was && fell > 0.75, same = std::abs(seen - was) < 2 * r.doubt;
  if (!contended && same) baseline_.mix(seen, r.seen.answers);
  if (!contended && !same) {
    baseline_.replace(seen, r.seen.answers);
    if (std::abs(seen - was) > k::rise) dip_wait_ = k::dip_every;
  }
  slower_ = 0;
  plan_dip(now);
  knee_ = std::clamp(before_.limit * std::exp(baseline_.value() - before_.typical), limit_, before_.limit) - r.wire;
  const double sharing = before_.queue_free ? k::sharing_room * knee_ : 0;
  move_to(std::min(std::max(knee_, limit_ - r.room) + r.room + sharing, before_.limit), LimitMove::baseline, now);
}

/// The limit went down since the reference: did the typical time? If not, nothing was contended, and the baseline that
/// holds the limit is of a service that was faster.
bool AdaptiveLimit::refuted(const Reading& r) {
  if (reference_.limit > 0 && (limit_ > 0.999 * reference_.limit || ++reference_age_ > k::reference_windows))
    reference_ = {};
  if (reference_.limit == 0) {
    reference_ = level(r);
    reference_age_ = 0;
    return false;
  }
  const bool no_queue = r.seen.followers < r.room;
  const double step = std::log(reference_.limit / limit_);
  const double present = reference_.queue_free && no_queue ? r.seen.unqueued : r.seen.typical;
  const double fell = (reference_.typical - present) / step;
  const double error = std::hypot(r.seen.error, reference_.error) / step;
  const double slots = limit_ * std::exp(baseline_.value() - r.seen.typical + r.doubt) - r.wire;
  const bool held_by_baseline =
      no_queue ? slower_than_baseline(r) > k::rise : std::max(slots, r.room) > limit_ - r.seen.followers;
  const bool mean_stayed = std::log(reference_.mean / r.seen.mean) < 0.5 * step;
  return step > (r.seen.error < 0.02 ? 0.05 : 0.2) && fell < 0.5 && fell + 3 * error < 1 && held_by_baseline &&
         mean_stayed;
}

void AdaptiveLimit::take_back(const Reading& r, TimePoint now) {
  const Level was = std::exchange(reference_, Level{});
  const bool no_queue = was.queue_free && r.seen.followers < r.room;
  baseline_.replace(no_queue ? r.seen.unqueued : r.seen.typical,
                    std::min<double>(r.seen.answers, TimeBaseline::most_light));
  knee_ = std::clamp(was.limit * std::exp(baseline_.value() - was.typical), limit_, was.limit) - r.wire;
  move_to(std::min(std::max(knee_ + r.room, limit_), was.limit), LimitMove::baseline, now);
  dip_wait_ = k::dip_every;
  plan_dip(now);
}

AdaptiveLimit::Knee AdaptiveLimit::find_knee(const Reading& r, TimePoint now) {
  judge_probe(r.seen.followers, now);
  const double queue = r.seen.followers, slower = slower_than_baseline(r);
  if (queue >= r.room) return knee_of_queue(r, now);
  if (queue <= r.room / 2 && slower > k::rise + 2 * r.doubt + (learning_ ? 0.2 : 0)) {  // the service shares itself
    knee_ = std::max(1.0, limit_ * std::exp(-slower) - r.wire);
    learning_ = false;
    return {.by_baseline = true, .room = r.room + k::sharing_room * knee_};
  }
  knee_ = limit_ - queue;
  const bool as_fast = all_slots(r) > limit_ - r.room / 3 && (learning_ || knee_ < k::broad * limit_);
  return {.uncontended = queue <= r.room / 2 || as_fast, .room = r.room};
}

/// Requests wait: the larger of the two bounds, unless others overtake and the followers can be believed alone.
AdaptiveLimit::Knee AdaptiveLimit::knee_of_queue(const Reading& r, TimePoint now) {
  Knee knee{.room = r.room};
  const double by_followers = limit_ - r.seen.followers;
  const double with_wire = all_slots(r), by_time = with_wire - r.wire;
  const bool overtaking = !learning_ && by_followers > k::broad * limit_;
  if (overtaking && (now < next_probe_ || with_wire < limit_ - r.room / 3)) {
    knee_ = by_followers;
  } else {
    knee_ = std::max(by_followers, by_time);
    knee.by_baseline = !overtaking && by_time > by_followers + r.room;
    knee.uncontended = with_wire > limit_ - r.room / 3;
    if (overtaking && knee.uncontended) {
      probing_ = true;
      probe_limit_ = limit_;
      probe_followers_ = r.seen.followers;
    }
  }
  if (r.seen.followers > r.room) learning_ = learning_ && knee.uncontended;
  return knee;
}

/// L exp(B - l), one error high on purpose; what is on the wire is counted in.
double AdaptiveLimit::all_slots(const Reading& r) const {
  return limit_ * std::exp(std::min(0.0, baseline_.value() - r.seen.typical + r.doubt));
}

void AdaptiveLimit::judge_probe(double followers, TimePoint now) {
  if (!std::exchange(probing_, false)) return;
  const bool queued_more = followers - probe_followers_ > 0.5 * (limit_ - probe_limit_);
  probe_wait_ = queued_more ? std::min(2 * probe_wait_, k::probe_longest) : k::probe_every;
  next_probe_ = queued_more ? now + probe_wait_ : now;
}

/// The baseline decides, and no answers at light load have renewed it.
bool AdaptiveLimit::wants_dip(const Reading& r, const Knee& knee, TimePoint now) {
  slower_ += 0.25 * (slower_than_baseline(r) - slower_);
  if (next_dip_ == k::unplanned && !learning_) next_dip_ = now + k::dip_every;
  const bool due = now >= next_dip_;
  const bool by_baseline = knee.by_baseline || (r.seen.followers <= r.room / 2 && slower_ > 0.15);
  if (by_baseline && !learning_ && due && light_ < k::light_enough) return true;
  if (due) light_ = 0;
  return false;
}

void AdaptiveLimit::dip(const Reading& r, TimePoint now) {
  dip_wait_ = std::max(std::min(2 * dip_wait_, k::dip_longest), k::dip_windows * r.seen.span);
  light_ = 0;
  phase_ = Phase::dip;
  before_ = level(r);
  const bool no_queue = r.seen.followers <= r.room / 2;
  const double shared = no_queue ? limit_ * std::exp(-std::max(0.0, slower_than_baseline(r))) : limit_;
  move_to(k::dip * std::min({limit_, knee_, shared}), LimitMove::dip, now);
}

void AdaptiveLimit::advance(const Reading& r, const Knee& knee, TimePoint now) {
  if (knee.uncontended && learning_ && std::abs(r.seen.typical - baseline_.value()) < 1.5 * r.doubt)
    baseline_.mix(r.seen.typical, r.seen.answers);
  uncontended_in_a_row_ = knee.uncontended ? uncontended_in_a_row_ + 1 : 0;
  if (uncontended_in_a_row_ >= 3 && slower_than_baseline(r) < 0.1) learning_ = true;
  double to = knee_ + knee.room;
  if (knee.uncontended)
    to = std::max(to, grown(r, knee));
  else
    ramp_ = k::first_ramp;
  to = std::clamp(to, limit_ / 2, 2 * limit_);
  if (to < limit_ && std::log(limit_ / to) > k::large_step) {
    phase_ = Phase::after_large_step;
    before_ = level(r);
  }
  const bool up = to > limit_;
  move_to(std::abs(to - limit_) < k::least_move ? limit_ : to, up ? LimitMove::room : LimitMove::contention, now);
}

/// No contention was seen: up, and faster each time. Where a rise of the typical time is not yet sure, not beyond what
/// that would allow.
double AdaptiveLimit::grown(const Reading& r, const Knee& knee) {
  if (probing_) ramp_ = k::probe;
  const double most = limit_ * ramp_, slower = slower_than_baseline(r);
  ramp_ = learning_ ? k::learning_ramp : std::min(k::learning_ramp, ramp_ * k::first_ramp);
  if (r.seen.followers >= knee.room || slower <= 0.1 || learning_) return most;
  return std::clamp(limit_ * std::exp(-slower) * 1.15 - r.wire + knee.room, limit_, most);
}

}  // namespace weir::flow
