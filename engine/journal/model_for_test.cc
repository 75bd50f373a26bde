#include "journal/model_for_test.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::journal {

// ---- the writer ----

void JournalModel::append(const std::vector<Sent>& group) {
  for (const Sent& sent : group) batches_.push_back({end(), sent});
}

void JournalModel::accept() {
  const auto before = batches_.size();
  append(doubtful_.back());
  doubtful_.clear();
  for (auto i = before; i < batches_.size(); ++i) {
    batches_[i].accepted = true;
    batches_[i].firm = config_.durability == Durability::commit;
  }
}

// ---- consumers (semantics B1) ----

std::string JournalModel::read(const std::string& who, const std::optional<Seen>& got, std::uint64_t gone,
                               std::uint64_t damaged) {
  Reading& reading = readings_.at(who);
  const auto to = reading.read + gone + damaged;
  for (const Kept& batch : batches_)
    if (batch.end() > reading.read && batch.first < to && !batch.lost && batch.first >= first_)
      return fmt::format("{} is told that {} is missing, which is there", who, batch.first);
  if (damaged > 0 && config_.durability == Durability::commit) return fmt::format("{} is told of damage", who);
  reading.read = to;
  reading.skipped += gone;
  reading.damaged += damaged;
  const auto next = std::ranges::find_if(batches_, [&](const Kept& b) { return b.end() > to && !b.lost; });
  // What was given up is told with the next that is there.
  if (!got && (next == batches_.end() || first_ == end())) return "";
  if (!got) return fmt::format("{} gets nothing; {} comes next", who, next->first);
  if (next == batches_.end()) return fmt::format("{} gets {}, and nothing is left", who, got->sequence);
  if (got->sequence != to || next->first != to)
    return fmt::format("{} gets {}; at {} it was to get {}", who, got->sequence, to, next->first);
  if (got->sent != next->sent) return fmt::format("{} gets something else as {} than was written", who, to);
  reading.read = next->end();
  reading.ranges.push_back({reading.read, false});
  return "";
}

/// Over contiguous settled pieces only.
void JournalModel::settle(const std::string& who, std::size_t piece) {
  Reading& reading = readings_.at(who);
  reading.ranges.at(piece).settled = true;
  while (!reading.ranges.empty() && reading.ranges.front().settled) {
    reading.settled = reading.ranges.front().end;
    reading.places.insert(reading.settled);
    reading.ranges.erase(reading.ranges.begin());
  }
}

void JournalModel::tick(TimePoint now) {
  for (auto& [name, reading] : readings_) {
    if (!reading.configured) continue;
    reading.saved = reading.settled;
    reading.places = {reading.settled};
  }
  if (config_.durability != Durability::interval || now - synced_at_ < config_.interval) return;
  synced_at_ = now;
  for (Kept& batch : batches_) batch.firm = true;
}

void JournalModel::close(TimePoint now) {
  tick(now);
  for (Kept& batch : batches_) batch.firm = true;
}

// ---- what may go (semantics B2, B3) ----

std::uint64_t JournalModel::held() const {
  std::uint64_t held = end();
  for (const auto& [name, reading] : readings_)
    if (reading.holds) held = std::min(held, reading.settled);
  return held;
}

std::uint64_t JournalModel::unread() const {
  std::uint64_t unread = held();
  for (const auto& [name, reading] : readings_)
    if (reading.configured) unread = std::min(unread, reading.settled);
  return unread;
}

bool JournalModel::is_read() const {
  return std::ranges::any_of(readings_, [](const auto& reading) { return reading.second.configured; });
}

/// A journal without consumers keeps what it has, unless drop_oldest is set.
std::uint64_t JournalModel::may_go_before(Cause cause, WallTime now) const {
  if (cause == Cause::none) return first_;
  if (cause == Cause::no_room && config_.drop_oldest) return end();
  if (cause == Cause::no_room && is_read()) return held();
  if (!config_.keep) return is_read() ? unread() : first_;
  std::uint64_t old = first_;
  for (const Kept& batch : batches_)
    if (batch.lost || now - batch.sent.wall > *config_.keep) old = std::max(old, batch.end());
  return std::min(old, held());
}

std::string JournalModel::give_up(std::uint64_t first, Cause cause, WallTime now) {
  const auto before = may_go_before(cause, now);
  for (const Kept& batch : batches_) {
    if (batch.lost) continue;
    if (batch.first >= first_ && batch.first >= before && batch.first < first)
      return fmt::format("{} was given up: before {} it might be", batch.first, before);
    if (batch.first >= first && batch.first < first_) return fmt::format("{} is there again", batch.first);
  }
  const auto read = std::max(unread(), first_);
  if (config_.drop_oldest && cause == Cause::no_room && first > read) dropped_ += first - read;
  first_ = first;
  return "";
}

// ---- the next life ----

void JournalModel::crash(Crash how, Cause cause) {
  crash_ = how;
  cause_ = cause;
}

