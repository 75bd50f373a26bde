#include "pipeline/entry/reactor_output.h"

#include <algorithm>

#include "pipeline/delivery/dead_letter.h"

namespace weir::pipeline {
namespace {

constexpr std::array priorities{Priority::batch, Priority::low, Priority::normal, Priority::high, Priority::critical};
static_assert(priorities.size() == priority_count);
constexpr std::uint32_t most_by_key = 64;  // events are asked for at once: what finds no room was asked for in vain

}  // namespace

ReactorOutput::ReactorOutput(SourceNode& node, boost::asio::io_context& reactor, Bytes batch_bytes)
    : node_(node),
      batch_bytes_(batch_bytes),
      port_(node.route, node.counters, std::max(batch_bytes, 64_KiB)),
      flushing_(reactor, [this] { flush(); }),
      resuming_(reactor, [this] { on_room_now(); }) {
  for (SinkQueue* queue : node.route.required_queues()) queue->add_listener(*this);
  if (node.dead_letters) node.dead_letters->queue.add_listener(*this);
}

Bytes ReactorOutput::cost(std::size_t bytes, std::size_t events) const { return node_.route.cost(bytes, events); }

bool ReactorOutput::paused(Priority priority) const {
  if (!port_.paused(priority)) return false;
  const_cast<ReactorOutput*>(this)->arm();  // look again after arming, or the wake-up could fall in between
  return port_.paused(priority);
}

void ReactorOutput::push(Batch batch, Ticket spare) {
  const Priority priority = batch.priority();
  Lane& l = lane(priority);
  WEIR_CHECK(ready(priority));
  if (l.open && !l.open->empty()) flush(priority);  // keeps the order
  node_.counters.in.fetch_add(batch.size(), std::memory_order_release);
  node_.counters.bytes.fetch_add(batch.load().bytes.count(), std::memory_order_relaxed);
  if (!ready(priority)) {
    l.next = std::move(batch);  // the open batch filled the edge; ready() is false now, so there is never a second
    l.next_spare = std::move(spare);
  } else {
    port_.take(std::move(batch), std::move(spare));
    send(priority);
  }
  publish();
}

void ReactorOutput::add(std::string_view event, Priority priority, Receipt* receipt, Ticket part) {
  add_from(nullptr, event, priority, receipt, std::move(part));
}

void ReactorOutput::add_from(const std::shared_ptr<const Origin>& origin, std::string_view event, Priority priority,
                             Receipt* receipt, Ticket part) {
  Lane& l = lane(priority);
  WEIR_CHECK(ready(priority));
  if (!l.open) l.open = std::make_unique<BatchBuilder>(BatchBuilder::Limits{batch_bytes_, 1024});
  if (!l.open->fits(event.size()) || (l.info.origin != origin && !l.open->empty())) flush(priority);
  if (l.open->empty()) {
    l.info = BatchInfo{};
    l.info.priority = priority;
    l.info.received = node_.context().now();
    l.info.received_wall = node_.context().wall();
    l.info.origin = origin;
    flushing_.schedule();  // whoever ends a wait flushes as well: an open batch never lies there unseen
  }
  node_.counters.in.fetch_add(1, std::memory_order_release);
  node_.counters.bytes.fetch_add(event.size(), std::memory_order_relaxed);
  l.open->add(event, receipt);
  l.open->absorb(std::move(part));
  publish();
}

void ReactorOutput::flush() {
  for (const Priority priority : priorities)
    if (const Lane& l = lane(priority); l.open && !l.open->empty() && ready(priority)) flush(priority);
  publish();
}

void ReactorOutput::flush(Priority priority) {
  Lane& l = lane(priority);
  l.info.first_id = node_.next_ids(l.open->size());
  Ticket spare;
  Batch batch = l.open->seal(l.info, &spare);
  port_.take(std::move(batch), std::move(spare));
  send(priority);
}

void ReactorOutput::send(Priority priority) {
  // Sends until nothing more fits: a prefix of which the stages keep nothing fills no sink queue, so no wake-up would
  // come for the rest.
  Port::Progress progress{.sent = 1};
  while (progress.sent > 0 && port_.waiting(priority) > 0) {
    in_motion_.store(port_.waiting(priority), std::memory_order_release);
    arm();
    progress =
        node_.pace.none() ? port_.push(priority, node_.context().now(), node_.context().wall()) : push_paced(priority);
  }
  if (const auto waiting = port_.waiting(priority); waiting > 0) {
    if (progress.later > Duration{0}) come_later(progress.later, (waiting + progress.together - 1) / progress.together);
    return;
  }
  Lane& l = lane(priority);
  if (l.next.empty()) return;
  port_.take(std::move(l.next), std::move(l.next_spare));
  send(priority);
}

/// What its rate lets pass now goes on; the rest waits here, as behind a stage that holds it up.
Port::Progress ReactorOutput::push_paced(Priority priority) {
  if (node_.pace.by_event()) return push_by_key(priority);
  const TimePoint now = node_.context().now();
  const std::uint32_t most = port_.waiting_prefix(priority, node_.pace.at_most({~0ull, Bytes(~0ull)}));
  const auto first = [&](std::uint32_t n) { return PacedLoad{.load = port_.waiting_load(priority, n)}; };
  if (const Duration wait = node_.pace.try_take(first(most), now); wait > Duration{0})
    return {.later = wait, .together = most};
  const auto progress = port_.push(priority, now, node_.context().wall(), most);
  if (progress.sent < most) node_.pace.give_back(first(most - progress.sent), now);  // they are the first ones now
  return progress;
}

/// The same where fields of the events are keys: each event is asked for, in their order.
Port::Progress ReactorOutput::push_by_key(Priority priority) {
  const TimePoint now = node_.context().now();
  const std::uint32_t most = std::min(port_.waiting(priority), most_by_key);
  const auto look_at = [&](std::uint32_t i) {
    const std::string_view event = port_.waiting_event(priority, i);
    caller_.look_at(event);
    return PacedLoad{.load = {1, Bytes(event.size())}};
  };
  Duration wait{0};
  std::uint32_t n = 0;
  for (; n < most; ++n)
    if (wait = node_.pace.try_take(look_at(n), now, &caller_); wait > Duration{0}) break;
  if (n == 0) return {.later = wait, .together = port_.waiting(priority)};  // nobody knows whose those behind it are
  const auto progress = port_.push(priority, now, node_.context().wall(), n);
  for (std::uint32_t i = 0; i < n - progress.sent; ++i)
    node_.pace.give_back(look_at(i), now, &caller_);  // they are the first ones now
  return progress;
}

void ReactorOutput::come_later(Duration wait, std::uint64_t turns) {
  // This is the wait of the first event, or of those that pass together; all behind them will have to wait as long
  // again, each in its turn.
  node_.hold_until(node_.context().now() + wait * static_cast<Duration::rep>(turns));
  resuming_.sleep(wait);  // unless another priority is asked again before
}

void ReactorOutput::dead_letter(std::string_view event, Reason reason, std::string_view why,
                                std::optional<EventPosition> place, Receipt* receipt) {
  WEIR_CHECK(letters_.empty());
  const std::string text = dead_letter_json({event, reason, why, node_.name, 1, node_.context().wall(), place});
  BatchBuilder builder({batch_bytes_, 1});
  builder.add(text, receipt);
  BatchInfo info;
  info.received = node_.context().now();
  info.received_wall = node_.context().wall();
  info.first_id = node_.next_ids(1);
  info.dead_letter = true;
  letters_ = builder.seal(info);
  node_.counters.in.fetch_add(1, std::memory_order_release);
  node_.counters.because(reason, 1);
  send_dead_letters();
  publish();
}

void ReactorOutput::send_dead_letters() {
  if (letters_.empty()) return;
  SinkQueue& dead_letters = node_.dead_letters->queue;
  arm();
  in_motion_.store(letters_.size(), std::memory_order_release);
  node_.counters.consume(Fate::dead_lettered, dead_letters.push_alone(letters_, node_.context().now()));
}

void ReactorOutput::on_queue_room() noexcept { resuming_.schedule(); }

void ReactorOutput::on_room_now() {
  send_dead_letters();
  for (const Priority priority : priorities)
    if (!ready(priority)) send(priority);
  flush();
  if (on_room) on_room();
}

void ReactorOutput::publish() {
  std::uint64_t held = letters_.size();
  for (const Priority priority : priorities) {
    const Lane& l = lane(priority);
    held += (l.open ? l.open->size() : 0) + port_.waiting(priority) + l.next.size();
  }
  pending_.store(held, std::memory_order_release);
  in_motion_.store(0, std::memory_order_release);
}

std::string_view ReactorOutput::why(Reason refused_with) const {
  why_ = node_.why_refused(refused_with);
  return why_;
}

Left ReactorOutput::abandon() {
  Left sum;
  auto end = [&](Batch& batch) {
    sum.add(batch, node_.remains);
    node_.counters.consume(Fate::abandoned, batch.size(), Reason::shutdown);
    batch.settle(Fate::abandoned, Reason::shutdown);
  };
  for (const Priority priority : priorities) {
    Lane& l = lane(priority);
    if (Batch waiting = port_.give_up(priority); !waiting.empty()) end(waiting);
    if (!l.next.empty()) end(l.next);
    if (l.open && !l.open->empty()) {
      l.info.first_id = node_.next_ids(l.open->size());
      Batch batch = l.open->seal(l.info);
      end(batch);
    }
  }
  if (!letters_.empty()) end(letters_);
  publish();
  return sum;
}

}  // namespace weir::pipeline
