#include <weir/async/concurrency_guard.h>
#include <weir/async/text_caller.h>
#include <weir/flow/recover/later.h>

#include <algorithm>

namespace weir::async {
namespace {

std::uint32_t shares_for(const ConcurrencyGuardConfig& config) {
  return config.is_fair() ? flow::TenantShares::shares_for(config.tenants) : 1;
}

flow::WaitingRoomConfig room_config(const ConcurrencyGuardConfig& config) {
  return {.most = config.max_waiting,
          .shares = shares_for(config),
          .longest = config.max_wait,
          .critical = config.max_wait};
}

}  // namespace

ConcurrencyGuard::ConcurrencyGuard(const ConcurrencyGuardConfig& config, const Context& context)
    : config_(config),
      context_(context),
      secret_(secret_of(context)),
      in_flight_(flow::AnyLimit(config.limit, context.rng().next())) {
  if (config_.waits()) room_.emplace(room_config(config_));
  if (config_.waits() && config_.is_fair()) tenants_.emplace(shares_for(config_));
  take_weights();
}

void ConcurrencyGuard::take_weights() {
  weights_.clear();
  for (const auto& [text, weight] : config_.weights) {
    const TextCaller tenant(text);
    weights_[hash_of(config_.tenant, &tenant, secret_)] = weight;
  }
}

void ConcurrencyGuard::reconfigure(const flow::AnyLimitConfig& limit,
                                   const std::vector<std::pair<std::string, std::uint32_t>>& weights) {
  Wakeups wakeups;
  const std::lock_guard lock(mutex_);
  config_.weights = weights;
  take_weights();
  if (limit == config_.limit) return;
  config_.limit = limit;
  in_flight_.limit() = flow::AnyLimit(limit, secret_.low);
  call(context_.now(), wakeups);
}

Bytes ConcurrencyGuard::footprint(const ConcurrencyGuardConfig& config) {
  if (!config.waits()) return Bytes(sizeof(ConcurrencyGuard));
  constexpr std::uint64_t one_waiting = sizeof(Entry) + sizeof(SleepingCoroutine) + 256;  // its coroutine's timer too
  return flow::WaitingRoom::footprint(room_config(config)) + Bytes(sizeof(ConcurrencyGuard)) +
         Bytes(std::uint64_t{16} * shares_for(config)) + Bytes(one_waiting * config.max_waiting);
}

Permit ConcurrencyGuard::permit_for(Shared entry) {
  return Permit([this, entry = std::move(entry)](const Report& report) { settle(*entry, report.outcome); });
}

Admitted<Permit> ConcurrencyGuard::try_start(const Arrival& arrival) {
  Wakeups wakeups;
  const std::lock_guard lock(mutex_);
  const TimePoint now = context_.now();
  if (in_flight_.has_room() && (!room_ || room_->empty())) {
    auto entry = std::make_shared<Entry>();
    entry->place.emplace(in_flight_.start(now));
    entry->state = State::started;
    wanted_ = false;
    return permit_for(std::move(entry));
  }
  if (!room_ || !arrival.waiter) {
    wanted_ = true;
    return std::unexpected(refusal(Reason::concurrency_limited, now));
  }
  auto entered = enter(arrival, now, wakeups);
  if (!entered) return std::unexpected(entered.error());
  Shared entry = std::move(*entered);
  call(now, wakeups);
  if (entry->state == State::refused) return std::unexpected(entry->rejection);
  if (entry->state == State::waiting) {
    entry->sleeper = arrival.waiter->sleeper();
    arrival.waiter->line_up(entry->until, [this, entry] { return look(*entry); });
  }
  return permit_for(std::move(entry));
}

std::pair<std::uint32_t, std::uint32_t> ConcurrencyGuard::share_and_weight(const Arrival& arrival) {
  if (!tenants_) return {0, 1};
  const std::uint64_t key = hash_of(config_.tenant, arrival.caller, secret_);
  const auto weight = weights_.find(key);
  return {tenants_->share_of(key, room_->shares(arrival.priority)), weight == weights_.end() ? 1 : weight->second};
}

/// What comes in groups (a batch that is committed) pauses between them for as long as one takes, and whoever may wait
/// for longer than the pause lasts loses nothing by it: neither is a stall.
TimePoint ConcurrencyGuard::reached_since(TimePoint now) const {
  const Duration pause = std::max(2 * in_flight_.mean_time(), config_.max_wait);
  return now - last_end_ > pause ? in_flight_.reached_since() : never;
}

Admitted<ConcurrencyGuard::Shared> ConcurrencyGuard::enter(const Arrival& arrival, TimePoint now, Wakeups& wakeups) {
  const auto [share, weight] = share_and_weight(arrival);
  auto entry = std::make_shared<Entry>();
  entry->id = next_id_++;
  entry->priority = arrival.priority;
  entry->deadline = arrival.deadline;
  entry->until = std::min(arrival.deadline, flow::later(now, config_.max_wait));
  auto entered = room_->enter(
      {.id = entry->id, .priority = arrival.priority, .share = share, .weight = weight, .deadline = arrival.deadline},
      reached_since(now), now);
  if (!entered) return std::unexpected(refusal(entered.error().reason, now));
  if (entered->pushed_out) push_out(*entered->pushed_out, arrival.priority, now, wakeups);
  entry->in_room = entered->place;
  waiting_.emplace(entry->id, entry);
  return entry;
}

void ConcurrencyGuard::push_out(std::uint64_t id, Priority by, TimePoint now, Wakeups& wakeups) {
  const auto node = waiting_.extract(id);
  Entry& entry = *node.mapped();
  refuse(entry, by > entry.priority ? Reason::priority_shed : Reason::concurrency_limited, now, wakeups);
}

void ConcurrencyGuard::refuse(Entry& entry, Reason reason, TimePoint now, Wakeups& wakeups) {
  entry.state = State::refused;
  entry.rejection = refusal(reason, now);
  if (entry.sleeper) wakeups.add(entry.sleeper);
}

Rejection ConcurrencyGuard::refusal(Reason reason, TimePoint now) {
  if (reason == Reason::deadline_exceeded) return {reason, Duration{0}};
  return {reason, returns_.tell(in_flight_.between_ends(), now)};
}

/// Starts those whose turn it is, as long as there are places.
void ConcurrencyGuard::call(TimePoint now, Wakeups& wakeups) {
  while (room_ && in_flight_.has_room()) {
    const auto called = room_->next(now);
    if (!called) break;
    const auto node = waiting_.extract(called->id);
    Entry& entry = *node.mapped();
    if (called->refused) {
      refuse(entry, *called->refused, now, wakeups);
      continue;
    }
    entry.place.emplace(in_flight_.start(now));
    entry.state = State::started;
    if (entry.sleeper) wakeups.add(entry.sleeper);
  }
  if (room_) in_flight_.left_free();
}

std::optional<Admitted<void>> ConcurrencyGuard::look(Entry& entry) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = context_.now();
  if (entry.state == State::waiting && now < entry.until) return std::nullopt;
  if (entry.state == State::started) return Admitted<void>{};
  if (entry.state == State::waiting) {
    room_->leave(entry.in_room, now);
    waiting_.erase(entry.id);
    entry.state = State::refused;
    entry.rejection = refusal(entry.deadline <= now ? Reason::deadline_exceeded : Reason::concurrency_limited, now);
  }
  return std::unexpected(entry.rejection);
}

