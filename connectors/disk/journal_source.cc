#include "journal_source.h"

#include <weir/base/terminal_text.h>
#include <weir/component/push_events.h>
#include <algorithm>

#include "log/log.h"

namespace weir::disk {
namespace {

constexpr std::size_t turn_bytes = 256 << 10;   // then other work of the reactor is done
constexpr std::size_t gather_bytes = 64 << 10;  // small records travel together
constexpr std::size_t gather_events = 1024;
constexpr auto soon = std::chrono::milliseconds(2);  // memory is given back without a notification
constexpr auto later = std::chrono::milliseconds(250);
constexpr auto patience = std::chrono::seconds(1);  // when stopping: ends after so long without a settlement

}  // namespace

bool JournalSource::at_end() const {
  const auto status = journal_->status();
  const auto ours = std::ranges::find(status.consumers, age_.consumer->config.name, &JournalStatus::Consumer::name);
  return ours != status.consumers.end() && ours->lag_events == 0;
}

std::unique_ptr<Intake> JournalSource::intake(const IntakeSetup& setup) {
  return std::make_unique<JournalIntake>(setup, journal_, age_);
}

JournalIntake::JournalIntake(const IntakeSetup& setup, std::shared_ptr<DiskJournal> journal,
                             DiskJournal::ConsumerAge& age)
    : output_(setup.output),
      journal_(std::move(journal)),
      age_(age),
      reader_(journal_->log(), journal_->log().position(*age.consumer)),
      open_ranges_(most_open_ranges),
      task_(setup.reactor, [this] { turn(); }),
      inbox_([this] { task_.schedule(); }) {
  text_.reserve(gather_bytes);
  age_.consumer->on_more = [this] {
    if (idle_.exchange(false, std::memory_order_acq_rel)) task_.schedule();
  };
}

JournalIntake::~JournalIntake() {
  output_.on_room = nullptr;
  age_.consumer->on_more = nullptr;  // the writer has ended before, or there never was one
}

void JournalIntake::start() {
  output_.on_room = [this] { task_.schedule(); };
  progress_ = output_.context().now();
  task_.schedule();
}

void JournalIntake::stop(Duration) {
  stopping_ = true;
  progress_ = output_.context().now();
  task_.schedule();
}

void JournalIntake::abandon() {
  stopping_ = over_ = true;
  publish();
}

bool JournalIntake::quiet() const {
  return quiet_.load(std::memory_order_acquire) &&
         (over_ || read_to_.load(std::memory_order_acquire) >= journal_->log().end().sequence);
}

void JournalIntake::turn() {
  const auto now = output_.context().now();
  collect();
  if (used_ == 0 && quiet()) progress_ = now;  // without work there is no stall
  if (stopping_ && now - progress_ > patience) over_ = true;
  Next next = Next::more;
  const auto begin = reader_.position();
  while (!over_ && next == Next::more) {
    next = give_one(now);
    if (reader_.position().segment != begin.segment || reader_.position().offset > begin.offset + turn_bytes) break;
  }
  publish();
  if (over_) return;
  if (next == Next::more) return task_.schedule();
  task_.sleep(next == Next::soon ? Duration(soon) : Duration(later));
}

JournalIntake::Next JournalIntake::give_one(TimePoint now) {
  const auto record = reader_.next();
  tell_losses();
  if (used_ == most_open_ranges) return Next::later;
  if (!record) {
    if (!std::exchange(said_error_, true))
      log::warn({"journal", journal_->name()}, "consumer {}: {}; it is tried again", age_.consumer->config.name,
                terminal_text(record.error().message));
    return Next::later;
  }
  said_error_ = false;
  if (!*record) {
    idle_.store(true, std::memory_order_release);
    const auto again = reader_.next();  // it may have come before the flag was up
    if (!again || !*again) return Next::later;
    idle_.store(false, std::memory_order_release);
    return Next::more;
  }
  const journal::RecordView& first = **record;
  if (used_ == 0) age_.oldest_wall.store(first.header.received_wall, std::memory_order_relaxed);
  const BatchInfo info = first.info(now);
  if (output_.paused(info.priority) || !output_.ready(info.priority)) return Next::later;
  const bool large = first.text.size() > gather_bytes || first.header.events > gather_events;
  const auto bytes = (large ? first.text.size() : gather_bytes) + first.attributes.size();
  auto ticket = output_.reserve(output_.cost(bytes, large ? first.header.events : gather_events) + Receipt::charge);
  if (!ticket) return Next::soon;
  info_ = info;
  text_.clear();
  index_.clear();
  if (large) {
    first.append_to(index_);
    reader_.step();  // its text stays until the next one is looked for
    give(first.text, info_, std::move(*ticket));
  } else {
    gather(first);
    give(text_, info_, std::move(*ticket));
  }
  return Next::more;
}

/// Small records that follow each other and are of one kind become one piece.
void JournalIntake::gather(const journal::RecordView& first) {
  text_ = first.text;
  first.append_to(index_);
  reader_.step();
  for (;;) {
    const auto next = reader_.next();
    if (!next || !*next || !goes_with(**next)) return;
    text_ += (*next)->text;
    (*next)->append_to(index_, static_cast<std::uint32_t>((*next)->header.first_id - info_.first_id));
    reader_.step();
  }
}

bool JournalIntake::goes_with(const journal::RecordView& record) const {
  const auto info = record.info(info_.received);
  const bool has_place = info.place || info_.place;  // its events count from there: they travel alone
  return !has_place && info.priority == info_.priority && info.one_line_each == info_.one_line_each &&
         info.dead_letter == info_.dead_letter && info.first_id >= info_.first_id &&
         info.first_id - info_.first_id < (1u << 30) && text_.size() + record.text.size() <= gather_bytes &&
         index_.size() + record.header.events <= gather_events;
}

void JournalIntake::give(std::string_view text, const BatchInfo& info, Ticket ticket) {
  const auto n = static_cast<std::uint32_t>(index_.size());
  OpenRange& piece = at(used_++);
  piece.receipt.emplace(inbox_);
  piece.receipt->waiter = &piece;
  piece.settled = piece.lost = false;
  piece.wall = info.received_wall.time_since_epoch().count();
  piece.end = reader_.position();
  piece.receipt->owe(n);
  push_copy(output_, text, index_, &*piece.receipt, info, ticket);
  piece.receipt->done_reading();
}

void JournalIntake::collect() {
  inbox_.collect([](Receipt& receipt) {
    OpenRange& piece = *static_cast<OpenRange*>(receipt.waiter);
    piece.settled = true;
    // What a stop gave up has no fate: the next start reads it again.
    piece.lost = receipt.tally().of(Fate::abandoned) > 0;
  });
  advance();
}

void JournalIntake::advance() {
  std::optional<journal::Position> to;
  while (used_ > 0 && at(0).settled) {
    stuck_ = stuck_ || at(0).lost;
    if (!stuck_) to = at(0).end;
    at(0).receipt.reset();
    head_ = (head_ + 1) % most_open_ranges;
    --used_;
    progress_ = output_.context().now();
  }
  if (to) journal_->log().settle(*age_.consumer, *to);
  if (used_ > 0) age_.oldest_wall.store(at(0).wall, std::memory_order_relaxed);
  publish();
}

void JournalIntake::tell_losses() {
  const auto losses = reader_.take_losses();
  if (losses.gone == 0 && losses.damaged == 0) return;
  auto& consumer = *age_.consumer;
  consumer.skipped.fetch_add(losses.gone, std::memory_order_relaxed);
  consumer.damaged.fetch_add(losses.damaged, std::memory_order_relaxed);
  if (losses.gone)
    log::warn({"journal", journal_->name()},
              "{} events are given up that consumer {} had not read: the journal was full, or they were older than "
              "`keep`; they are counted",
              losses.gone, consumer.config.name);
  if (losses.damaged)
    log::error({"journal", journal_->name()},
               "{} events for consumer {} cannot be read from the disk any more; they are counted", losses.damaged,
               consumer.config.name);
}

void JournalIntake::publish() {
  read_to_.store(reader_.position().sequence, std::memory_order_release);
  quiet_.store(used_ == 0, std::memory_order_release);
}

}  // namespace weir::disk
