#include "pipeline/model/queue.h"

#include <algorithm>

namespace weir::model {
namespace {

using flow::WhenFull;

constexpr std::array priorities{Priority::batch, Priority::low, Priority::normal, Priority::high, Priority::critical};
const std::vector<Priority> every_priority(priorities.begin(), priorities.end());
constexpr int dequeues_for_each_by_age = 10;

Reason reason_of(WhenFull policy) {
  switch (policy) {
    case WhenFull::drop_oldest: return Reason::drop_oldest;
    case WhenFull::drop_lowest: return Reason::drop_lowest;
    case WhenFull::drop_random: return Reason::drop_random;
    default: return Reason::drop_newest;
  }
}

}  // namespace

Load Queue::waiting() const {
  Load sum;
  for (const auto& lane : lanes_)
    for (const Item& item : lane) sum += item.load();
  return sum;
}

// Semantics D5: the top of the bound is for high and critical only; what is left is never nothing.
Load Queue::limit(Priority priority) const {
  if (config_.reserved_for_high <= 0 || priority >= Priority::high) return config_.bound;
  const auto open = [&](std::uint64_t n) {
    return std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(static_cast<double>(n) * (1 - config_.reserved_for_high)));
  };
  return {open(config_.bound.events), Bytes(open(config_.bound.bytes.count()))};
}

// Semantics D3: the prefix that fits. One event enters an empty line whatever its size, or it would wait for ever.
std::uint64_t Queue::fitting(const Item& item, Load beside) const {
  const bool alone = beside.events == 0;
  std::uint64_t n = 0;
  for (const Event& event : item.events) {
    beside += {1, Bytes(event.bytes)};
    if (!beside.fits_in(limit(item.priority))) break;
    ++n;
  }
  return n == 0 && alone && !item.empty() ? 1 : n;
}

std::uint64_t Queue::room_for(const Item& item) const {
  return flow::may_drop(config_.when_full) ? item.events.size() : fitting(item, waiting());
}

void Queue::push(Item item, std::vector<Ended>& ended) {
  if (item.empty()) return;
  offered += item.load();
  if (flow::may_drop(config_.when_full) && fitting(item, waiting()) < item.events.size()) make_room(item, ended);
  const auto fits = fitting(item, waiting());
  Item entering = item.take_front(fits);
  if (!entering.empty()) lane(item.priority).push_back(std::move(entering));
  look_at_watermarks();
  if (!item.empty()) end(std::move(item), reason_of(config_.when_full), ended);
}

// Semantics D6: priority decides what is shed. Critical work is dropped for critical work only, and the reserved part
// only for work that may enter it.
std::vector<Priority> Queue::may_make_room_for(Priority arrival) const {
  Priority most = arrival;
  if (config_.when_full == WhenFull::drop_newest) return {};
  if (config_.when_full != WhenFull::drop_lowest)
    most = std::max(arrival, config_.reserved_for_high > 0 ? Priority::normal : Priority::high);
  std::vector<Priority> among;
  for (const Priority priority : priorities)
    if (priority <= most) among.push_back(priority);
  return among;
}

void Queue::make_room(Item& item, std::vector<Ended>& ended) {
  const auto among = may_make_room_for(item.priority);
  Load staying = waiting();
  for (const Priority priority : among)
    for (const Item& to_drop : lane(priority)) staying -= to_drop.load();
  // Nothing is dropped for events that would not fit even if all droppable work were dropped.
  Item hopeful = item.take_front(fitting(item, staying));
  if (!item.empty()) end(std::move(item), reason_of(config_.when_full), ended);
  item = std::move(hopeful);
  while (fitting(item, waiting()) < item.events.size())
    if (!end_one_of(among, ended)) break;
}

bool Queue::end_one_of(const std::vector<Priority>& among, std::vector<Ended>& ended) {
  const auto take = [&](Priority priority, std::uint64_t k) {
    Item to_drop = lane(priority)[k];
    lane(priority).erase(lane(priority).begin() + static_cast<std::ptrdiff_t>(k));
    end(std::move(to_drop), reason_of(config_.when_full), ended);
    look_at_watermarks();
    return true;
  };
  if (config_.when_full == WhenFull::drop_random) {
    std::uint64_t waiting = 0;
    for (const Priority priority : among) waiting += lane(priority).size();
    auto k = draw_(waiting + 1);  // the last number is the arrival itself
    for (const Priority priority : among) {
      if (k < lane(priority).size()) return take(priority, k);
      k -= lane(priority).size();
    }
    return false;
  }
  if (config_.when_full == WhenFull::drop_oldest) {
    const auto priority = longest_waiting(among);
    return priority && take(*priority, 0);
  }
  for (const Priority priority : among)
    if (!lane(priority).empty()) return take(priority, 0);
  return false;
}

