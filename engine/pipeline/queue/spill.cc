// The state machine that moves events. Its status, and how it ends, are in spill_end.cc.
#include "pipeline/queue/spill.h"

#include <weir/base/terminal_text.h>

#include <algorithm>

#include "log/log.h"

namespace weir::pipeline {
namespace {

constexpr Load written_at_once{1024, 1_MiB};  // taken and written at once; a larger event alone
constexpr std::size_t turn_bytes = 1 << 20;   // given back before the front has its turn
constexpr Duration housekeeping = std::chrono::seconds(1);
constexpr Duration soon = std::chrono::milliseconds(2);     // memory is given back without a notification
constexpr Duration again = std::chrono::milliseconds(200);  // a full disk is tried again

journal::LogConfig log_config(const config::SpillConfig& spill) {
  journal::LogConfig config;
  config.path = spill.path;
  config.max_bytes = spill.max_bytes;
  config.segment = journal::usual_segment(spill.max_bytes);
  config.durability = journal::Durability::none;
  config.spares = 1;
  return config;
}

}  // namespace

flow::EdgeConfig spill_front(flow::EdgeConfig queue) {
  queue.bound = {std::max<std::uint64_t>(1, queue.bound.events - queue.bound.events / 2),
                 queue.bound.bytes - Bytes(queue.bound.bytes.count() / 2)};
  queue.when_full = flow::WhenFull::block;
  queue.order = flow::Order::fifo;
  queue.max_wait.reset();
  queue.codel.reset();
  queue.expire_after.reset();
  return queue;
}

flow::EdgeConfig spill_back(flow::EdgeConfig queue) {
  queue.bound = {std::max<std::uint64_t>(1, queue.bound.events / 2), Bytes(queue.bound.bytes.count() / 2)};
  queue.when_full = flow::WhenFull::block;
  return queue;
}

Spill::Spill(Setup setup, SinkQueue& front, const Budget& process, const Context& context, journal::Disk& disk)
    : name_(std::move(setup.name)),
      config_(std::move(setup.config)),
      front_(front),
      back_(front.index(), name_, spill_back(setup.queue), setup.seed, setup.floor_events),
      process_(process),
      context_(context),
      age_(context),
      disk_(disk),
      read_back_(setup.read_back),
      receipts_([this] { front_.interrupt(); }) {
  back_.add_listener(*this);
  front_.read_on(true);
  told_.path = config_.path;
  told_.max_bytes = config_.max_bytes;
}

Result<void> Spill::open() {
  auto log = journal::Log::open(disk_, log_config(config_), context_);
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  auto consumer = log_->add_consumer({"spill"});
  if (!consumer) return std::unexpected(consumer.error());
  consumer_ = *consumer;
  for (const auto& note : log_->notes()) log::warn({"sink", name_}, "spill: {}", terminal_text(note));
  reader_.emplace(*log_, log_->position(*consumer_));
  const auto events = on_disk();
  recovered_end_ = log_->end().sequence;
  disk_bytes_ = log_->consumers().front().lag_bytes;
  receipts_.put_unowed(events);
  held_ = events;
  {
    const std::lock_guard lock(status_);
    told_.recovered = events;
  }
  if (events > 0) log::info({"sink", name_}, "{} events that an earlier run had spilled go first", events);
  publish();
  return {};
}

std::uint64_t Spill::on_disk() const { return log_->end().sequence - reader_->position().sequence; }

void Spill::start() {
  thread_ = std::thread([this] { run(); });
}

void Spill::run() {
  std::uint64_t seen = 0;
  while (true) {
    const Next next = step();
    switch (next.need) {
      case Need::nothing: break;
      case Need::finished: return;
      case Need::arrivals: front_.wait(next.wait, seen); break;
      case Need::room: front_.wait_interruptible(next.wait, seen); break;
    }
  }
}

Spill::Next Spill::step() {
  if (stopping_.load()) return {Need::finished, Duration{0}};
  const TimePoint now = context_.now();
  collect();
  if (now >= tick_at_) {
    log_->tick();
    tick_at_ = now + housekeeping;
  }
  bool moved = give_back(now);
  if (hand_.empty()) moved = take(now) || moved;
  if (!hand_.empty()) moved = place(now) || moved;
  front_.read_on(hand_.empty());
  publish();
  if (moved) return {};
  const Duration wait = std::exchange(settled_, false) && on_disk() > 0 ? soon : hand_.empty() ? housekeeping : again;
  return {hand_.empty() ? Need::arrivals : Need::room, wait};
}

void Spill::collect() {
  const auto found = receipts_.collect();
  if (found.to) log_->settle(*consumer_, *found.to);
  settled_ = settled_ || found.any;
}

/// Events that are between two counters count as held, so that a stop does not overlook them.
std::uint32_t Spill::push_back(Batch& batch, TimePoint now) {
  arm();
  in_motion_.store(batch.size(), std::memory_order_release);
  const std::uint32_t n = back_.push_alone(batch, now);
  held_.fetch_sub(n, std::memory_order_release);
  in_motion_.store(0, std::memory_order_release);
  return n;
}

bool Spill::give_back(TimePoint now) {
  bool moved = false;
  for (std::size_t bytes = 0; bytes < turn_bytes;) {
    if (returning_.empty() && !read_one(now)) break;
    const Priority priority = returning_.priority();
    const auto before = returning_.load();
    const std::uint32_t n = push_back(returning_, now);
    if (n == 0) break;
    moved = true;
    bytes += before.bytes.count() - returning_.load().bytes.count() + n;
    auto& left = by_priority_[static_cast<std::size_t>(priority)];
    left -= std::min<std::uint64_t>(left, n);
  }
  return moved;
}

/// The next record becomes what is returning, if there is one and there is memory for it.
bool Spill::read_one(TimePoint now) {
  if (on_disk() == 0) return false;
  const auto record = reader_->next();
  step_over_losses();
  if (!record) {
    say(record.error().message);
    return false;
  }
  if (!*record) return false;
  const auto& header = (*record)->header;
  const auto text = (*record)->text;
  const auto size = (*record)->size;
  if (!receipts_.can_lend(header.events)) return false;
  // One that is larger than all of the memory for this travels alone.
  const auto runs = std::min<std::size_t>(header.events, SpillReceipts::most_lent);
  const auto bytes = text.size() + (*record)->attributes.size();
  auto ticket = read_back_.try_take(std::min(block_size(bytes, header.events, runs), read_back_.total()));
  if (!ticket) return false;
  index_.clear();
  runs_.clear();
  (*record)->append_to(index_);
  BatchInfo info = (*record)->info(now);
  // It has aged on the disk.
  info.received = now - age_.of(info.received_wall, context_);
  const bool of_this_life = header.sequence >= recovered_end_;
  if (!of_this_life) by_priority_[static_cast<std::size_t>(info.priority)] += header.events;
  disk_bytes_ -= std::min<std::uint64_t>(disk_bytes_, size);
  auto end = reader_->position();
  end.sequence += header.events;
  end.offset += size;
  receipts_.lend(header.events, end, runs_);
  returning_ = make_batch(text, index_, runs_, info, std::move(*ticket));
  reader_->step();
  return true;
}

void Spill::step_over_losses() {
  const auto losses = reader_->take_losses();
  const auto lost = losses.gone + losses.damaged;
  if (lost == 0) return;
  log::error({"sink", name_}, "{} events cannot be read from {} any more: they have failed", lost, config_.path);
  held_.fetch_sub(lost, std::memory_order_release);
  receipts_.lose(lost);
  // Their priorities are not known: until the disk is empty all events go behind them.
  recovered_end_ = log_->end().sequence;
  by_priority_.fill(0);
  const std::lock_guard lock(status_);
  ended_[0] += lost;
}

bool Spill::take(TimePoint now) { return front_.try_take(written_at_once, now, hand_, &held_).any; }

bool Spill::is_behind(Priority priority) const {
  if (!returning_.empty() && returning_.priority() == priority) return true;
  return by_priority_[static_cast<std::size_t>(priority)] > 0 || reader_->position().sequence < recovered_end_;
}

bool Spill::is_pressed() const { return process_.used().count() / 4 >= process_.total().count() / 5; }

/// Moves to the back what may go there and to the disk what may not; what fits in neither stays in hand.
bool Spill::place(TimePoint now) {
  const auto before = hand_.size();
  std::vector<Batch> rest;
  std::uint32_t behind = 0;
  bool moved = false;
  for (Batch& batch : hand_) {
    const auto priority = batch.priority();
    const std::uint32_t bit = 1u << static_cast<unsigned>(priority);
    if (!(behind & bit) && !is_behind(priority) && !is_pressed()) moved = push_back(batch, now) > 0 || moved;
    if (batch.empty()) continue;
    behind |= bit;
    rest.push_back(std::move(batch));
  }
  hand_ = std::move(rest);
  if (hand_.empty()) {
    say({});
    return before > 0;
  }
  return place_on_disk() || moved;
}

bool Spill::place_on_disk() {
  if (!receipts_.has_room_for(hand_)) {
    say("too many senders wait for what is on the disk");
    return false;
  }
  if (auto written = log_->write(hand_); !written) {
    say(written.error().message, written.error().reason == Reason::disk_full);
    return false;
  }
  std::uint64_t events = 0;
  for (Batch& batch : hand_) {
    receipts_.put(batch);
    by_priority_[static_cast<std::size_t>(batch.priority())] += batch.size();
    disk_bytes_ += journal::record_size(batch);
    events += batch.size();
    batch.dissolve();
  }
  hand_.clear();
  say_that_it_spills();
  const std::lock_guard lock(status_);
  told_.total += events;
  return true;
}

}  // namespace weir::pipeline
