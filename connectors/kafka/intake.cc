#include "intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "events.h"

namespace weir::kafka {
namespace {

constexpr int pieces_a_turn = 4;                     // then other work of the reactor has its turn
constexpr auto soon = std::chrono::milliseconds(2);  // memory comes back without a word
constexpr auto later = std::chrono::milliseconds(250);
constexpr std::size_t letter_bytes = 8 << 10;

}  // namespace

KafkaIntake::KafkaIntake(const IntakeSetup& setup, const IntakeConfig& config, Exchange& exchange, Poller& poller)
    : config_(config),
      io_(setup.reactor),
      outlet_(setup.outlet),
      exchange_(exchange),
      poller_(poller),
      timer_(setup.reactor),
      slots_(most_pieces) {
  for (std::uint32_t i = most_pieces; i-- > 0;) free_.push_back(i);
  exchange_.on_piece = [this, alive = alive_] {
    boost::asio::post(io_, [this, alive] {
      if (*alive) schedule();
    });
  };
  if (!config.classes.from_body()) return;
  auto reader = FieldReader::compile(config.classes.path, config.max_event);
  WEIR_CHECK(reader.has_value());  // the source has compiled it before
  field_.emplace(std::move(*reader));
}

KafkaIntake::~KafkaIntake() {
  poller_.join();
  *alive_ = false;
  outlet_.on_room = nullptr;
}

void KafkaIntake::start() {
  outlet_.on_room = [this] { schedule(); };
  started_ = true;
  poller_.start([finished = finished_] { finished->store(true, std::memory_order_release); });
  schedule();
}

void KafkaIntake::stop(Duration) {
  stopping_ = true;
  let_go();
  if (!started_) finished_->store(true, std::memory_order_release);
  poller_.stop();
  schedule();
}

void KafkaIntake::abandon() {
  stopping_ = true;
  let_go();
  if (burying_) {  // they go nowhere any more
    burying_->receipt->settle(static_cast<std::uint32_t>(letters_.size()), Fate::abandoned, Reason::shutdown);
    burying_ = nullptr;
    piece_.reset();
  }
  poller_.stop();
  poller_.abandon();
}

/// A piece that nothing of was given.
void KafkaIntake::let_go() {
  if (!piece_ || burying_) return;
  exchange_.give_back(*piece_);
  piece_.reset();
}

void KafkaIntake::schedule() {
  if (std::exchange(scheduled_, true)) return;
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    turn();
  });
}

void KafkaIntake::sleep(Duration time) {
  timer_.expires_after(time);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) schedule();
  });
}

void KafkaIntake::turn() {
  const auto now = outlet_.context().now();
  collect(now);
  Next next = Next::more;
  for (int i = 0; i < pieces_a_turn && next == Next::more; ++i) next = give_one(now);
  if (next == Next::more) return schedule();
  if (!quiet()) sleep(next == Next::soon ? Duration(soon) : Duration(later));
}

void KafkaIntake::collect(TimePoint now) {
  for (Receipt* receipt = settled_.exchange(nullptr, std::memory_order_acq_rel); receipt;) {
    Receipt* const next = receipt->next;
    Slot& slot = *static_cast<Slot*>(receipt->waiter);
    const auto tally = receipt->tally();
    const bool abandoned = tally.of(Fate::abandoned) > 0;
    const bool failed = abandoned || (config_.keep_failed && tally.of(Fate::failed) > 0);
    exchange_.settle(slot.partition, slot.epoch, slot.number, failed, now);
    unacked_ -= slot.events;
    slot.receipt.reset();
    free_.push_back(static_cast<std::uint32_t>(&slot - slots_.data()));
    receipt = next;
  }
}

void KafkaIntake::on_settled(Receipt& receipt) noexcept {
  Receipt* before = settled_.load(std::memory_order_relaxed);
  do receipt.next = before;
  while (!settled_.compare_exchange_weak(before, &receipt, std::memory_order_acq_rel));
  if (before) return;  // somebody has said so already
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    collect(outlet_.context().now());
    schedule();
  });
}

bool KafkaIntake::flow_takes() const {
  const auto takes = [&](Class cls) { return !outlet_.paused(cls) && outlet_.ready(cls); };
  const auto& rule = config_.classes;
  return takes(rule.fallback) && std::ranges::all_of(rule.map, takes, [](const auto& entry) { return entry.second; });
}

bool KafkaIntake::take(TimePoint now) {
  if (piece_ && !exchange_.is_current(*piece_)) let_go();
  if (piece_) return true;
  piece_ = exchange_.take(now);
  if (!piece_) return false;
  gather();
  return true;
}

KafkaIntake::Next KafkaIntake::give_one(TimePoint now) {
  if (burying_ && !bury()) return Next::soon;
  if (stopping_ || free_.empty() || !take(now)) return Next::later;
  if (unacked_ > 0 && unacked_ + piece_->messages.size() > config_.max_unacked) return Next::later;
  if (!flow_takes()) return Next::later;
  Bytes worst = outlet_.cost(text_.size(), index_.size()) + Receipt::charge;
  if (!classes_.empty()) worst += block_size(text_.size(), index_.size(), class_count);
  auto ticket = outlet_.reserve(worst);
  if (!ticket) return Next::soon;
  Slot& slot = fill_slot();
  Receipt& receipt = *slot.receipt;
  receipt.owe(static_cast<std::uint32_t>(index_.size() + letters_.size()));
  count_what_is_left_out();
  if (letters_.empty())
    piece_.reset();
  else
    burying_ = &slot;
  if (!index_.empty()) give(receipt, std::move(*ticket), now);
  receipt.done_reading();
  return Next::more;
}

KafkaIntake::Slot& KafkaIntake::fill_slot() {
  Slot& slot = slots_[free_.back()];
  free_.pop_back();
  slot.receipt.emplace(*this);
  slot.receipt->waiter = &slot;
  slot.partition = piece_->partition;
  slot.epoch = piece_->epoch;
  slot.number = piece_->number;
  slot.events = static_cast<std::uint32_t>(piece_->messages.size());
  unacked_ += slot.events;
  return slot;
}

/// False: the target does not take one now.
bool KafkaIntake::bury() {
  while (!letters_.empty()) {
    if (!outlet_.dead_letters_ready()) return false;
    const rd_kafka_message_t& message = *letters_.back();
    const auto value = value_of(message);
    const EventPlace place{*place_, static_cast<std::uint64_t>(message.offset)};
    if (is_tombstone(message))
      outlet_.dead_letter({}, Reason::malformed, "it has no value", place, &*burying_->receipt);
    else
      outlet_.dead_letter(value.substr(0, letter_bytes), Reason::event_too_large,
                          fmt::format("an event of {} bytes; these are its first {}", value.size(),
                                      std::min(value.size(), letter_bytes)),
                          place, &*burying_->receipt);
    letters_.pop_back();
  }
  burying_ = nullptr;
  piece_.reset();
  return true;
}

}  // namespace weir::kafka
