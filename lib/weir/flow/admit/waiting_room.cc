#include <weir/flow/admit/waiting_room.h>

#include <algorithm>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr double at_the_head_part = 1.2;  // of W
constexpr double handicap = 0.1;          // of W for each priority below high
constexpr Duration look = 5ms;            // how often `expired` is asked
constexpr std::uint32_t always_in = 2;

/// What part of W may be expected at the door, from batch to high.
constexpr std::array<double, 4> door_part{0.8, 0.9, 0.95, 1.0};

constexpr std::array by_importance{Priority::high, Priority::normal, Priority::low, Priority::batch};

}  // namespace

std::optional<Unfit> check(const WaitingRoomConfig& config) {
  if (config.most == 0 || config.most > 1'000'000) return Unfit{"most", "is not from 1 to 1000000"};
  if (config.shares == 0 || config.shares > FairShares::most_shares) return Unfit{"shares", "is not from 1 to 65536"};
  return first_unfit({check_duration("longest", config.longest), check_duration("critical", config.critical)});
}

WaitingRoom::WaitingRoom(const WaitingRoomConfig& config)
    : config_(checked(config, "waiting room")),
      budget_(config.longest),
      waiters_(config.most),
      lines_(priority_count * config.shares),
      order_{FairShares(config.shares), FairShares(config.shares), FairShares(config.shares), FairShares(config.shares),
             FairShares(1)} {
  for (std::uint32_t slot = config_.most; slot-- > 0;) {
    waiters_[slot].behind = free_;
    free_ = slot;
  }
}

Bytes WaitingRoom::footprint(const WaitingRoomConfig& config) {
  constexpr std::uint64_t share = priority_count * sizeof(Lines) + (priority_count - 1) * 25;
  return Bytes(sizeof(WaitingRoom) + config.most * sizeof(Waiter) + config.shares * share);
}

Duration WaitingRoom::at_the_head(Priority priority) const {
  const Duration allowed = from_seconds(at_the_head_part * seconds(budget_.wait()));
  return priority == Priority::critical ? std::max(allowed, config_.critical) : allowed;
}

double WaitingRoom::expected_wait(Priority priority) const {
  const bool is_critical = priority == Priority::critical;
  const double rate = (is_critical ? rate_.of_all() : rate_.of_others()).value;
  const std::uint32_t ahead = is_critical ? critical().waiting() : others_;
  return rate > 0 ? (ahead + 1) / rate : 0;
}

bool WaitingRoom::fits(Priority priority) const {
  if (priority == Priority::critical) return expected_wait(priority) <= seconds(at_the_head(priority));
  if (others_ < always_in) return true;
  return expected_wait(priority) <= door_part[static_cast<std::size_t>(priority)] * seconds(budget_.wait());
}

bool WaitingRoom::stalled(TimePoint reached_since, TimePoint now) const {
  if (reached_since == never) return false;
  const double rate = rate_.of_all().value;
  const Duration patience =
      std::max({budget_.wait(), Duration{20ms}, rate > 0 ? from_seconds(8 / rate) : Duration{1s}});
  return now - std::max(reached_since, last_answer_) > patience;
}

/// Whose place an arrival takes for which there is no room.
std::optional<std::uint32_t> WaitingRoom::to_push_out(const Arrival& arrival) {
  for (const Priority priority : {Priority::batch, Priority::low, Priority::normal, Priority::high}) {
    if (priority >= arrival.priority) break;
    if (const auto share = of(priority).longest()) return lines(priority, *share).last();
  }
  if (const auto own = lines(arrival.priority, arrival.share).others.last; arrival.returns && own != none) return own;
  const FairShares& own = of(arrival.priority);
  const auto longest = own.longest();
  if (arrival.priority == Priority::critical || !longest || *longest == arrival.share) return std::nullopt;
  if (own.waiting(*longest) <= own.waiting(arrival.share) + 1) return std::nullopt;
  return lines(arrival.priority, *longest).last();
}

Admitted<WaitingRoom::Entered> WaitingRoom::enter(Arrival arrival, TimePoint reached_since, TimePoint now) {
  changed(now);
  const bool is_critical = arrival.priority == Priority::critical;
  arrival.share = is_critical ? 0 : arrival.share % config_.shares;
  const auto refused = [this](Reason reason, Duration retry_after) {
    ++counts_.refused;
    return rejected(reason, retry_after);
  };
  if (arrival.deadline <= now) return refused(Reason::deadline_exceeded, Duration{0});
  if (!is_critical && stalled(reached_since, now)) return refused(Reason::destination_stalled, budget_.wait());
  const bool no_slot = free_ == none;
  Entered entered;
  if (no_slot || !fits(arrival.priority)) {
    const auto out = is_critical && !no_slot ? std::nullopt : to_push_out(arrival);
    if (!out) return refused(Reason::concurrency_limited, from_seconds(expected_wait(arrival.priority)));
    entered.pushed_out = waiters_[*out].id;
    of(waiters_[*out].priority).left(waiters_[*out].share, waiters_[*out].weight);
    unlink(*out);
    ++counts_.pushed_out;
  }
  entered.place = take_slot(arrival, now);
  ++counts_.entered;
  changed(now);
  return entered;
}

