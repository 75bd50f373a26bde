// The log against the reference model of what a journal promises, in lockstep, over random configurations, loads,
// consumers, crashes and faults. model_for_test.h is what is promised, lockstep_for_test.h what is compared.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "journal/lockstep_for_test.h"

namespace weir::journal {

// ---- consumers ----

std::optional<Seen> Lockstep::seen(const std::optional<RecordView>& record) const {
  if (!record) return {};
  Seen seen{record->header.sequence, {}};
  const auto info = record->info(context_.now());
  seen.sent.priority = info.priority;
  seen.sent.first_id = info.first_id;
  seen.sent.wall = info.received_wall;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < record->header.events; ++i) {
    const auto entry = record->entry(i);
    seen.sent.events.emplace_back(record->text.substr(at, entry.length));
    if (entry.number != i) seen.sent.events.back() += " has another id";
    at += entry.length + 1;
  }
  return seen;
}

void Lockstep::read() {
  if (sides_.empty()) return;
  auto& [name, side] = *std::next(sides_.begin(), static_cast<std::ptrdiff_t>(rng_.below(sides_.size())));
  note("read " + name);
  for (auto left = 1 + rng_.below(20); left > 0 && difference_.empty(); --left) {
    const auto record = side.reader->next();
    if (!record) return differ(record.error().message);
    const auto losses = side.reader->take_losses();
    const auto got = seen(*record);
    if (auto wrong = model_.read(name, got, losses.gone, losses.damaged); !wrong.empty()) return differ(wrong);
    side.consumer->skipped += losses.gone;
    side.consumer->damaged += losses.damaged;
    if (!got) break;
    side.reader->step();
    side.ranges.push_back({side.reader->position(), false});
  }
  end_of_step(JournalModel::Cause::none);
}

void Lockstep::settle() {
  if (sides_.empty()) return;
  auto& [name, side] = *std::next(sides_.begin(), static_cast<std::ptrdiff_t>(rng_.below(sides_.size())));
  note("settle " + name);
  for (auto left = 1 + rng_.below(20); left > 0 && !side.ranges.empty(); --left) {
    const auto piece = chance(60) ? 0 : rng_.below(side.ranges.size());
    side.ranges[piece].settled = true;
    while (!side.ranges.empty() && side.ranges.front().settled) {
      log_->settle(*side.consumer, side.ranges.front().end);
      side.ranges.erase(side.ranges.begin());
    }
    model_.settle(name, piece);
  }
  end_of_step(JournalModel::Cause::none);
}

// ---- a new life, and what is compared ----

void Lockstep::open() {
  auto log = Log::open(*disk_, config_, context_);
  if (!log) return differ("it does not open: " + log.error().message);
  log_ = std::move(*log);
  ++lives_;
  found_bytes_ = log_->stats().bytes;  // what was removed just before the power went may be there again
  const auto stats = log_->stats();
  const auto wrong = model_.come_back(all(), stats.first, stats.end, clock_.now(), clock_.wall());
  if (!wrong.empty()) return differ(wrong);
  open_consumers();
  if (difference_.empty()) end_of_step(JournalModel::Cause::none);
}

/// Some come, some stay away, and each may hold today and skip tomorrow.
void Lockstep::open_consumers() {
  const bool same = chance(50);
  std::string who;
  for (const std::string name : {"a", "b", "c", "d"}) {
    const auto known = model_.readings().find(name);
    const bool was = known != model_.readings().end() && known->second.configured;
    if (same ? !was && !model_.readings().empty() : !chance(40)) continue;
    const bool holds = !config_.drop_oldest && chance(60), from_newest = chance(30);
    const auto consumer = log_->add_consumer({.name = name, .holds = holds, .from_newest = from_newest});
    if (!consumer) return differ(consumer.error().message);
    const auto at = log_->position(**consumer);
    const auto wrong = model_.join(name, holds, from_newest, at.sequence);
    if (!wrong.empty()) return differ(wrong);
    Side& side = sides_[name];
    side.consumer = *consumer;
    side.reader.emplace(*log_, at);
    who += fmt::format(" {}{}", name, holds ? "" : " may skip");
  }
  for (const auto& consumer : log_->consumers())
    if (!consumer.configured)
      if (const auto wrong = model_.stay_away(consumer.name, consumer.settled.sequence); !wrong.empty()) differ(wrong);
  note(fmt::format("open at {} to {}:{}", model_.first(), model_.end(), who));
}

std::vector<Seen> Lockstep::all() {
  Reader reader(*log_, {log_->stats().first, 0, 0});
  std::vector<Seen> all;
  for (;;) {
    const auto record = reader.next();
    if (!record) differ(record.error().message);
    if (!record || !*record) return all;
    all.push_back(*seen(*record));
    reader.step();
  }
}

void Lockstep::end_of_step(JournalModel::Cause cause) {
  if (!difference_.empty()) return;
  disarm();
  const auto wrong = model_.give_up(log_->stats().first, cause, clock_.wall());
  if (!wrong.empty()) return differ(wrong);
  compare();
}

void Lockstep::compare() {
  const auto stats = log_->stats();
  same("end", stats.end, model_.end());
  same("dropped", stats.dropped_events, model_.dropped());
  if (stats.bytes > std::max<std::uint64_t>(found_bytes_, config_.max_bytes.count()))
    differ(fmt::format("it takes {} bytes", stats.bytes));
  std::size_t known = 0;
  for (const auto& consumer : log_->consumers()) {
    const auto at = model_.readings().find(consumer.name);
    if (at == model_.readings().end()) return differ("nobody knows consumer " + consumer.name);
    ++known;
    const auto& [name, reading] = *at;
    same(name + " configured", consumer.configured, reading.configured);
    same(name + " settled", consumer.settled.sequence, reading.settled);
    same(name + " lag", consumer.lag_events, model_.end() - reading.settled);
    same(name + " skipped", consumer.skipped, reading.skipped);
    same(name + " damaged", consumer.damaged, reading.damaged);
    same(name + " holds", consumer.holds, reading.holds);
  }
  same("cursors", known, model_.readings().size());
}

namespace {

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr std::uint64_t cases = 150;
#else
constexpr std::uint64_t cases = 1'000;
#endif

bool agrees(std::uint64_t seed) {
  const std::string difference = Lockstep(seed).run();
  if (difference.empty()) return true;
  ADD_FAILURE() << "seed " << seed << ", " << difference << "to see it again: WEIR_JOURNAL_SEED=" << seed
                << " weir_journal_random_test --gtest_filter=JournalModel.*";
  return false;
}

TEST(JournalModel, AgreesWithTheLogStepByStep) {
  if (const char* seed = std::getenv("WEIR_JOURNAL_SEED")) {
    agrees(std::strtoull(seed, nullptr, 10));
    return;
  }
  const char* asked = std::getenv("WEIR_JOURNAL_SEEDS");
  const std::uint64_t most = asked ? std::strtoull(asked, nullptr, 10) : cases;
  for (std::uint64_t seed = 1; seed <= most; ++seed)
    if (!agrees(seed)) return;
}

}  // namespace
}  // namespace weir::journal