std::optional<Priority> Queue::longest_waiting(const std::vector<Priority>& among) const {
  std::optional<Priority> found;
  for (const Priority priority : among)
    if (!lane(priority).empty() && (!found || lane(priority).front().since <= lane(*found).front().since))
      found = priority;
  return found;
}

// Semantics D6, D7: the highest priority first, by age at most once in ten dequeues; of a priority the oldest item, or
// the newest while the line is above its watermarks, if the order is adaptive.
std::optional<Item> Queue::pop(Load most, TimePoint now, std::vector<Ended>& ended) {
  if (config_.expire_after)
    for (auto& waiting : lanes_)
      while (!waiting.empty() && now - waiting.front().since > *config_.expire_after) {
        end(waiting.front(), Reason::expired, ended);
        waiting.pop_front();
        look_at_watermarks();
      }
  std::optional<Priority> top;
  for (const Priority priority : priorities)
    if (!lane(priority).empty()) top = priority;
  if (!top) return std::nullopt;
  const bool newest = config_.order == flow::Order::adaptive_lifo && paused_;
  auto* from = &lane(*top);
  auto next = newest ? std::prev(from->end()) : from->begin();
  bool by_age = false;
  if (turns_since_age_ >= dequeues_for_each_by_age - 1) {
    auto& oldest = lane(*longest_waiting(every_priority));
    if (now - oldest.front().since > config_.age_boost && &oldest.front() != &*next) {
      by_age = true;
      from = &oldest;
      next = oldest.begin();
    }
  }
  turns_since_age_ = by_age ? 0 : turns_since_age_ + 1;
  std::uint64_t n = 0;
  Load load;
  for (const Event& event : next->events) {
    load += {1, Bytes(event.bytes)};
    if (!load.fits_in(most)) break;
    ++n;
  }
  Item item = next->take_front(std::max<std::uint64_t>(n, 1));
  if (next->empty()) from->erase(next);
  delivered += item.load();
  look_at_watermarks();
  return item;
}

std::vector<Item> Queue::drain() {
  std::vector<Item> all;
  for (auto& lane : lanes_) {
    for (Item& item : lane) all.push_back(std::move(item));
    lane.clear();
  }
  for (const Item& item : all) drained += item.load();
  look_at_watermarks();
  return all;
}

void Queue::end(Item item, Reason reason, std::vector<Ended>& ended) {
  dropped[reason] += item.events.size();
  ended.push_back({std::move(item), reason});
}

// Semantics D2: two watermarks with a gap.
void Queue::look_at_watermarks() {
  const Load now = waiting();
  const auto share = [](std::uint64_t a, std::uint64_t of) { return static_cast<double>(a) / static_cast<double>(of); };
  const double fill = std::min(
      1.0, std::max(share(now.events, config_.bound.events), share(now.bytes.count(), config_.bound.bytes.count())));
  if (paused_ && fill <= config_.resume_at) {
    paused_ = false;
    ++resumes;
  } else if (!paused_ && fill >= config_.pause_at && fill > config_.resume_at) {
    paused_ = true;
    ++pauses;
  }
}

bool Queue::paused(Priority priority) const {
  if (flow::may_drop(config_.when_full)) return false;
  const Load now = waiting(), most = limit(priority);
  const bool full = now.events > 0 && (now.events >= most.events || now.bytes >= most.bytes);
  const bool by_watermarks = !(config_.reserved_for_high > 0 && priority >= Priority::high);
  return full || (by_watermarks && paused_);
}

Duration Queue::oldest_age(TimePoint now) const {
  const auto priority = longest_waiting(every_priority);
  return priority ? std::max(Duration{0}, now - lane(*priority).front().since) : Duration{0};
}

}  // namespace weir::model
