#include "pipeline/queue/sink_queue.h"

#include <chrono>

namespace weir::pipeline {

SinkQueue::SinkQueue(int index, std::string name, const flow::EdgeConfig& config, std::uint64_t seed,
                     std::uint64_t floor_events)
    : index_(index),
      name_(std::move(name)),
      edge_(config, seed, floor_events),
      reserved_for_high_(config.reserved_for_high),
      dead_letter_shed_(config.dead_letter_shed) {}

Batch SinkQueue::push(Batch batch, TimePoint now) {
  pushed_at_ = now;
  Batch rest = edge_.push(std::move(batch), now, dropped_items_);
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
    std::lock_guard lock(edge_);
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
    std::lock_guard lock(edge_);
    const Load room = edge_.spare_room(priority);
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

SinkQueue::Taken SinkQueue::try_take(Load most, TimePoint now, std::vector<Batch>& group,
                                     std::atomic<std::uint64_t>* in_hand) {
  flow::DroppedItems<Batch> droppable;
  Taken taken;
  bool room = false, another = false;
  {
    std::lock_guard lock(edge_);
    droppable.swap(dropped_items_);
    const auto before = edge_.pause_mask();
    const auto take = [&](Batch batch) {
      if (in_hand) in_hand->fetch_add(batch.size(), std::memory_order_release);
      group.push_back(std::move(batch));
      taken.any = true;
    };
    edge_.pop_all(most, now, take, droppable);
    room = !edge_.edge().paused() || (before & ~edge_.pause_mask()) != 0;
    room = room && (taken.any || !droppable.empty());  // what expired or CoDel picked has made room as well
    another = sleepers_ > 0 && !edge_.empty();
    taken.closed = edge_.closed();
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
  std::unique_lock lock(edge_.mutex());
  ++sleepers_;
  wake_.wait_for(lock, most_time, [&] { return edge_.closed() || interrupts_ != seen || !edge_.empty(); });
  --sleepers_;
  seen = interrupts_;
}

void SinkQueue::wait_interruptible(Duration most_time, std::uint64_t& seen) {
  std::unique_lock lock(edge_.mutex());
  interrupted_.wait_for(lock, most_time, [&] { return interrupts_ != seen; });
  seen = interrupts_;
}

void SinkQueue::interrupt() {
  {
    std::lock_guard lock(edge_);
    ++interrupts_;
  }
  wake_.notify_all();
  interrupted_.notify_all();
}

void SinkQueue::served(std::uint64_t events, Duration busy) {
  std::lock_guard lock(edge_);
  edge_.served(events, busy);
}

void SinkQueue::read_on(bool on) {
  {
    std::lock_guard lock(edge_);
    if (!edge_.read_on(on)) return;
  }
  if (on) wake_producers();
}

void SinkQueue::close() {
  {
    std::lock_guard lock(edge_);
    edge_.close();
    ++interrupts_;  // a worker that lingers for a fuller group is woken too
  }
  wake_.notify_all();
  interrupted_.notify_all();
}

bool SinkQueue::closed() const {
  std::lock_guard lock(edge_);
  return edge_.closed();
}

bool SinkQueue::empty() const {
  std::lock_guard lock(edge_);
  return edge_.empty();
}

flow::Pressure SinkQueue::pressure(TimePoint now) const {
  std::lock_guard lock(edge_);
  return edge_.edge().pressure(now);
}

flow::EdgeStats SinkQueue::stats() const {
  std::lock_guard lock(edge_);
  return edge_.stats();
}

void SinkQueue::reconfigure(const flow::EdgeConfig& config, std::uint64_t floor_events) {
  {
    std::lock_guard lock(edge_);
    edge_.reconfigure(config, floor_events);
    reserved_for_high_ = config.reserved_for_high;
    dead_letter_shed_ = config.dead_letter_shed;
  }
  wake_producers();
}

std::vector<Batch> SinkQueue::take_all() {
  std::vector<Batch> left;
  {
    std::lock_guard lock(edge_);
    edge_.close();
    edge_.drain([&](Batch batch) { left.push_back(std::move(batch)); });
  }
  wake_.notify_all();
  return left;
}

Left SinkQueue::abandon(Remains remains) {
  Left sum;
  for (Batch& batch : take_all()) {
    sum.add(batch, remains);
    batch.settle(Fate::abandoned, Reason::shutdown);
  }
  return sum;
}

}  // namespace weir::pipeline
