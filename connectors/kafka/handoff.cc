#include "handoff.h"

#include <algorithm>
#include <utility>

namespace weir::kafka {

PartitionIndex Handoff::index_of(std::string_view topic, std::int32_t partition) {
  std::lock_guard lock(mutex_);
  const auto at =
      std::ranges::find_if(partitions_, [&](const Partition& p) { return p.id == partition && p.topic == topic; });
  if (at != partitions_.end()) return static_cast<PartitionIndex>(at - partitions_.begin());
  partitions_.emplace_back();
  partitions_.back().topic = topic;
  partitions_.back().id = partition;
  return static_cast<PartitionIndex>(partitions_.size() - 1);
}

void Handoff::assign(PartitionIndex index, std::int64_t next) {
  std::lock_guard lock(mutex_);
  Partition& p = partitions_[index];
  drop_waiting(index);
  p.offsets.begin(next);
  p.committed = next;
  ++p.epoch;
  p.owned = p.giving = true;
  p.given = 0;
  p.rewind = p.rewinding = false;
  p.held_until = {};
  p.failures = 0;
}

std::int64_t Handoff::next(PartitionIndex index) const {
  std::lock_guard lock(mutex_);
  return partitions_[index].offsets.next();
}

void Handoff::offer(PartitionIndex index, std::vector<Message> messages, Bytes bytes) {
  if (messages.empty()) return;
  {
    std::lock_guard lock(mutex_);
    Partition& p = partitions_[index];
    if (!p.giving || p.rewinding || closed_) return;
    const auto& first = messages.front();
    rd_kafka_timestamp_type_t type{};
    const auto written = rd_kafka_message_timestamp(first.get(), &type);
    const auto number = p.offsets.take(first->offset, messages.back()->offset + 1, std::max<std::int64_t>(written, 0));
    load_ += Load{messages.size(), bytes};
    waiting_.push_back({index, p.epoch, number, std::move(messages), bytes});
    if (waiting_.size() > 1) return;
  }
  if (on_run) on_run();
}

Load Handoff::waiting() const {
  std::lock_guard lock(mutex_);
  return load_;
}

void Handoff::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  moved_.wait_for(lock, most);
}

bool Handoff::wait_for_room(Load left, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  room_wanted_ = left;
  const bool reason = room_.wait_for(lock, most, [this] { return may_go_on(); });
  room_wanted_.reset();
  woken_ = false;
  return reason;
}

void Handoff::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  room_.notify_all();
}

void Handoff::drop_waiting(PartitionIndex index) {
  std::erase_if(waiting_, [&](const MessageRun& run) {
    if (run.partition != index) return false;
    load_ -= run.load();
    return true;
  });
}

void Handoff::revoke(std::span<const PartitionIndex> indexes) {
  std::lock_guard lock(mutex_);
  for (const auto index : indexes) {
    partitions_[index].giving = false;
    drop_waiting(index);
  }
}

bool Handoff::settled(std::span<const PartitionIndex> indexes) const {
  std::lock_guard lock(mutex_);
  return std::ranges::all_of(indexes, [&](PartitionIndex index) { return partitions_[index].given == 0; });
}

void Handoff::forget(std::span<const PartitionIndex> indexes) {
  std::lock_guard lock(mutex_);
  for (const auto index : indexes) {
    Partition& p = partitions_[index];
    drop_waiting(index);
    ++p.epoch;
    p.owned = p.giving = p.rewind = p.rewinding = false;
  }
}

std::vector<PartitionOffset> Handoff::commits() const {
  std::lock_guard lock(mutex_);
  std::vector<PartitionOffset> places;
  for (PartitionIndex i = 0; i < partitions_.size(); ++i) {
    const Partition& p = partitions_[i];
    const auto to = p.offsets.settled_to();
    if (p.owned && to != unknown_offset && to > p.committed) places.push_back({i, p.topic, p.id, to});
  }
  return places;
}

void Handoff::committed(std::string_view topic, std::int32_t partition, std::int64_t offset) {
  std::lock_guard lock(mutex_);
  for (Partition& p : partitions_)
    if (p.owned && p.id == partition && p.topic == topic) p.committed = std::max(p.committed, offset);
}

std::vector<PartitionOffset> Handoff::to_rewind() {
  std::lock_guard lock(mutex_);
  std::vector<PartitionOffset> places;
  for (PartitionIndex i = 0; i < partitions_.size(); ++i) {
    Partition& p = partitions_[i];
    if (!p.giving || !(p.rewind || p.rewinding)) continue;
    drop_waiting(i);
    p.offsets.begin(p.offsets.settled_to());
    ++p.epoch;
    p.given = 0;
    p.rewind = false;
    p.rewinding = true;
    places.push_back({i, p.topic, p.id, p.offsets.next()});
  }
  return places;
}

void Handoff::rewound(PartitionIndex index) {
  std::lock_guard lock(mutex_);
  partitions_[index].rewinding = false;
}

void Handoff::reached_end(PartitionIndex index, std::int64_t next) {
  std::lock_guard lock(mutex_);
  Partition& p = partitions_[index];
  if (p.giving && !p.rewind && !p.rewinding && !closed_ && next > 0) p.offsets.nothing_until(next);
}

void Handoff::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  waiting_.clear();
  load_ = {};
}

std::optional<MessageRun> Handoff::take(TimePoint now) {
  std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(waiting_, [&](const MessageRun& run) { return !holds(run, now); });
  if (at == waiting_.end()) return std::nullopt;
  MessageRun run = std::move(*at);
  waiting_.erase(at);
  load_ -= run.load();
  ++given_;
  ++partitions_[run.partition].given;
  if (room_wanted_ && may_go_on()) room_.notify_all();
  return run;
}

bool Handoff::is_current(const MessageRun& run) const {
  std::lock_guard lock(mutex_);
  const Partition& p = partitions_[run.partition];
  return !closed_ && p.giving && p.epoch == run.epoch && !p.rewind;
}

void Handoff::give_back(const MessageRun& run) {
  std::lock_guard lock(mutex_);
  --given_;
  Partition& p = partitions_[run.partition];
  if (p.epoch == run.epoch) --p.given;
  moved_.notify_all();
}

void Handoff::settle(PartitionIndex index, std::uint32_t epoch, Offsets::Number number, bool failed, TimePoint now) {
  std::lock_guard lock(mutex_);
  --given_;
  moved_.notify_all();
  Partition& p = partitions_[index];
  if (p.epoch != epoch) return;
  --p.given;
  if (!failed) {
    const auto before = p.offsets.settled_to();
    p.offsets.settle(number);
    if (p.offsets.settled_to() > before) p.failures = 0;
    return;
  }
  if (std::exchange(p.rewind, true)) return;  // one new beginning covers all that failed
  woken_ = true;
  room_.notify_all();
  p.held_until = now + std::min<Duration>(std::chrono::milliseconds(100) * (1 << std::min(p.failures++, 10)),
                                          std::chrono::seconds(30));
}

std::size_t Handoff::given() const {
  std::lock_guard lock(mutex_);
  return given_;
}

PartitionState Handoff::state_of(const Partition& p) {
  return {p.topic, p.id, p.owned, p.offsets.settled_to(), p.offsets.oldest_ms(), p.offsets.open()};
}

PartitionState Handoff::state(PartitionIndex index) const {
  std::lock_guard lock(mutex_);
  return state_of(partitions_[index]);
}

std::vector<PartitionState> Handoff::states() const {
  std::lock_guard lock(mutex_);
  std::vector<PartitionState> states;
  for (const Partition& p : partitions_) states.push_back(state_of(p));
  return states;
}

}  // namespace weir::kafka
