#include "intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "events.h"

namespace weir::kafka {
namespace {

constexpr int pieces_a_turn = 4;                     // then other work of the reactor is done
constexpr auto soon = std::chrono::milliseconds(2);  // memory is given back without a notification
constexpr auto later = std::chrono::milliseconds(250);
constexpr std::size_t letter_bytes = 8 << 10;

}  // namespace

KafkaIntake::KafkaIntake(const IntakeSetup& setup, const IntakeConfig& config, Handoff& handoff, Poller& poller)
    : config_(config),
      output_(setup.output),
      handoff_(handoff),
      poller_(poller),
      slots_(most_pieces),
      task_(setup.reactor, [this] { turn(); }),
      inbox_([this] { task_.schedule(); }) {
  for (std::uint32_t i = most_pieces; i-- > 0;) free_.push_back(i);
  handoff_.on_run = [this] { task_.schedule(); };
  if (!config.priorities.from_body()) return;
  auto reader = FieldReader::compile(config.priorities.path, config.max_event);
  WEIR_CHECK(reader.has_value());  // the source has compiled it before
  field_.emplace(std::move(*reader));
}

KafkaIntake::~KafkaIntake() {
  poller_.join();
  output_.on_room = nullptr;
}

void KafkaIntake::start() {
  output_.on_room = [this] { task_.schedule(); };
  started_ = true;
  poller_.start([finished = finished_] { finished->store(true, std::memory_order_release); });
  task_.schedule();
}

void KafkaIntake::stop(Duration) {
  stopping_ = true;
  let_go();
  if (!started_) finished_->store(true, std::memory_order_release);
  poller_.stop();
  task_.schedule();
}

void KafkaIntake::abandon() {
  stopping_ = true;
  let_go();
  if (writing_letters_) {  // they are not delivered any more
    writing_letters_->receipt->settle(static_cast<std::uint32_t>(letters_.size()), Fate::abandoned, Reason::shutdown);
    writing_letters_ = nullptr;
    run_.reset();
  }
  poller_.stop();
  poller_.abandon();
}

/// A piece that nothing of was given.
void KafkaIntake::let_go() {
  if (!run_ || writing_letters_) return;
  handoff_.give_back(*run_);
  run_.reset();
}

void KafkaIntake::turn() {
  const auto now = output_.context().now();
  collect(now);
  Next next = Next::more;
  for (int i = 0; i < pieces_a_turn && next == Next::more; ++i) next = give_one(now);
  if (next == Next::more) return task_.schedule();
  if (!quiet()) task_.sleep(next == Next::soon ? Duration(soon) : Duration(later));
}

void KafkaIntake::collect(TimePoint now) {
  inbox_.collect([&](Receipt& receipt) {
    Slot& slot = *static_cast<Slot*>(receipt.waiter);
    const auto tally = receipt.tally();
    const bool abandoned = tally.of(Fate::abandoned) > 0;
    const bool failed = abandoned || (config_.keep_failed && tally.of(Fate::failed) > 0);
    handoff_.settle(slot.partition, slot.epoch, slot.number, failed, now);
    unacked_ -= slot.events;
    slot.receipt.reset();
    free_.push_back(static_cast<std::uint32_t>(&slot - slots_.data()));
  });
}

bool KafkaIntake::flow_takes() const {
  const auto takes = [&](Priority priority) { return !output_.paused(priority) && output_.ready(priority); };
  const auto& rule = config_.priorities;
  return takes(rule.fallback) && std::ranges::all_of(rule.map, takes, [](const auto& entry) { return entry.second; });
}

bool KafkaIntake::take(TimePoint now) {
  if (run_ && !handoff_.is_current(*run_)) let_go();
  if (run_) return true;
  run_ = handoff_.take(now);
  if (!run_) return false;
  gather();
  return true;
}

KafkaIntake::Next KafkaIntake::give_one(TimePoint now) {
  if (writing_letters_ && !write_letters()) return Next::soon;
  if (stopping_ || free_.empty() || !take(now)) return Next::later;
  if (unacked_ > 0 && unacked_ + run_->messages.size() > config_.max_unacked) return Next::later;
  if (!flow_takes()) return Next::later;
  Bytes worst = output_.cost(text_.size(), index_.size()) + Receipt::charge;
  if (!priorities_.empty()) worst += block_size(text_.size(), index_.size(), priority_count);
  auto ticket = output_.reserve(worst);
  if (!ticket) return Next::soon;
  Slot& slot = fill_slot();
  Receipt& receipt = *slot.receipt;
  receipt.owe(static_cast<std::uint32_t>(index_.size() + letters_.size()));
  count_what_is_left_out();
  if (letters_.empty())
    run_.reset();
  else
    writing_letters_ = &slot;
  if (!index_.empty()) give(receipt, std::move(*ticket), now);
  receipt.done_reading();
  return Next::more;
}

KafkaIntake::Slot& KafkaIntake::fill_slot() {
  Slot& slot = slots_[free_.back()];
  free_.pop_back();
  slot.receipt.emplace(inbox_);
  slot.receipt->waiter = &slot;
  slot.partition = run_->partition;
  slot.epoch = run_->epoch;
  slot.number = run_->number;
  slot.events = static_cast<std::uint32_t>(run_->messages.size());
  unacked_ += slot.events;
  return slot;
}

/// False: the target does not take one now.
bool KafkaIntake::write_letters() {
  while (!letters_.empty()) {
    if (!output_.dead_letters_ready()) return false;
    const rd_kafka_message_t& message = *letters_.back();
    const auto value = value_of(message);
    const EventPosition place{place_->name, static_cast<std::uint64_t>(message.offset)};
    if (is_tombstone(message))
      output_.dead_letter({}, Reason::malformed, "it has no value", place, &*writing_letters_->receipt);
    else
      output_.dead_letter(value.substr(0, letter_bytes), Reason::event_too_large,
                          fmt::format("an event of {} bytes; these are its first {}", value.size(),
                                      std::min(value.size(), letter_bytes)),
                          place, &*writing_letters_->receipt);
    letters_.pop_back();
  }
  writing_letters_ = nullptr;
  run_.reset();
  return true;
}

}  // namespace weir::kafka
