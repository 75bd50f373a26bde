#include "journal/power_harness_for_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace weir::journal {
namespace {

constexpr unsigned deepest = 2;  // a loss of power, and one while that is recovered from
constexpr unsigned nested_one_in = 30;

bool ends_with(std::span<const std::uint64_t> all, std::span<const std::uint64_t> end) {
  return end.size() <= all.size() && std::ranges::equal(all.last(end.size()), end);
}

LossMode any_mode(Rng& rng) {
  const auto draw = rng.below(8);
  return draw < 2 ? LossMode::nothing_unsynced : draw == 2 ? LossMode::everything : LossMode::random;
}

}  // namespace

bool Trial::over() const {
  return !problem.empty() || histories >= enough || std::chrono::steady_clock::now() >= until;
}

World::World(Trial& trial, std::unique_ptr<PowerDisk> disk, Ledger ledger, unsigned depth)
    : trial_(trial), disk_(std::move(disk)), steps_(*disk_), ledger_(std::move(ledger)), depth_(depth) {
  steps_.on_step = [this] { branch(); };
}

void World::found(const std::string& what) {
  if (trial_.problem.empty()) trial_.problem = fmt::format("after {} losses of power: {}", depth_, what);
}

void World::branch() {
  if (depth_ == deepest || lost() || trial_.over()) return;
  if (trial_.rng.below(depth_ == 0 ? trial_.one_in : nested_one_in) != 0) return;
  ++trial_.histories;
  World(trial_, disk_->after_power_loss(trial_.rng, any_mode(trial_.rng)), ledger_, depth_ + 1).survive();
}

void World::play() {
  if (!trial_.ignored.empty()) disk_->ignore(trial_.ignored);
  ledger_.readings = {{.name = "a"}, {.name = "b"}};
  open();
  judge();
  for (unsigned i = 0; i < trial_.actions && !trial_.over(); ++i) {
    if (trial_.kills && crash_at_ == UINT64_MAX && trial_.rng.below(trial_.kill_one_in) == 0) {
      crash_at_ = disk_->steps() + 1 + trial_.rng.below(15);
      disk_->crash_after(crash_at_);
    }
    act();
    if (!lost()) continue;
    log_.reset();
    crash_at_ = UINT64_MAX;
    disk_->crash_after(crash_at_);
    open();
    judge();
  }
  std::ranges::copy(disk_->barriers(), std::inserter(trial_.barriers, trial_.barriers.end()));
}

void World::survive() {
  open();
  judge();
  const auto actions = log_ ? 2 + trial_.rng.below(6) : 0;
  for (std::uint64_t i = 0; i < actions && trial_.problem.empty(); ++i) {
    const auto draw = trial_.rng.below(4);
    draw < 2 ? write() : draw == 2 ? consume() : tick();
  }
  if (!log_ || !trial_.problem.empty()) return;
  if (trial_.rng.below(2) == 0) close();
  open();
  judge();
}

void World::act() {
  if (!log_) return;
  const auto draw = trial_.rng.below(20);
  if (draw < 9) return write();
  if (draw < 15) return consume();
  if (draw < 18) return tick();
  if (!trial_.faults) return reopen();
  using Op = PowerDisk::Op;
  static constexpr Op ops[] = {Op::sync, Op::sync, Op::sync_folder, Op::rename, Op::remove, Op::write, Op::create};
  disk_->fail_once(ops[trial_.rng.below(std::size(ops))], 1 + trial_.rng.below(4), PowerDisk::io_error());
}

void World::reopen() {
  if (trial_.rng.below(2) == 0) close();
  static const std::vector<Ledger::Reading> later = {{.name = "late"}, {.name = "new", .from_newest = true}};
  const auto has = ledger_.readings.size() - 2;
  const bool added = trial_.latecomers && has < later.size();
  if (added) ledger_.readings.push_back(later[has]);
  open();
  judge();
  if (!log_ || lost() || (!added && trial_.rng.below(2) == 0)) return;
  for (std::size_t i = 0; i < consumers_.size(); ++i) consume();
  tick();
}

void World::open() {
  consumers_.clear();
  log_.reset();
  steps_.put_off.clear();
  auto log = Log::open(steps_, trial_.config, context_);
  if (!log) return lost() ? void() : found("it does not open: " + log.error().message);
  log_ = std::move(*log);
  for (const auto& reading : ledger_.readings) {
    const auto consumer = log_->add_consumer({.name = reading.name, .from_newest = reading.from_newest});
    if (!consumer) {
      if (!lost()) found("a consumer cannot be added: " + consumer.error().message);
      log_.reset();
      return;
    }
    consumers_.push_back(*consumer);
  }
  steps_.put_off = trial_.put_off;
}