void ConcurrencyGuard::settle(Entry& entry, Outcome outcome) {
  Wakeups wakeups;
  const std::lock_guard lock(mutex_);
  const TimePoint now = context_.now();
  if (entry.state == State::waiting) {
    ++left_;
    room_->leave(entry.in_room, now);
    waiting_.erase(entry.id);
  }
  if (entry.state == State::started) end(*entry.place, outcome, now);
  entry.state = State::over;
  call(now, wakeups);
}

void ConcurrencyGuard::end(InFlight::Permit& place, Outcome outcome, TimePoint now) {
  if (!room_) in_flight_.left_free();  // what the last end freed and nobody took
  if (outcome == Outcome::ignored || outcome == Outcome::unused) return place.ignored();
  last_end_ = now;
  if (outcome != Outcome::ok) return place.failed(somebody_waits(), now);
  place.answered(somebody_waits(), now);
  if (room_) room_->answered(now - place.started(), in_flight_.limit().wait_inside(), now);
}

ConcurrencyFacts ConcurrencyGuard::facts() const {
  const std::lock_guard lock(mutex_);
  const auto stats = in_flight_.stats();
  ConcurrencyFacts facts{.limit = stats.limit, .in_flight = stats.in_flight};
  if (!room_) return facts;
  const auto waiting = room_->stats();
  facts.waiting = waiting.waiting;
  facts.waited = waiting.entered;
  facts.left = left_;
  facts.worth_waiting = waiting.budget;
  return facts;
}

}  // namespace weir::async