/// Batches of a write that failed, as far as they are there.
bool JournalModel::adopt_doubtful(const std::vector<Seen>& all, std::uint64_t end) {
  const auto before = this->end();
  if (end <= before) return true;
  for (const auto& group : doubtful_) {
    const auto old = batches_;
    append(group);
    const auto is_of_it = [&](const Seen& seen) {
      return std::ranges::any_of(batches_,
                                 [&](const Kept& b) { return b.first == seen.sequence && b.sent == seen.sent; });
    };
    const auto is_new = [&](const Seen& seen) { return seen.sequence >= before; };
    if (this->end() >= end && std::ranges::all_of(all, [&](const Seen& s) { return !is_new(s) || is_of_it(s); }))
      return true;
    batches_ = old;
  }
  return false;
}

std::string JournalModel::judge_presence(const std::vector<Seen>& all, std::uint64_t first, std::uint64_t end,
                                         std::uint64_t given_up) {
  for (const Kept& batch : batches_)
    if (batch.first < end && batch.end() > end) return fmt::format("it ends at {}, within a batch", end);
  for (const Seen& seen : all) {
    const auto batch = std::ranges::find(batches_, seen.sequence, &Kept::first);
    if (batch == batches_.end() || batch->sent != seen.sent)
      return fmt::format("what is there as {} was not written", seen.sequence);
    if (batch->lost) return fmt::format("{} had been lost, and is there again", seen.sequence);
  }
  for (Kept& batch : batches_) {
    if (batch.first < std::min(first, first_) || std::ranges::find(all, batch.first, &Seen::sequence) != all.end())
      continue;
    // After a kill the kernel still has the data, so the next process has it too.
    const bool must = batch.firm || (batch.accepted && crash_ == Crash::kill);
    const bool is_judged = must && batch.first < first;  // by its cause
    if (is_judged || batch.lost) continue;
    // Given up, and then all behind it was lost as well.
    const bool may_be_gone = config_.durability == Durability::none && crash_ == Crash::power && batch.first < given_up;
    if (must && !may_be_gone) return fmt::format("{} was promised, and is lost", batch.first);
    if (batch.first < end && (config_.durability == Durability::commit || crash_ == Crash::kill))
      return fmt::format("{} is missing in the middle", batch.first);
    batch.lost = true;
  }
  const auto cut = std::erase_if(batches_, [&](const Kept& batch) { return batch.first >= end; });
  has_lost_ = cut > 0 || std::ranges::any_of(batches_, &Kept::lost);
  return end == this->end() ? "" : fmt::format("it goes on at {}; the model at {}", end, this->end());
}

std::string JournalModel::come_back(const std::vector<Seen>& all, std::uint64_t first, std::uint64_t end, TimePoint now,
                                    WallTime wall) {
  if (!adopt_doubtful(all, end)) return fmt::format("it ends at {}; nothing that was offered does", end);
  doubtful_.clear();
  if (auto wrong = judge_presence(all, first, end, std::max(first_, may_go_before(cause_, wall))); !wrong.empty())
    return wrong;
  first_ = std::min(first_, first);  // what was being given up may be there again
  if (auto wrong = give_up(first, cause_, wall); !wrong.empty()) return wrong;
  dropped_ = 0;
  synced_at_ = now;
  for (Kept& batch : batches_) {
    batch.accepted = true;
    // What is shown to readers stays; with `none` only as long as the power does.
    batch.firm = batch.firm || config_.durability != Durability::none;
  }
  for (auto& [name, reading] : readings_) {
    reading.ranges.clear();
    reading.skipped = reading.damaged = 0;
  }
  return "";
}

std::string JournalModel::judge_place(const std::string& who, const Reading& reading, std::uint64_t position) const {
  if (!reading.places.contains(position) || position < reading.saved || position > reading.settled)
    return fmt::format("{} stands at {}: saved was {}, settled {}", who, position, reading.saved, reading.settled);
  const auto is_missed = [&](const Kept& batch) {
    return batch.first >= std::max(position, reading.guarded) && batch.first < first_ && !batch.lost;
  };
  if (reading.holds && std::ranges::any_of(batches_, is_missed))
    return fmt::format("{} stands at {}, and holds: before {} all was given up", who, position, first_);
  return "";
}

std::string JournalModel::join(const std::string& who, bool holds, bool from_newest, std::uint64_t position) {
  const bool is_new = !readings_.contains(who);
  Reading& reading = readings_[who];
  const auto expected = from_newest ? end() : first_;
  if (is_new && position != expected) return fmt::format("{} is new and begins at {}, not {}", who, position, expected);
  if (!is_new)
    if (auto wrong = judge_place(who, reading, position); !wrong.empty()) return wrong;
  reading = {.holds = holds, .read = position, .settled = position, .saved = position, .places = {position}};
  reading.guarded = std::max(position, first_);
  return "";
}

std::string JournalModel::stay_away(const std::string& who, std::uint64_t position) {
  if (!readings_.contains(who)) return who + " has a cursor, and was never here";
  Reading& reading = readings_[who];
  if (auto wrong = judge_place(who, reading, position); !wrong.empty()) return wrong;
  reading = {.configured = false,
             .holds = reading.holds,
             .read = position,
             .settled = position,
             .saved = position,
             .guarded = reading.guarded,
             .places = {position}};
  return "";
}

}  // namespace weir::journal
