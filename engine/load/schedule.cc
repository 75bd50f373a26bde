#include "load/schedule.h"

#include <algorithm>

namespace weir::load {

std::string_view request_of(const Variant& variant, std::uint64_t call, std::string& into) {
  const Ids& ids = variant.ids;
  if (ids.count == 0) return variant.request;
  into = variant.request;
  for (std::size_t i = 0; i < ids.count; ++i) {
    std::uint64_t id = call * ids.count + i;
    for (std::size_t digit = Ids::digits; digit > 0; --digit, id /= 10)
      into[ids.first + i * ids.step + digit - 1] = static_cast<char>('0' + id % 10);
  }
  return into;
}

Schedule::Schedule(std::vector<Stream> streams, Duration length, std::uint64_t most_calls, std::uint64_t seed)
    : streams_(std::move(streams)), length_(length), most_calls_(most_calls), rng_(seed), in_order_(streams_.size()) {
  for (const Stream& s : streams_) arrivals_.emplace_back(s.phases, length, rng_.next(), s.arrivals);
}

void Schedule::begin(TimePoint now) {
  began_ = now;
  for (std::uint32_t s = 0; s < streams_.size(); ++s) plan(s);
}

void Schedule::stop() {
  stopped_ = true;
  due_ = {};
}

std::uint32_t Schedule::draw_variant(const Stream& stream) {
  if (stream.variants.size() == 1) return 0;
  double total = 0;
  for (const Variant& v : stream.variants) total += v.weight;
  double drawn = rng_.uniform() * total;
  std::uint32_t i = 0;
  for (; i + 1 < stream.variants.size() && drawn >= stream.variants[i].weight; ++i) drawn -= stream.variants[i].weight;
  return i;
}

void Schedule::plan(std::uint32_t stream) {
  const auto at = arrivals_[stream].next();
  if (!at) return;
  if (calls_ == most_calls_) {
    ran_out_ = true;
    return;
  }
  Attempt attempt{.call = calls_++, .stream = stream, .variant = draw_variant(streams_[stream])};
  attempt.due = attempt.first_due = began_ + *at;
  due_.push({attempt});
}

std::optional<std::uint32_t> Schedule::start(TimePoint now) {
  if (due_.empty() || due_.top().attempt.due > now) return std::nullopt;
  Attempt attempt = due_.top().attempt;
  due_.pop();
  if (attempt.number == 1) plan(attempt.stream);
  const Stream& stream = streams_[attempt.stream];
  attempt.lag = now - attempt.due;
  attempt.until = attempt.due + stream.persistence.patience(stream.deadline);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto id = free_.back();
  free_.pop_back();
  Slot& slot = slots_[id];
  slot = {attempt, slot.serial + 1, true};
  in_order_[attempt.stream].push_back({id, slot.serial});
  ++under_way_;
  return id;
}

const Schedule::Slot* Schedule::first(std::uint32_t stream) {
  auto& line = in_order_[stream];
  for (; !line.empty(); line.pop_front()) {
    const Slot& slot = slots_[line.front().id];
    if (slot.live && slot.serial == line.front().serial) return &slot;
  }
  return nullptr;
}

std::optional<std::uint32_t> Schedule::expired(TimePoint now) {
  for (std::uint32_t s = 0; s < streams_.size(); ++s)
    if (const Slot* slot = first(s); slot && slot->attempt.until <= now) return in_order_[s].front().id;
  return std::nullopt;
}

bool Schedule::ended(std::uint32_t id, const Outcome& outcome, TimePoint now) {
  Slot& slot = slots_[id];
  slot.live = false;
  --under_way_;
  free_.push_back(id);
  if (outcome.good()) return true;
  Attempt next = slot.attempt;
  const auto wait = streams_[next.stream].persistence.again(next.number, outcome.retry_after, rng_);
  if (!wait) return true;
  ++next.number;
  next.due = now + *wait;
  if (stopped_ || next.due >= began_ + length_) return ++cut_off_, true;
  due_.push({next});
  return false;
}

TimePoint Schedule::next() {
  TimePoint at = due_.empty() ? never : due_.top().attempt.due;
  for (std::uint32_t s = 0; s < streams_.size(); ++s)
    if (const Slot* slot = first(s)) at = std::min(at, slot->attempt.until);
  return at;
}

}  // namespace weir::load
