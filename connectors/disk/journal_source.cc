#include "journal_source.h"

#include <weir/base/terminal_text.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

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

std::unique_ptr<Intake> JournalSource::intake(const IntakeSetup& setup) {
  return std::make_unique<JournalIntake>(setup, journal_, place_);
}

JournalIntake::JournalIntake(const IntakeSetup& setup, std::shared_ptr<DiskJournal> journal, DiskJournal::Place& place)
    : io_(setup.reactor),
      output_(setup.output),
      journal_(std::move(journal)),
      place_(place),
      reader_(journal_->log(), journal_->log().position(*place.consumer)),
      timer_(setup.reactor),
      open_ranges_(most_open_ranges) {
  text_.reserve(gather_bytes);
  place_.consumer->on_more = [this] {
    if (!idle_.exchange(false, std::memory_order_acq_rel)) return;
    boost::asio::post(io_, [this, alive = alive_] {
      if (*alive) schedule();
    });
  };
}

JournalIntake::~JournalIntake() {
  *alive_ = false;
  output_.on_room = nullptr;
  place_.consumer->on_more = nullptr;  // the writer has ended before, or there never was one
}

void JournalIntake::start() {
  output_.on_room = [this] { schedule(); };
  progress_ = output_.context().now();
  schedule();
}

void JournalIntake::stop(Duration) {
  stopping_ = true;
  progress_ = output_.context().now();
  schedule();
}

void JournalIntake::abandon() {
  stopping_ = over_ = true;
  publish();
}

bool JournalIntake::quiet() const {
  return quiet_.load(std::memory_order_acquire) &&
         (over_ || read_to_.load(std::memory_order_acquire) >= journal_->log().end().sequence);
}

void JournalIntake::schedule() {
  if (std::exchange(scheduled_, true)) return;
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    turn();
  });
}

void JournalIntake::sleep(Duration time) {
  timer_.expires_after(time);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) schedule();
  });
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
  if (next == Next::more) return schedule();
  sleep(next == Next::soon ? Duration(soon) : Duration(later));
}

JournalIntake::Next JournalIntake::give_one(TimePoint now) {
  if (used_ == most_open_ranges) return Next::later;
  const auto record = reader_.next();
  tell_losses();
  if (!record) {
    if (!std::exchange(said_error_, true))
      log::warn({"journal", journal_->name()}, "consumer {}: {}; it is tried again", place_.consumer->config.name,
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
  if (used_ == 0) place_.oldest_wall.store(first.header.received_wall, std::memory_order_relaxed);
  const BatchInfo info = first.info(now);
  if (output_.paused(info.priority) || !output_.ready(info.priority)) return Next::later;
  const bool large = first.text.size() > gather_bytes || first.header.events > gather_events;
  const auto bytes = large ? first.text.size() : gather_bytes;
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
  return info.priority == info_.priority && info.one_line_each == info_.one_line_each &&
         info.dead_letter == info_.dead_letter && info.first_id >= info_.first_id &&
         info.first_id - info_.first_id < (1u << 30) && text_.size() + record.text.size() <= gather_bytes &&
         index_.size() + record.header.events <= gather_events;
}

void JournalIntake::give(std::string_view text, const BatchInfo& info, Ticket ticket) {
  const auto n = static_cast<std::uint32_t>(index_.size());
  OpenRange& piece = at(used_++);
  piece.receipt.emplace(*this);
  piece.receipt->waiter = &piece;
  piece.settled = piece.lost = false;
  piece.wall = info.received_wall.time_since_epoch().count();
  piece.end = reader_.position();
  piece.receipt->owe(n);
  const Batch::Run run{&*piece.receipt, n};
  const Bytes size = block_size(text.size(), n, 1);
  const Bytes on_the_way = output_.cost(text.size(), n) - size;
  Ticket charge = ticket.split(std::min(size, ticket.amount()));
  Ticket spare = ticket.split(std::min(on_the_way, ticket.amount()));
  output_.push(make_batch(text, index_, {&run, 1}, info, std::move(charge)), std::move(spare));
  piece.receipt->done_reading();
}

void JournalIntake::on_settled(Receipt& receipt) noexcept {
  Receipt* before = settled_.load(std::memory_order_relaxed);
  do receipt.next = before;
  while (!settled_.compare_exchange_weak(before, &receipt, std::memory_order_acq_rel));
  if (before) return;  // it has been logged already
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    collect();
    schedule();
  });
}

void JournalIntake::collect() {
  for (Receipt* receipt = settled_.exchange(nullptr, std::memory_order_acq_rel); receipt;) {
    Receipt* const next = receipt->next;
    OpenRange& piece = *static_cast<OpenRange*>(receipt->waiter);
    piece.settled = true;
    // What a stop gave up does not move the cursor: the next start reads it again.
    piece.lost = receipt->tally().of(Fate::abandoned) > 0;
    receipt = next;
  }
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
  if (to) journal_->log().settle(*place_.consumer, *to);
  if (used_ > 0) place_.oldest_wall.store(at(0).wall, std::memory_order_relaxed);
  publish();
}

void JournalIntake::tell_losses() {
  const auto losses = reader_.take_losses();
  if (losses.gone == 0 && losses.damaged == 0) return;
  auto& consumer = *place_.consumer;
  consumer.skipped.fetch_add(losses.gone, std::memory_order_relaxed);
  consumer.damaged.fetch_add(losses.damaged, std::memory_order_relaxed);
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
