#include "pipeline/delivery/worker.h"

#include <fmt/format.h>

#include "log/log.h"
#include "pipeline/delivery/dead_letter.h"

namespace weir::pipeline {
namespace {

constexpr Duration longest_sleep = std::chrono::seconds(1);
constexpr Duration longest_latency = std::chrono::seconds(1);
constexpr std::size_t dead_letters_at_once =
    256;  // bounds the waiting letters: one push to the dead letters' sink queue

/// For a limit on deliveries. A permanent refusal is an answer; a full journal says nothing of how busy the other side
/// is.
flow::CallEnd how_it_ended(const Delivery& delivery) {
  if (delivery.outcome != Delivery::Outcome::again) return flow::CallEnd::answered;
  return delivery.error.reason == Reason::journal_full ? flow::CallEnd::ignored : flow::CallEnd::failed;
}

}  // namespace

Worker::Worker(SinkNode& node, std::unique_ptr<Sink> sink, const Context& context)
    : node_(node), sink_(std::move(sink)), context_(context) {}

void Worker::run() {
  while (true) {
    const Next next = step();
    const TimePoint before = context_.now();
    switch (next.need) {
      case Need::nothing: continue;
      case Need::finished: sink_->close(); return;
      case Need::arrivals: node_.line().wait(next.wait, interrupts_seen_); break;
      case Need::time:
      case Need::dead_letter_room: node_.line().wait_interruptible(next.wait, interrupts_seen_); break;
    }
    auto& spent = next.need == Need::arrivals ? node_.idle_ns : node_.blocked_ns;
    spent.fetch_add(static_cast<std::uint64_t>((context_.now() - before).count()), std::memory_order_relaxed);
  }
}

void Worker::abandon() {
  abandoned_.store(true);
  {
    std::lock_guard lock(sinks_);
    sink_->cancel();
    if (new_sink_) new_sink_->cancel();
  }
  node_.line().interrupt();
}

void Worker::replace(std::unique_ptr<Sink> sink) {
  {
    std::lock_guard lock(sinks_);
    new_sink_ = std::move(sink);
  }
  node_.line().interrupt();
}

Result<std::string> Worker::on_hangup() {
  std::lock_guard lock(sinks_);
  return sink_->on_hangup();
}

void Worker::take_over_new_sink() {
  std::unique_ptr<Sink> old;
  {
    std::lock_guard lock(sinks_);
    if (!new_sink_) return;
    old = std::exchange(sink_, std::move(new_sink_));
  }
  old->close();
  not_before_ = {};  // what failed was the other one
}

Worker::Next Worker::step() {
  if (abandoned_.load()) return give_up();
  if (!dead_.empty()) return push_dead_letters();
  if (group_.empty()) return take();
  return attempt();
}

Worker::Next Worker::take() {
  auto limits = node_.batch();
  limits.most = node_.pace.at_most(limits.most);
  const TimePoint now = context_.now();
  if (limits.linger > Duration{0} && !node_.line().closed()) {
    const auto waiting = node_.line().pressure(now);
    if (waiting.waiting.events > 0 && waiting.waiting.fits_in(limits.most) && waiting.oldest_age < limits.linger)
      return {Need::time, std::min(longest_sleep, limits.linger - waiting.oldest_age)};
  }
  const auto taken = node_.line().try_take(limits.most, now, group_, &node_.in_hand);
  if (taken.any) {
    const Load load = group_load();
    node_.counters.in.fetch_add(load.events, std::memory_order_release);
    node_.counters.bytes.fetch_add(load.bytes.count(), std::memory_order_relaxed);
    failures_ = 0;
    retries_ = false;
    tried_before_ = paid_ = false;
    busy_ = Duration{0};
    node_.times.took(taken_ = now);
    return {};
  }
  // CoDel or expiry may have dropped everything that waited; the worker goes on in that case too.
  if (taken.closed && node_.line().empty()) return {Need::finished, Duration{0}};
  return {Need::arrivals, longest_sleep};
}

Load Worker::group_load() const {
  Load sum;
  for (const Batch& batch : group_) sum += batch.load();
  return sum;
}

PacedLoad Worker::next_piece() const {
  if (node_.pace.none()) return {};
  return {.load = paid_ ? Load{} : group_load(), .calls = 1};
}

Worker::Next Worker::attempt() {
  take_over_new_sink();
  const TimePoint now = context_.now();
  if (now < not_before_) return {Need::time, std::min(longest_sleep, not_before_ - now)};

  const PacedLoad piece = next_piece();
  if (const Duration wait = node_.pace.try_take(piece, now); wait > Duration{0})
    return {Need::time, std::min(longest_sleep, wait)};
  auto place = node_.at_once.try_start(waits_for_place_, now);
  if (!place) {
    node_.pace.give_back(piece, now);
    return {Need::time, longest_sleep};  // until another gives its place back
  }
  auto permit = node_.destination.try_start({.retry = retries_});
  if (!permit) {
    free(std::move(*place), flow::CallEnd::ignored, now);
    node_.pace.give_back(piece, now);
    return hold_back(permit.error(), now);
  }
  paid_ = true;
  node_.start_work(now);
  Delivery delivery = sink_->deliver(group_);
  const TimePoint after = context_.now();
  free(std::move(*place), how_it_ended(delivery), after);
  // The interval that the destination asks for, or that a rate leaves between deliveries, is part of the cost of an
  // event; without it, refusals at the door would promise a rate that the sink does not reach.
  busy_ += std::max({node_.stop_work(after), delivery.rest, node_.pace.least_time(piece)});
  node_.deliveries.fetch_add(1, std::memory_order_relaxed);

  if (delivery.outcome == Delivery::Outcome::again) {
    put_off(delivery, *permit, after);
  } else {
    permit->ok(delivery.rest);  // a permanent refusal is an answer: the remote end works
    went_well(std::move(delivery));
  }
  return {};
}

void Worker::free(DeliveryLimit::Place place, flow::CallEnd how, TimePoint now) {
  const bool more = !node_.at_once.none() && !node_.line().empty();
  if (node_.at_once.end(std::move(place), how, more, now)) node_.line().interrupt();
}

Worker::Next Worker::hold_back(const Rejection& why, TimePoint now) {
  const Duration wait = std::max(why.retry_after, Duration(std::chrono::milliseconds(1)));
  // An advertised rate limit is no failure: the door stays open.
  const bool pacing = why.reason == Reason::destination_hold && wait < longest_latency;
  if (!pacing) node_.set_blocked_until(now + wait, cause_of(why.reason));
  return {Need::time, std::min(longest_sleep, wait)};
}

/// That no retry is left is a consequence: what the attempts failed of is the cause, where it is known.
Reason Worker::cause_of(Reason held_back_by) const {
  if (node_.destination.stats().breaker != flow::BreakerState::closed) return Reason::breaker_open;
  const Reason by = node_.failing_by();
  const bool known = by != Reason::destination_failing && by != Reason::destination_hold;
  return held_back_by == Reason::retry_budget_empty && known ? by : held_back_by;
}

void Worker::put_off(const Delivery& delivery, async::Permit& permit, TimePoint now) {
  ++failures_;
  tried_before_ = true;
  paid_ = false;
  const Duration named = delivery.error.retry_after;
  const Reason because =
      delivery.error.reason.value_or(named > Duration{0} ? Reason::destination_hold : Reason::destination_failing);
  // A full journal is no failure, and waiting for it no load: it takes more as soon as its consumers have read on.
  const bool waits = because == Reason::journal_full;
  retries_ = !waits;
  if (waits) {
    permit.ignored();
    not_before_ = now + std::max(named, Duration(std::chrono::milliseconds(1)));
  } else if (named > Duration{0}) {
    permit.refused(named);
    not_before_ = now + named;
  } else {
    permit.failed();
    not_before_ = now + node_.destination.backoff(failures_);
  }
  node_.remember_error(delivery.error.message);
  node_.set_failing(because);
  const auto destination = node_.destination.stats();
  if (destination.breaker == flow::BreakerState::open)
    node_.set_blocked_until(std::max(not_before_, destination.next_probe_at), Reason::breaker_open);
  else
    node_.set_blocked_until(waits ? TimePoint{} : not_before_, because);
  if (failures_ == 1)
    log::warn({"sink", node_.name}, "{}; {} events wait, trying again", delivery.error.message, group_load().events);
}

void Worker::went_well(Delivery delivery) {
  if (failures_) log::info({"sink", node_.name}, "works again after {} failed attempts", failures_);
  node_.works_again();
  if (delivery.outcome == Delivery::Outcome::more)
    failures_ = 0, retries_ = false;
  else
    finish(std::move(delivery));
}

void Worker::finish(Delivery delivery) {
  const auto events = group_load().events;
  node_.served(events, busy_);
  std::vector<DeadLetter> dead;
  if (delivery.outcome == Delivery::Outcome::failed) {
    node_.remember_error(delivery.error.message);
    for (std::uint32_t b = 0; b < group_.size(); ++b)
      for (std::uint32_t e = 0; e < group_[b].size(); ++e)
        dead.push_back({b, e, Reason::sink_failed, delivery.error.message});
  } else {
    for (auto& refused : delivery.refused)
      dead.push_back({refused.batch, refused.event, Reason::sink_rejected, std::move(refused.why)});
    if (!dead.empty()) node_.remember_error(dead.front().why);
    node_.found_already({events, delivery.already, delivery.strange, tried_before_}, context_.now());
  }
  if (!dead.empty() && node_.dead_letters) return write_letters(std::move(dead));
  if (!dead.empty()) refuse_for_good(dead);
  settle_group(Fate::stored, dead, false);
}

/// Nothing keeps them: says so, in the words of whoever refuses them. A sender that waits is told that they have
/// failed; any other has been told that they were taken.
void Worker::refuse_for_good(const std::vector<DeadLetter>& dead) {
  std::uint64_t told = 0;
  for (const DeadLetter& d : dead)
    told +=
        node_.failure_fate == Fate::failed && group_[d.batch].carries_receipts() && group_[d.batch].receipt_of(d.event);
  node_.refused_for_good(dead.size(), told, dead.front().why, context_.now());
  std::string_view words = dead.front().why;
  if (const std::string name = "sink " + node_.name + ": "; words.starts_with(name)) words.remove_prefix(name.size());
  if (told == dead.size())
    log::warn({"sink", node_.name}, "{} events refused for good, as their senders are told: {}", dead.size(), words);
  else
    log::error({"sink", node_.name}, "{} events refused for good and lost (no dead_letter): {}", dead.size() - told,
               words);
}

// The delivered events are settled last, together with those that moved to the dead letters: the group stays in hand as
// a whole until then.
void Worker::write_letters(std::vector<DeadLetter> dead) {
  dead_ = std::move(dead);
  next_dead_ = 0;
}

Worker::Next Worker::push_dead_letters() {
  SinkNode& dead_letters = *node_.dead_letters;
  while (true) {
    if (letters_.empty()) {
      if (next_dead_ == dead_.size()) break;
      BatchBuilder builder({256_KiB, dead_letters_at_once});
      // The letters of one batch at a time: they keep its priority, its age and its receipts, if it has any.
      const Batch& from = group_[dead_[next_dead_].batch];
      while (next_dead_ < dead_.size() && &group_[dead_[next_dead_].batch] == &from) {
        const DeadLetter& d = dead_[next_dead_];
        const std::string text = dead_letter_json(
            {from[d.event], d.reason, d.why, node_.name, failures_ + 1, context_.wall(), from.place_of(d.event)});
        if (!builder.fits(text.size())) break;
        builder.add(text, from.receipt_of(d.event));
        ++next_dead_;
      }
      BatchInfo info = from.info();
      info.dead_letter = true;
      info.place = nullptr;  // each letter names its own place
      info.first_id = node_.ids.take(builder.size());
      letters_ = from.carries_receipts() ? builder.seal(info) : builder.seal_unowed(info);
    }
    const TimePoint now = context_.now();
    arm();
    const auto n = dead_letters.queue.push_alone(letters_, now);
    node_.waits_for_letters.store(n == 0, std::memory_order_relaxed);
    if (n == 0) return {Need::dead_letter_room, longest_sleep};
    node_.in_hand.fetch_sub(n, std::memory_order_release);
    node_.counters.consume(Fate::dead_lettered, n);
  }
  const auto dead = std::exchange(dead_, {});
  settle_group(Fate::stored, dead, true);
  return {};
}

void Worker::settle_group(Fate rest, std::span<const DeadLetter> exceptions, bool moved) {
  // Events leave `in_hand` before they are counted elsewhere: a ledger that is read in between may miss events, but
  // never sees them twice. Events that moved to the dead letters left `in_hand` when they moved.
  const auto events = group_load().events - (moved ? exceptions.size() : 0);
  node_.in_hand.fetch_sub(events, std::memory_order_release);
  node_.times.ended(group_, taken_, context_.now());
  std::vector<Batch::Ending> endings;
  for (std::uint32_t b = 0; b < group_.size(); ++b) {
    endings.clear();
    while (!exceptions.empty() && exceptions.front().batch == b) {
      endings.push_back({exceptions.front().event, node_.failure_fate, exceptions.front().reason, moved});
      exceptions = exceptions.subspan(1);
    }
    Batch& batch = group_[b];
    const bool letter = batch.info().dead_letter;
    node_.counters.consume(rest, batch.size() - endings.size());
    if (!moved)
      for (const auto& ending : endings) node_.counters.consume(ending.fate, 1, ending.reason);
    batch.settle(letter && rest == Fate::stored ? Fate::dead_lettered : rest, endings);
  }
  group_.clear();
}

/// At the deadline of a stop: ends each event of the group exactly once, wherever it is on its way to the dead letters.
///
///   dead_[0, next_dead_)    their letters are written: in the queue of the dead letters, or still in `letters_`
///   dead_[next_dead_, ...)  no letter yet: they are events of the group like any other
///
/// What an event of the first kind owes is owed by its letter. So the letters in the queue end there, those in
/// `letters_` end here, and for both the group only notes `moved`. With a spill the events themselves are saved:
/// letters that were not sent are dissolved and their events counted as not written again, since the event, not its
/// letter, has to come back after the next start.
///
/// `in_hand` counted each letter out when it was pushed. All of the group is subtracted below, so the letters that have
/// been pushed are added first; between the two a status shows too many events and never too few.
Worker::Next Worker::give_up() {
  node_.at_once.leave(waits_for_place_);
  if (node_.spill && !letters_.empty()) {  // the events themselves can be kept: they need no letters
    next_dead_ -= letters_.size();
    letters_.dissolve();
  }
  // Letters that are in the queue of the dead letters have moved: they end there. Events whose letters still wait, or
  // are not written yet, end here with their group.
  std::vector<DeadLetter> gone;
  if (!dead_.empty())
    gone.assign(std::make_move_iterator(dead_.begin()),
                std::make_move_iterator(dead_.begin() + static_cast<std::ptrdiff_t>(next_dead_)));
  dead_.clear();
  node_.in_hand.fetch_add(gone.size() - letters_.size(),
                          std::memory_order_release);  // they have left `in_hand` already
  if (!letters_.empty()) {
    left_.add(letters_, node_.remains());
    node_.counters.consume(Fate::abandoned, letters_.size(), Reason::shutdown);
    letters_.settle(Fate::abandoned, Reason::shutdown);
  }
  for (std::uint32_t b = 0; b < group_.size(); ++b) {
    std::vector<Batch::Ending> endings;
    for (const auto& d : gone)
      if (d.batch == b) endings.push_back({d.event, Fate::dead_lettered, d.reason, true});
    if (!node_.spill || !node_.spill->keep(group_[b], endings)) left_.add(group_[b], node_.remains(), endings);
    node_.counters.consume(Fate::abandoned, group_[b].size() - endings.size(), Reason::shutdown);
    node_.in_hand.fetch_sub(group_[b].size(), std::memory_order_release);
    // Senders that wait are told that the outcome is unknown, because an attempt may have arrived.
    group_[b].settle(Fate::abandoned, endings);
  }
  group_.clear();
  return {Need::finished, Duration{0}};
}

}  // namespace weir::pipeline
