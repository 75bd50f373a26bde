#include <weir/base/result.h>
#include <weir/flow/queue/edge_book.h>

#include <algorithm>

namespace weir::flow {
namespace {

std::uint64_t part(std::uint64_t whole, double of) {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(whole) * of));
}
constexpr std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }
double share(std::uint64_t a, std::uint64_t of) {
  return static_cast<double>(a) / static_cast<double>(std::max<std::uint64_t>(of, 1));
}

}  // namespace

EdgeBook::EdgeBook(const EdgeConfig& config, std::uint64_t floor_events)
    : config_(checked(config, "edge")), floor_events_(floor_events), watermarks_(config.pause_at, config.resume_at) {
  size_bound();
}

void EdgeBook::reconfigure(const EdgeConfig& config, std::uint64_t floor_events) {
  config_ = checked(config, "edge");
  floor_events_ = floor_events;
  watermarks_.move(config.pause_at, config.resume_at);
  size_bound();
}

void EdgeBook::size_bound() {
  bound_events_ = std::max<std::uint64_t>(1, config_.bound.events);
  if (const auto rate = service_.rate(); rate && config_.max_wait) {
    const double by_time = std::min(rate->value * seconds(*config_.max_wait), 1e18);
    bound_events_ = std::clamp(static_cast<std::uint64_t>(by_time),
                               std::min(std::max<std::uint64_t>(1, floor_events_), bound_events_), bound_events_);
  }
  watermarks_.update(fill());
}

Load EdgeBook::limit(Priority priority) const {
  if (config_.reserved_for_high <= 0 || priority >= Priority::high) return {bound_events_, config_.bound.bytes};
  const double open = 1 - std::min(config_.reserved_for_high, 1.0);
  return {part(bound_events_, open), Bytes(part(config_.bound.bytes.count(), open))};
}

Load EdgeBook::room_beside(Priority priority, Load beside) const {
  const Load most = limit(priority);
  return {minus(most.events, beside.events), Bytes(minus(most.bytes.count(), beside.bytes.count()))};
}

double EdgeBook::fill() const {
  const Load now = waiting();
  return std::min(1.0,
                  std::max(share(now.events, bound_events_), share(now.bytes.count(), config_.bound.bytes.count())));
}

void EdgeBook::entered(Priority priority, Load load, TimePoint now) {
  // The exception for an event that is larger than any room there will ever be.
  if (load.bytes > config_.bound.bytes) stats_.oversized += load.events;
  by_priority_[static_cast<std::size_t>(priority)] += load;
  stats_.offered += load;
  stats_.pending += load;
  stats_.max_waiting.events = std::max(stats_.max_waiting.events, stats_.pending.events);
  stats_.max_waiting.bytes = std::max(stats_.max_waiting.bytes, stats_.pending.bytes);
  watermarks_.update(fill());
  growth_.update(stats_.pending.events, now);
}

void EdgeBook::left(Priority priority, Load load) {
  WEIR_CHECK(load.fits_in(waiting(priority)));
  by_priority_[static_cast<std::size_t>(priority)] -= load;
  stats_.pending -= load;
  watermarks_.update(fill());
}

void EdgeBook::delivered(Priority priority, Load load, TimePoint now) {
  left(priority, load);
  stats_.delivered += load;
  growth_.update(stats_.pending.events, now);
}

void EdgeBook::dropped_waiting(Priority priority, Load load, Reason reason, TimePoint now) {
  left(priority, load);
  stats_.dropped[static_cast<std::size_t>(reason)] += load.events;
  growth_.update(stats_.pending.events, now);
}

void EdgeBook::dropped_arriving(Load load, Reason reason) {
  stats_.offered += load;
  stats_.dropped[static_cast<std::size_t>(reason)] += load.events;
}

void EdgeBook::drained(Priority priority, Load load) {
  left(priority, load);
  stats_.drained += load;
}

void EdgeBook::served(std::uint64_t events, Duration busy) {
  service_.served(events, busy);
  if (config_.max_wait) size_bound();
}

Pressure EdgeBook::pressure(Duration oldest_age, TimePoint now) const {
  Pressure p;
  p.waiting = waiting();
  p.bound = {bound_events_, config_.bound.bytes};
  p.fill = fill();
  p.growth = growth_.growth(p.waiting.events, now);
  p.oldest_age = oldest_age;
  p.paused = paused();
  for (std::size_t c = 0; c < p.waiting_by_priority.size(); ++c) p.waiting_by_priority[c] = by_priority_[c].events;
  // Where bytes are the tighter bound, they are converted to events in proportion.
  const double events = static_cast<double>(p.waiting.events);
  const double whole = p.fill > 0 ? events / p.fill : static_cast<double>(bound_events_);
  if (p.growth.value > 0) p.time_to_full = from_seconds(std::max(0.0, whole - events) / p.growth.value);
  if (const auto rate = service_.rate()) {
    p.service_rate = *rate;
    p.time_to_low = from_seconds(std::max(0.0, events - config_.resume_at * whole) / rate->value);
  }
  return p;
}

EdgeStats EdgeBook::stats() const {
  EdgeStats stats = stats_;
  stats.pauses = watermarks_.pauses();
  stats.resumes = watermarks_.resumes();
  return stats;
}

}  // namespace weir::flow
