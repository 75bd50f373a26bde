#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "pipeline/source_node.h"
#include "pipeline/worker.h"

namespace weir::pipeline {

SourceOutlet::SourceOutlet(SourceNode& node, boost::asio::io_context& reactor, Bytes batch_bytes)
    : node_(node), reactor_(reactor), batch_bytes_(batch_bytes), port_(node.route, node.counters), later_(reactor) {
  for (Inlet* inlet : node.route.required_inlets()) inlet->add_listener(*this);
  if (node.dead_letters) node.dead_letters->inlet.add_listener(*this);
}

Bytes SourceOutlet::cost(std::size_t bytes, std::size_t events) const { return node_.route.cost(bytes, events); }

bool SourceOutlet::paused(Class cls) const {
  if (!port_.paused(cls)) return false;
  const_cast<SourceOutlet*>(this)->arm();  // look again after arming, or the wake-up could fall in between
  return port_.paused(cls);
}

void SourceOutlet::push(Batch batch, Ticket spare) {
  Lane& l = lane(batch.cls());
  WEIR_CHECK(!is_stuck(l));
  if (l.open && !l.open->empty()) flush(l);  // what came before goes before
  node_.counters.in.fetch_add(batch.size(), std::memory_order_release);
  node_.counters.bytes.fetch_add(batch.load().bytes.count(), std::memory_order_relaxed);
  if (is_stuck(l)) {
    l.next = std::move(batch);  // the open batch filled the edge; ready() is false now, so there is never a second
    l.next_spare = std::move(spare);
  } else {
    board(l, std::move(batch), std::move(spare));
    send(l);
  }
  publish();
}

void SourceOutlet::add(std::string_view event, Class cls, Receipt* receipt, Ticket part) {
  Lane& l = lane(cls);
  WEIR_CHECK(!is_stuck(l));
  if (!l.open) l.open = std::make_unique<BatchBuilder>(BatchBuilder::Limits{batch_bytes_, 1024});
  if (!l.open->fits(event.size())) flush(l);
  if (l.open->empty()) {
    l.info = BatchInfo{};
    l.info.cls = cls;
    l.info.received = node_.context().now();
    l.info.received_wall = node_.context().wall();
  }
  node_.counters.in.fetch_add(1, std::memory_order_release);
  node_.counters.bytes.fetch_add(event.size(), std::memory_order_relaxed);
  l.open->add(event, receipt);
  l.open->absorb(std::move(part));
  publish();
  schedule_flush();
}

void SourceOutlet::schedule_flush() {
  if (std::exchange(flush_scheduled_, true)) return;
  boost::asio::post(reactor_, [this] {
    flush_scheduled_ = false;
    flush();
  });
}

void SourceOutlet::flush() {
  for (Lane& l : lanes_)
    if (l.open && !l.open->empty() && !is_stuck(l)) flush(l);
  publish();
}

void SourceOutlet::flush(Lane& l) {
  l.info.first_id = node_.next_ids(l.open->size());
  Ticket spare;
  Batch batch = l.open->seal(l.info, &spare);
  board(l, std::move(batch), std::move(spare));
  send(l);
}

void SourceOutlet::board(Lane& l, Batch batch, Ticket spare) {
  if (!l.stuck) l.stuck.emplace(node_.route, std::max(batch_bytes_, 64_KiB));
  l.stuck->board(std::move(batch), std::move(spare));
}

void SourceOutlet::send(Lane& l) {
  // Until nothing more fits: a prefix that the stages left nothing of fills no inlet, so nobody would wake us for the
  // rest.
  Port::Progress progress{.sent = 1};
  while (progress.sent > 0 && !l.stuck->empty()) {
    in_motion_.store(l.stuck->batch.size(), std::memory_order_release);
    arm();
    progress = port_.push(*l.stuck, node_.context().now(), node_.context().wall());
  }
  if (!l.stuck->empty()) {
    if (progress.later > Duration{0}) come_later(progress.later, l.stuck->batch.size());
    return;
  }
  l.stuck->spare = Ticket{};
  if (l.next.empty()) return;
  board(l, std::move(l.next), std::move(l.next_spare));
  send(l);
}

void SourceOutlet::come_later(Duration wait, std::uint64_t events) {
  // What the stage asks for is the wait of one event; all that stand behind it have theirs still to come.
  const TimePoint now = node_.context().now();
  node_.hold_until(now + wait * static_cast<Duration::rep>(events));
  if (later_at_ > now && later_at_ <= now + wait) return;  // another class is asked again before
  later_at_ = now + wait;
  later_.expires_after(wait);
  later_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_room_now();
  });
}

void SourceOutlet::dead_letter(std::string_view event, Reason reason, std::string_view why,
                               std::optional<EventPlace> place, Receipt* receipt) {
  WEIR_CHECK(coffin_.empty());
  const std::string text = dead_letter_json({event, reason, why, node_.name, 1, node_.context().wall(), place});
  BatchBuilder builder({batch_bytes_, 1});
  builder.add(text, receipt);
  BatchInfo info;
  info.received = node_.context().now();
  info.received_wall = node_.context().wall();
  info.first_id = node_.next_ids(1);
  info.dead_letter = true;
  coffin_ = builder.seal(info);
  node_.counters.in.fetch_add(1, std::memory_order_release);
  node_.counters.because(reason, 1);
  send_dead_letters();
  publish();
}

void SourceOutlet::send_dead_letters() {
  if (coffin_.empty()) return;
  Inlet& grave = node_.dead_letters->inlet;
  arm();
  in_motion_.store(coffin_.size(), std::memory_order_release);
  node_.counters.consume(Fate::dead_lettered, grave.push_alone(coffin_, node_.context().now()));
}

void SourceOutlet::on_inlet_room() noexcept {
  boost::asio::post(reactor_, [this] { on_room_now(); });
}

void SourceOutlet::on_room_now() {
  send_dead_letters();
  for (Lane& l : lanes_)
    if (is_stuck(l)) send(l);
  flush();
  if (on_room) on_room();
}

void SourceOutlet::publish() {
  std::uint64_t held = coffin_.size();
  for (const Lane& l : lanes_)
    held += (l.open ? l.open->size() : 0) + (l.stuck ? l.stuck->batch.size() : 0) + l.next.size();
  pending_.store(held, std::memory_order_release);
  in_motion_.store(0, std::memory_order_release);
}

std::string_view SourceOutlet::why() const {
  why_ = node_.why_refused();
  return why_;
}

Inlet::Abandoned SourceOutlet::abandon() {
  Inlet::Abandoned sum;
  auto end = [&](Batch& batch) {
    sum.events += batch.size();
    batch.for_each_run([&](Receipt* receipt, std::uint32_t n) {
      if (!receipt) sum.unanswered += n;
    });
    node_.counters.consume(Fate::abandoned, batch.size(), Reason::shutdown);
    batch.settle(Fate::abandoned, Reason::shutdown);
  };
  for (Lane& l : lanes_) {
    if (is_stuck(l)) end(l.stuck->batch);
    if (!l.next.empty()) end(l.next);
    if (l.open && !l.open->empty()) {
      Batch batch = l.open->seal(l.info);
      end(batch);
    }
  }
  if (!coffin_.empty()) end(coffin_);
  publish();
  return sum;
}

}  // namespace weir::pipeline