void World::judge() {
  if (!log_ || lost()) return;
  judge_notes();
  const auto all = read({log_->stats().first, 0, 0});
  if (!all) return;
  if (trial_.config.durability == Durability::commit && all->losses.gone + all->losses.damaged > 0)
    found(fmt::format("{} events gone, {} damaged", all->losses.gone, all->losses.damaged));
  for (auto& reading : ledger_.readings) judge_reading(reading, *all);
  // Which sequences were lost will be given again.
  for (auto& reading : ledger_.readings) {
    reading.places.erase(reading.places.upper_bound(log_->end().sequence), reading.places.end());
    reading.exists = true;
  }
  if (trial_.config.durability == Durability::none) return;
  for (const auto n : all->events) ledger_.events[n].firm = true;
}

void World::judge_notes() {
  if (trial_.config.durability == Durability::none) return;
  // Where less is promised a cursor may be ahead of what is there: that is a gap to be told.
  const bool may_lack = trial_.config.durability == Durability::interval;
  for (const auto& note : log_->notes())
    if (!note.contains("never promised") && !(may_lack && note.contains("is missing"))) found("a false alarm: " + note);
}

void World::judge_reading(Ledger::Reading& reading, const Found& all) {
  const auto& consumer = consumers_[static_cast<std::size_t>(&reading - ledger_.readings.data())];
  const auto at = log_->position(*consumer);
  const auto got = read(at);
  if (!got) return;
  if (trial_.config.durability == Durability::commit && !ends_with(all.events, got->events))
    found(reading.name + " does not read the end of what is there");
  if (!reading.exists) {
    if (!reading.from_newest && got->events.size() != all.events.size())
      found(reading.name + " is new and does not begin at the oldest event");
    reading.places[at.sequence] = got->events.empty() ? ledger_.events.size() - 1 : got->events.front() - 1;
  }
  if (!reading.places.contains(at.sequence))
    return found(fmt::format("{} stands at {}, where it never was", reading.name, at.sequence));
  if (reading.exists && (at.sequence < reading.saved || at.sequence > reading.settled))
    found(fmt::format("{} stands at {}: saved was {}, settled {}", reading.name, at.sequence, reading.saved,
                      reading.settled));
  reading.saved = reading.settled = at.sequence;
  judge_events(reading.name, reading.places[at.sequence], *got);
}

void World::judge_events(const std::string& who, std::uint64_t after, const Found& got) {
  std::uint64_t missing = 0, last = after, doubtful = 0;
  for (const auto n : got.events) {
    if (n <= last) return found(fmt::format("{} reads {} after {}", who, n, last));
    for (auto skipped = last + 1; skipped < n; ++skipped) missing += ledger_.events[skipped].firm;
    last = n;
  }
  for (auto n = last + 1; n < ledger_.events.size(); ++n) missing += ledger_.events[n].firm;
  for (const auto& event : ledger_.events) doubtful += !event.firm;
  if (trial_.config.durability == Durability::none) return;
  if (missing > 0)
    found(fmt::format("{} does not get {} events that were promised; it gets {} after {}, {} gone, {} damaged", who,
                      missing, got.events.size(), after, got.losses.gone, got.losses.damaged));
  const auto lost = got.losses.gone + got.losses.damaged;
  if (lost > (trial_.config.durability == Durability::commit ? 0 : doubtful))
    found(fmt::format("{} is told of {} events gone, {} damaged", who, got.losses.gone, got.losses.damaged));
}

std::optional<World::Found> World::read(const Position& from) {
  Reader reader(*log_, from);
  Found all;
  for (;;) {
    const auto record = reader.next();
    if (!record) {
      if (!lost()) found("it cannot be read: " + record.error().message);
      return std::nullopt;
    }
    if (!*record) break;
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < (*record)->header.events; ++i) {
      const auto text = (*record)->text.substr(at, (*record)->entry(i).length);
      at += text.size() + 1;
      const auto n = number_of_event(text);
      if (!n) {
        found(fmt::format("it invents an event of {} bytes: {}", text.size(), text.substr(0, 20)));
        return std::nullopt;
      }
      all.events.push_back(*n);
    }
    reader.step();
  }
  all.losses = reader.take_losses();
  return all;
}

std::optional<std::uint64_t> World::number_of_event(std::string_view text) const {
  std::uint64_t n = 0;
  if (text.empty() || std::from_chars(text.data() + 1, text.data() + text.size(), n).ec != std::errc()) return {};
  if (n == 0 || n >= ledger_.events.size() || text != event(n, ledger_.events[n].length)) return {};
  return n;
}

