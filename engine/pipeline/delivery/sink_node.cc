#include "pipeline/delivery/sink_node.h"

#include <algorithm>
#include <iterator>

#include "log/log.h"
#include "pipeline/delivery/shed_letters.h"

namespace weir::pipeline {
namespace {

constexpr Duration stall_lasts = std::chrono::milliseconds(100);  // looking costs 7 us

}  // namespace

std::uint64_t floor_events(const config::Sink& sink) {
  return static_cast<std::uint64_t>(sink.workers) * std::min<std::uint64_t>(sink.batch.most.events, 64);
}

SinkNode::SinkNode(const config::Sink& sink, Ids& letter_ids, const Context& context, int index, std::uint64_t seed)
    : name(sink.name),
      type(sink.type),
      required(sink.required),
      is_dead_letter_target(sink.is_dead_letter_target),
      queue(index, sink.name, sink.spills() ? spill_front(sink.queue) : sink.queue, seed, floor_events(sink)),
      ids(letter_ids),
      failure_fate(sink.on_failure == config::Sink::OnFailure::drop ? Fate::dropped : Fate::failed),
      destination(sink.destination, context, seed),
      pace(sink.guards),
      at_once(sink.guards, seed),
      workers(sink.workers),
      times(sink.workers),
      batch_(sink.batch) {
  queue.on_shed(letters_of_shed());
}

void SinkNode::put(std::unique_ptr<Spill> between) {
  spill = std::move(between);
  spill->back().on_shed(letters_of_shed());
}

SinkQueue::OnShed SinkNode::letters_of_shed() {
  return [this](const Batch& shed, Reason reason, double share, TimePoint now) {
    keep_shed(*this, shed, reason, share, now);
  };
}

/// Reads in the order in which events move; otherwise an event that moves meanwhile would be seen nowhere.
bool SinkNode::is_empty() {
  return queue.empty() && (!spill || (spill->empty() && spill->back().empty())) && in_hand.load() == 0;
}

void SinkNode::served(std::uint64_t events, Duration busy) {
  queue.served(events, busy);
  if (spill) spill->back().served(events, busy);
}

void SinkNode::close() {
  queue.close();
  if (spill) spill->back().close();
}

Duration SinkNode::blocked_for(TimePoint now) const {
  const TimePoint until{Duration(blocked_until_.load(std::memory_order_relaxed))};
  return until > now ? until - now : Duration{0};
}

/// Only a delivery under way can stall it: between two attempts it is held back, and that has a reason of its own.
Duration SinkNode::stalled_for(TimePoint now) {
  if (workers_busy.load(std::memory_order_relaxed) < at_once.most_of(workers)) return Duration{0};
  const Duration::rep at = now.time_since_epoch().count();
  Duration::rep last = looked_at_.load(std::memory_order_relaxed);
  if (at - last >= stall_lasts.count() && looked_at_.compare_exchange_strong(last, at, std::memory_order_relaxed)) {
    const flow::Sojourn s = times.sojourn(Duration{0}, now);
    const Duration silent = std::min(s.quiet, s.under_way);
    const bool is_first = s.batches == 0 && !s.usual;  // nothing is known of what is usual
    const bool stalled = judge(s) == flow::SojournVerdict::stalled || (is_first && silent >= senders_wait_);
    stalled_for_.store(stalled ? silent.count() : 0, std::memory_order_relaxed);
  }
  return Duration(stalled_for_.load(std::memory_order_relaxed));
}

void SinkNode::senders_wait(Duration most) {
  if (most > Duration{0}) senders_wait_ = std::min(senders_wait_, most);
}

void SinkNode::start_work(TimePoint now) {
  workers_busy.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  busy_.start(now);
}

Duration SinkNode::stop_work(TimePoint now) {
  workers_busy.fetch_sub(1, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  const Duration busy = busy_.stop(now);
  busy_ns.fetch_add(static_cast<std::uint64_t>(busy.count()), std::memory_order_relaxed);
  return busy;
}

HoldUp SinkNode::hold_up(TimePoint now) {
  HoldUp hold;
  hold.failing = failing.load(std::memory_order_relaxed);
  hold.failing_by = failing_by();
  hold.blocked_for = blocked_for(now);
  hold.blocked_by = blocked_by();
  hold.breaker_open = hold.failing && hold.blocked_by == Reason::breaker_open;  // until an attempt has gone well
  hold.letters_wait = waits_for_letters.load(std::memory_order_relaxed);
  hold.stalled_for = stalled_for(now);
  hold.cannot_spill = spill && spill->is_disk_full();
  return hold;
}

SinkStatus SinkNode::glance(TimePoint now) {
  SinkStatus s;
  s.name = name;
  s.type = type;
  s.required = required;
  s.pressure = spill ? spill->pressure(now) : queue.pressure(now);
  if (spill) s.spill = spill->status();
  s.destination = destination.stats();
  s.guards = pace.status();
  std::ranges::move(at_once.status(), std::back_inserter(s.guards));
  s.paced_to = pace.holds_up(now);
  s.limited_to = at_once.holds_up();
  s.hold = hold_up(now);
  s.hold.breaker_open |= s.destination.breaker == flow::BreakerState::open;
  if (s.hold.letters_wait) s.letters_wait_for = dead_letters->name;
  s.in_hand = in_hand.load(std::memory_order_relaxed);
  s.workers = workers;
  s.workers_busy = workers_busy.load(std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  s.last_error = last_error_;
  s.refused = refused_;
  s.refused.ago = now - refused_at_;
  return s;
}

void SinkNode::refused_for_good(std::uint64_t events, std::uint64_t told, const std::string& words, TimePoint now) {
  std::lock_guard lock(mutex_);
  refused_.events += events;
  refused_.told += told;
  refused_.words = words;
  refused_at_ = now;
}

void SinkNode::found_already(const DoubledRows::Group& group, TimePoint now) {
  counters.already.fetch_add(group.already, std::memory_order_relaxed);
  DoubledRows::Warn warn;
  {
    std::lock_guard lock(mutex_);
    warn = doubled_.saw(group, now);
  }
  if (warn.strange)
    log::warn(
        {"sink", name},
        "{} events without an id of their own are not stored: the ids that Weir gave them are there already. Does "
        "a copy of this process, in a cloned machine, write to the same table? Start it anew",
        warn.strange);
  if (warn.of)
    log::warn(
        {"sink", name},
        "{} of {} events were there already by their id, and were not stored again: more than senders that repeat "
        "explain. Is the id the same in events that differ? See `id` or `key`",
        warn.already, warn.of);
}

void SinkNode::remember_error(const std::string& message) {
  std::lock_guard lock(mutex_);
  last_error_ = message;
}

config::WorkerBatch SinkNode::batch() const {
  std::lock_guard lock(mutex_);
  return batch_;
}

void SinkNode::reconfigure(const config::Sink& sink) {
  if (spill)
    spill->reconfigure(sink.queue, floor_events(sink));
  else
    queue.reconfigure(sink.queue, floor_events(sink));
  destination.reconfigure(sink.destination);
  pace.reconfigure(sink.guards, destination.context().now());
  at_once.reconfigure(sink.guards);
  std::lock_guard lock(mutex_);
  batch_ = sink.batch;
}

}  // namespace weir::pipeline
