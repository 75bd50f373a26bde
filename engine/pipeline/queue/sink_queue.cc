#include "pipeline/queue/sink_queue.h"

#include <chrono>

namespace weir::pipeline {

SinkQueue::SinkQueue(int index, std::string name, const flow::EdgeConfig& config, std::uint64_t seed,
                     std::uint64_t floor_events)
    : index_(index),
      name_(std::move(name)),
      edge_(config, seed, floor_events),
      reserved_for_high_(config.reserved_for_high),
      dead_letter_shed_(config.dead_letter_shed),
      sheds_(flow::may_drop(config.when_full)) {}

Batch SinkQueue::push(Batch batch, TimePoint now) {
  pushed_at_ = now;
  if (closed_) {
    late_ += batch.load();
    dropped_items_.push_back({std::move(batch), Reason::shutdown});
    return {};
  }
  Batch rest = edge_.push(std::move(batch), now, dropped_items_);
  publish_pause();
  notify_ = notify_ || sleepers_ > 0;
  return rest;
}

void SinkQueue::finish(Aftermath aftermath) {
  if (aftermath.wake) wake_.notify_one();
  end(aftermath.dropped_items, aftermath.at);
}

std::uint32_t SinkQueue::push_alone(Batch& batch, TimePoint now) {
  Aftermath aftermath;
  std::uint32_t n = 0;
  {
    std::lock_guard lock(mutex_);
    n = room_for(batch);
    if (n == 0) return 0;
    Batch rest = push(batch.split(n), now);
    WEIR_CHECK(rest.empty());
    aftermath = take_aftermath();
  }
  finish(std::move(aftermath));
  return n;
}

std::uint32_t SinkQueue::push_spare(Priority priority, TimePoint now, const std::function<Batch(Load room)>& make) {
  Aftermath aftermath;
  std::uint32_t n = 0;
  {
    std::lock_guard lock(mutex_);
    const Load room = closed_ ? Load{} : edge_.spare_room(priority);
    if (room.events == 0 || room.bytes == Bytes{}) return 0;
    Batch batch = make(room);
    n = batch.size();
    if (n == 0) return 0;
    WEIR_CHECK(batch.load().fits_in(room));
    const Batch rest = push(std::move(batch), now);
    WEIR_CHECK(rest.empty());
    aftermath = take_aftermath();
  }
  finish(std::move(aftermath));
  return n;
}

void SinkQueue::end(flow::DroppedItems<Batch>& dropped_items, TimePoint now) {
  const double share = dead_letter_shed_.load(std::memory_order_relaxed);
  for (auto& [item, reason] : dropped_items) {
    if (on_shed_ && share > 0) on_shed_(item, reason, share, now);
    item.settle(Fate::dropped, reason);
  }
  dropped_items.clear();
}

void SinkQueue::publish_pause() {
  // Only two groups differ: those that may enter the reserved part, and the others.
  constexpr std::uint32_t high =
      (1u << static_cast<int>(Priority::high)) | (1u << static_cast<int>(Priority::critical));
  constexpr std::uint32_t others = ((1u << priority_count) - 1) & ~high;
  // Under a drop policy no source is asked to wait: the policy was chosen so that sources read on.
  const std::uint32_t mask =
      sheds_ || read_on_ ? 0
                         : (edge_.paused(Priority::high) ? high : 0) | (edge_.paused(Priority::normal) ? others : 0);
  if (mask != paused_mask_.load(std::memory_order_relaxed)) paused_mask_.store(mask, std::memory_order_seq_cst);
}

SinkQueue::Taken SinkQueue::try_take(Load most, TimePoint now, std::vector<Batch>& group,
                                     std::atomic<std::uint64_t>* in_hand) {
  flow::DroppedItems<Batch> droppable;
  Taken taken;
  bool room = false, another = false;
  {
    std::lock_guard lock(mutex_);
    droppable.swap(dropped_items_);
    Load left = most;
    Batch item;
    while (left.events > 0 && left.bytes.count() > 0 && edge_.pop(left, now, item, droppable)) {
      const Load load = item.load();
      left.events -= std::min(left.events, load.events);
      left.bytes -= std::min(left.bytes, load.bytes);
      if (in_hand) in_hand->fetch_add(load.events, std::memory_order_release);
      group.push_back(std::move(item));
      taken.any = true;
    }
    const auto before = paused_mask_.load(std::memory_order_relaxed);
    publish_pause();
    const auto after = paused_mask_.load(std::memory_order_relaxed);
    room = !edge_.paused() || (before & ~after) != 0;
    room = room && (taken.any || !droppable.empty());  // what expired or CoDel picked has made room as well
    another = sleepers_ > 0 && waiting() > 0;
    taken.closed = closed_;
  }
  if (another) wake_.notify_one();  // one large push woke one worker: it wakes the next if it leaves something
  end(droppable, now);
  if (room) wake_producers();
  return taken;
}

void SinkQueue::wake_producers() {
  for (RoomListener* listener : listeners_)
    if (listener->disarm()) listener->on_queue_room();
}

void SinkQueue::wait(Duration most_time, std::uint64_t& seen) {
  std::unique_lock lock(mutex_);
  ++sleepers_;
  wake_.wait_for(lock, most_time, [&] { return closed_ || interrupts_ != seen || waiting() > 0; });
  --sleepers_;
  seen = interrupts_;
}

void SinkQueue::wait_interruptible(Duration most_time, std::uint64_t& seen) {
  std::unique_lock lock(mutex_);
  interrupted_.wait_for(lock, most_time, [&] { return interrupts_ != seen; });
  seen = interrupts_;
}

void SinkQueue::interrupt() {
  {
    std::lock_guard lock(mutex_);
    ++interrupts_;
  }
  wake_.notify_all();
  interrupted_.notify_all();
}

void SinkQueue::served(std::uint64_t events, Duration busy) {
  std::lock_guard lock(mutex_);
  edge_.served(events, busy);
}

void SinkQueue::read_on(bool on) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(read_on_, on) == on) return;
    publish_pause();
  }
  if (on) wake_producers();
}

void SinkQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ++interrupts_;  // a worker that lingers for a fuller group is woken too
  }
  wake_.notify_all();
  interrupted_.notify_all();
}

bool SinkQueue::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

bool SinkQueue::empty() const {
  std::lock_guard lock(mutex_);
  return waiting() == 0;
}

flow::Pressure SinkQueue::pressure(TimePoint now) const {
  std::lock_guard lock(mutex_);
  return edge_.pressure(now);
}

flow::EdgeStats SinkQueue::stats() const {
  std::lock_guard lock(mutex_);
  flow::EdgeStats stats = edge_.stats();
  stats.offered += late_;
  stats.dropped[static_cast<std::size_t>(Reason::shutdown)] += late_.events;
  return stats;
}

void SinkQueue::reconfigure(const flow::EdgeConfig& config) {
  {
    std::lock_guard lock(mutex_);
    edge_.reconfigure(config);
    reserved_for_high_ = config.reserved_for_high;
    dead_letter_shed_ = config.dead_letter_shed;
    sheds_ = flow::may_drop(config.when_full);
    publish_pause();
  }
  wake_producers();
}

std::vector<Batch> SinkQueue::take_all() {
  std::vector<Batch> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    edge_.drain([&](Batch batch) { left.push_back(std::move(batch)); });
    publish_pause();
  }
  wake_.notify_all();
  return left;
}

SinkQueue::Abandoned SinkQueue::abandon() {
  Abandoned sum;
  for (Batch& batch : take_all()) {
    sum.events += batch.size();
    batch.for_each_run([&](Receipt* receipt, std::uint32_t n) {
      if (batch.carries_receipts() && !receipt) sum.unanswered += n;
    });
    batch.settle(Fate::abandoned, Reason::shutdown);
  }
  return sum;
}

}  // namespace weir::pipeline