void World::write() {
  auto& rng = trial_.rng;
  struct Shape {
    std::uint64_t batches, events, shortest, longest;
  };
  static constexpr Shape shapes[] = {{1, 5, 20, 200},   {1, 5, 20, 200},   {3, 8, 20, 300},
                                     {1, 1, 500, 6000}, {7, 3, 200, 2000}, {1, 1, 12'000, 30'000}};
  const Shape shape = shapes[rng.below(rng.below(3) == 0 ? std::size(shapes) : 3)];
  std::vector<std::vector<std::string>> batches(1 + rng.below(shape.batches));
  const auto first = ledger_.events.size();
  for (auto& batch : batches)
    for (auto left = 1 + rng.below(shape.events); left > 0; --left) {
      const auto length = shape.shortest + rng.below(shape.longest - shape.shortest);
      batch.push_back(event(ledger_.events.size(), length));
      ledger_.events.push_back({static_cast<std::uint32_t>(batch.back().size()), trial_.ack_early});
    }
  const Events group(batches);
  const auto written = log_->write(group.span());
  if (lost() || !written || trial_.config.durability != Durability::commit) return;
  for (auto n = first; n < ledger_.events.size(); ++n) ledger_.events[n].firm = true;
}

void World::consume() {
  const auto which = trial_.rng.below(consumers_.size());
  auto& reading = ledger_.readings[which];
  const auto from = log_->position(*consumers_[which]);
  Reader reader(*log_, from);
  Found got;
  auto after = reading.places[from.sequence];
  const bool all = trial_.rng.below(2) == 0;
  for (auto left = 1 + trial_.rng.below(12); all || left > 0; --left) {
    const auto record = reader.next();
    if (!record && !lost()) return found("it cannot be read: " + record.error().message);
    if (!record || !*record) break;
    const auto n = number_of_event((*record)->text.substr(0, (*record)->entry(0).length));
    if (!n || *n <= after) return found(reading.name + " reads something that is not next");
    for (auto skipped = after + 1; skipped < *n; ++skipped)
      if (ledger_.events[skipped].firm) return found(reading.name + " misses an event that was promised");
    after = *n + (*record)->header.events - 1;
    reader.step();
    reading.places[reader.position().sequence] = after;
  }
  reading.settled = reader.position().sequence;
  reading.places.try_emplace(reading.settled, after);  // it has stepped over what was lost
  log_->settle(*consumers_[which], reader.position());
}

void World::tick() {
  const bool sure = !trial_.faults || trial_.rng.below(2) == 0;
  if (trial_.faults && sure) disk_->mend();
  if (trial_.rng.below(2) == 0) {
    clock_.advance(trial_.config.interval);
    log_->tick();
    if (trial_.config.durability == Durability::interval && sure) firm_up();
  } else {
    log_->tick();
  }
  if (lost() || !sure) return;
  for (auto& reading : ledger_.readings) reading.saved = reading.settled;
}

void World::close() {
  const auto closed = log_->close();
  if (!closed && !lost() && !trial_.faults) return found("it does not close: " + closed.error().message);
  if (closed) firm_up();
}

/// What readers can see now is on the disk.
void World::firm_up() {
  if (lost()) return;
  const auto all = read({log_->stats().first, 0, 0});
  if (!all) return;
  for (const auto n : all->events) ledger_.events[n].firm = true;
}

Verdict play(std::chrono::milliseconds time, std::uint64_t enough, const std::function<void(Trial&)>& set_up) {
  Verdict verdict;
  const auto until = std::chrono::steady_clock::now() + time;
  while (verdict.problem.empty() && verdict.histories < enough && std::chrono::steady_clock::now() < until) {
    Trial trial(++verdict.runs);
    set_up(trial);
    trial.until = until;
    trial.enough = enough - verdict.histories;
    World(trial, std::make_unique<PowerDisk>(), {}, 0).play();
    verdict.histories += trial.histories;
    verdict.barriers.merge(trial.barriers);
    if (!trial.problem.empty()) verdict.problem = fmt::format("run {}, {}", verdict.runs, trial.problem);
  }
  return verdict;
}

std::optional<std::chrono::milliseconds> power_time() {
  const char* seconds = std::getenv("WEIR_POWER_SECONDS");
  if (!seconds) return {};
  return std::chrono::seconds(std::max(1, std::atoi(seconds)));
}

}  // namespace weir::journal