WaitingRoom::Handle WaitingRoom::take_slot(const Arrival& arrival, TimePoint now) {
  const std::uint32_t slot = free_;
  Waiter& waiter = waiters_[slot];
  free_ = waiter.behind;
  waiter = {arrival.id,       now,  arrival.deadline, none, none, arrival.share, arrival.weight, waiter.generation,
            arrival.priority, true, arrival.returns};
  Line& line = this->line(waiter);
  waiter.before = line.last;
  (line.last == none ? line.first : waiters_[line.last].behind) = slot;
  line.last = slot;
  of(waiter.priority).joined(waiter.share, waiter.weight);
  others_ += waiter.priority != Priority::critical;
  soonest_deadline_ = std::min(soonest_deadline_, waiter.deadline);
  return {slot, waiter.generation};
}

/// Out of its line and free again; its turn is the caller's to settle.
void WaitingRoom::unlink(std::uint32_t slot) {
  Waiter& waiter = waiters_[slot];
  Line& line = this->line(waiter);
  (waiter.before == none ? line.first : waiters_[waiter.before].behind) = waiter.behind;
  (waiter.behind == none ? line.last : waiters_[waiter.behind].before) = waiter.before;
  others_ -= waiter.priority != Priority::critical;
  waiter.waits = false;
  ++waiter.generation;
  waiter.behind = free_;
  free_ = slot;
}

/// Whose turn it is; `none`: nobody waits.
std::uint32_t WaitingRoom::called_next() {
  if (critical().waiting() > 0) return lines(Priority::critical, 0).first();
  const Duration step = from_seconds(handicap * seconds(budget_.wait()));
  std::uint32_t best = none;
  TimePoint least{};
  for (const Priority priority : by_importance) {
    const auto share = of(priority).next();
    if (!share) continue;
    const std::uint32_t slot = lines(priority, *share).first();
    const int below = static_cast<int>(Priority::high) - static_cast<int>(priority);
    const TimePoint key = waiters_[slot].since + below * step;
    if (best != none && key >= least) continue;
    best = slot;
    least = key;
  }
  return best;
}

std::optional<Reason> WaitingRoom::overdue(const Waiter& waiter, Duration allowed, TimePoint now) const {
  if (waiter.deadline <= now) return Reason::deadline_exceeded;
  if (now - waiter.since > allowed) return Reason::concurrency_limited;
  return std::nullopt;
}

WaitingRoom::Called WaitingRoom::refuse(std::uint32_t slot, Reason reason, TimePoint now) {
  const Waiter& waiter = waiters_[slot];
  const Called called{waiter.id, now - waiter.since, reason};
  of(waiter.priority).left(waiter.share, waiter.weight);
  unlink(slot);
  ++counts_.expired;
  changed(now);
  return called;
}

std::optional<WaitingRoom::Called> WaitingRoom::next(TimePoint now) {
  changed(now);
  const std::uint32_t slot = called_next();
  if (slot == none) return std::nullopt;
  const Waiter& waiter = waiters_[slot];
  if (const auto reason = overdue(waiter, at_the_head(waiter.priority), now)) return refuse(slot, *reason, now);
  const Called called{waiter.id, now - waiter.since, std::nullopt};
  of(waiter.priority).served(waiter.share, waiter.weight);
  rate_.dispatched(waiter.priority == Priority::critical);
  unlink(slot);
  ++counts_.started;
  changed(now);
  return called;
}

std::optional<WaitingRoom::Called> WaitingRoom::expired(TimePoint now) {
  changed(now);
  if (auto called = expired_head(now)) return called;
  return expired_within(now);
}

/// Critical ones up to one look early, so that nobody is kept for longer than `critical` in vain.
std::optional<WaitingRoom::Called> WaitingRoom::expired_head(TimePoint now) {
  for (int p = priority_count - 1; p >= 0; --p) {
    const auto priority = static_cast<Priority>(p);
    const Duration allowed = at_the_head(priority) - (priority == Priority::critical ? look : Duration{0});
    std::optional<Reason> reason;
    std::uint32_t slot = none;
    const auto is_overdue = [&](std::uint32_t first) {
      if (first != none) reason = overdue(waiters_[first], allowed, now);
      if (reason) slot = first;
      return reason.has_value();
    };
    if (of(priority).find([&](std::uint32_t share) {
          const Lines& both = lines(priority, share);
          return is_overdue(both.returned.first) || is_overdue(both.others.first);
        }))
      return refuse(slot, *reason, now);
  }
  return std::nullopt;
}

std::optional<WaitingRoom::Called> WaitingRoom::expired_within(TimePoint now) {
  if (now < soonest_deadline_) return std::nullopt;
  soonest_deadline_ = never;
  for (std::uint32_t slot = 0; slot < config_.most; ++slot) {
    const Waiter& waiter = waiters_[slot];
    if (!waiter.waits) continue;
    soonest_deadline_ = std::min(soonest_deadline_, waiter.deadline);
    if (waiter.deadline <= now) return refuse(slot, Reason::deadline_exceeded, now);
  }
  return std::nullopt;
}

bool WaitingRoom::leave(Handle place, TimePoint now) {
  if (place.slot >= config_.most) return false;
  const Waiter& waiter = waiters_[place.slot];
  if (!waiter.waits || waiter.generation != place.generation) return false;
  changed(now);
  of(waiter.priority).left(waiter.share, waiter.weight);
  unlink(place.slot);
  ++counts_.left;
  changed(now);
  return true;
}

void WaitingRoom::answered(Duration time, Duration inside, TimePoint now) {
  last_answer_ = now;
  budget_.answered(std::max(time - inside, time / 10), rate_.of_all());
}

WaitingRoom::Stats WaitingRoom::stats() const {
  Stats stats = counts_;
  stats.waiting = waiting();
  stats.budget = budget_.wait();
  stats.dispatches = rate_.of_all();
  return stats;
}

}  // namespace weir::flow
