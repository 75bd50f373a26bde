// Room: which segments the log gives up and reuses, and what it does when the disk or its own bound is full.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "journal/log.h"

namespace weir::journal {
namespace {

constexpr std::uint64_t most_reserve = 1 << 20;
constexpr std::string_view reserve_name = "reserve";

/// A spare of this size will be reused; other spares are removed before any event is given up.
bool lacks_room(const LogConfig& config, const std::vector<Spare>& spares, std::uint64_t used, std::uint64_t wanted) {
  if (wanted == config.segment.count() && !spares.empty()) return false;
  for (const auto& spare : spares) used -= spare.size;
  return used + wanted > config.max_bytes.count();
}

}  // namespace

std::uint64_t Log::used() const {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment.size;
  for (const auto& spare : spares_) bytes += spare.size;
  return bytes + (retiring_ ? retiring_->size : 0);
}

bool Log::may_go(const Segment& segment, std::uint64_t wanted) const {
  // A group that failed has left a segment whose header names a first event behind that group. Until the next segment
  // says where the log goes on, this header counts.
  const auto goes_on = [&](const Segment& later) { return later.first <= segment.end; };
  if (std::none_of(segments_.begin() + 1, segments_.end(), goes_on)) return false;
  const auto left_out = [&](const auto& orphan) {
    return orphan.second.holds && orphan.second.at.sequence < segment.end;
  };
  if (std::ranges::any_of(orphans_, left_out)) return false;
  const auto behind = [&](const auto& consumer) { return consumer->saved_.sequence < segment.end; };
  const bool all_read = !consumers_.empty() && std::ranges::none_of(consumers_, behind);
  const bool full = wanted > 0 && lacks_room(config_, spares_, used(), wanted);
  if (full && config_.drop_oldest) return true;
  const auto holds = [&](const auto& consumer) { return consumer->config.holds && behind(consumer); };
  if (std::ranges::any_of(consumers_, holds)) return false;
  if (full && !consumers_.empty()) return true;
  if (!config_.keep) return all_read;
  return age_.of(WallTime(Duration(segment.wall)), context_) > *config_.keep;
}

/// Gives up the oldest segment. Its name is removed from the disk before the next one is given up, so no crash leaves a
/// hole.
Result<void> Log::retire_oldest() {
  if (auto r = finish_retiring(); !r) return r;
  Segment oldest;
  Spare spare;
  {
    std::lock_guard lock(mutex_);
    oldest = segments_.front();
    if (oldest.size == config_.segment.count() && spares_.size() < config_.spares)
      spare = {numbered(oldest.number, "spare"), oldest.size};
  }
  const std::string from = numbered(oldest.number, "segment");
  crash_point("journal.retiring");
  if (spare.name.empty() || !disk_.rename(path(from), path(spare.name), "")) {
    spare = {};
    if (auto r = disk_.remove(path(from)); !r) {
      // The file may have been removed by hand; a missing file must not keep the next ones from being given up.
      const auto names = disk_.list(config_.path);
      if (!names || std::ranges::binary_search(*names, from)) return r;
    }
  }
  crash_point("journal.retired");
  {
    std::lock_guard lock(mutex_);
    std::erase_if(segments_, [&](const Segment& segment) { return segment.number == oldest.number; });
    given_up_.store(oldest.number, std::memory_order_release);
    retiring_ = spare;
  }
  return finish_retiring();
}

/// A spare may not be written to before the removal of its old name is durable: it could come back as a segment.
Result<void> Log::finish_retiring() {
  if (!retiring_) return {};
  if (auto r = disk_.sync_folder(config_.path, "folder after a retired segment"); !r) return r;
  std::lock_guard lock(mutex_);
  if (!retiring_->name.empty()) spares_.push_back(*retiring_);
  retiring_.reset();
  return {};
}

Result<void> Log::retire_what_is_done(std::uint64_t wanted) {
  if (auto r = finish_retiring(); !r) return r;
  for (;;) {
    std::uint64_t unread = 0;
    {
      std::lock_guard lock(mutex_);
      // The last one says where the log goes on.
      if (segments_.size() < 2 || !may_go(segments_.front(), wanted)) return {};
      const Segment& oldest = segments_.front();
      std::uint64_t read = oldest.end;
      for (const auto& consumer : consumers_) read = std::min(read, consumer->saved_.sequence);
      read = std::max(read, oldest.first);
      if (wanted > 0 && config_.drop_oldest && read < oldest.end) unread = oldest.end - read;
    }
    auto r = retire_oldest();
    if (!r && r.error().kind == Error::Kind::overloaded) {
      free_reserve();
      r = retire_oldest();
    }
    if (!r) return r;
    std::lock_guard lock(mutex_);
    counts_.dropped_events += unread;
  }
}

/// Removes the segments that failed writes of this run have made: they hold nothing, and would wait for consumers to
/// read events that never came. They are removed from the newest on, so the folder is always as it was before one of
/// them was made.
Result<void> Log::remove_void() {
  const std::uint64_t end = committed_.sequence, from = end > lost_.to ? end : end + 1;
  while (!current_ && segments_.size() > 1 && segments_.back().first >= from) {
    if (auto r = finish_retiring(); !r) return r;
    if (!disk_.remove(path(numbered(segments_.back().number, "segment")))) return {};
    std::lock_guard lock(mutex_);
    segments_.pop_back();
    retiring_ = Spare{};
  }
  return finish_retiring();
}

/// Keeps the log under max_bytes with the segment that is made now. Spares count; one of the right size will be reused.
Result<void> Log::make_room(std::uint64_t size) {
  drop_useless_spares();
  if (auto r = remove_void(); !r) return r;
  const auto lacks = [&] {
    std::lock_guard lock(mutex_);
    return lacks_room(config_, spares_, used(), size);
  };
  if (lacks()) {
    save_cursors();
    if (auto r = retire_what_is_done(size); !r) return r;
  }
  while (!lacks()) {
    Spare in_the_way;
    {
      std::lock_guard lock(mutex_);
      const bool fits = used() + size <= config_.max_bytes.count();
      if (fits || spares_.empty() || size == config_.segment.count()) return {};
      in_the_way = spares_.back();
      spares_.pop_back();
    }
    (void)disk_.remove(path(in_the_way.name));
  }
  std::lock_guard lock(mutex_);
  return std::unexpected(
      Error{Error::Kind::overloaded,
            fmt::format("{} is full: {} bytes{}", config_.path, config_.max_bytes.count(), waits_for()), Duration{0},
            Reason::journal_full});
}

/// Whose turn it is, and what to do when it will never come.
std::string Log::waits_for() const {
  std::string name;
  bool left_out = false;
  std::uint64_t oldest = ~0ull;
  for (const auto& consumer : consumers_)
    if (consumer->config.holds && consumer->saved_.sequence < oldest) {
      oldest = consumer->saved_.sequence;
      name = consumer->config.name;
    }
  for (const auto& [orphan, what] : orphans_)
    if (what.holds && what.at.sequence < oldest) {
      oldest = what.at.sequence;
      name = orphan;
      left_out = true;
    }
  if (name.empty()) return " that nobody has read";
  if (!left_out) return fmt::format("; the oldest wait for consumer {}", name);
  return fmt::format(
      "; the oldest wait for consumer {}, which the configuration leaves out: put it back, or give up what it has not "
      "read: `weir journal forget {} {}`, or `forget: [{}]` in the file",
      name, config_.path, name, name);
}

/// An earlier run may have had other sizes and numbers configured.
void Log::drop_useless_spares() {
  std::vector<Spare> useless;
  {
    std::lock_guard lock(mutex_);
    const auto kept =
        std::ranges::partition(spares_, [&](const Spare& spare) { return spare.size == config_.segment.count(); });
    const auto fit = static_cast<std::size_t>(kept.begin() - spares_.begin());
    const auto first = spares_.begin() + static_cast<std::ptrdiff_t>(std::min(fit, config_.spares));
    useless.assign(first, spares_.end());
    spares_.erase(first, spares_.end());
  }
  for (const auto& spare : useless) (void)disk_.remove(path(spare.name));
}

/// An empty segment that has no name of its own yet: a spare one, whose blocks are written, or a new one.
Result<std::unique_ptr<File>> Log::blank(std::uint64_t number, std::uint64_t size, std::string& name) {
  {
    std::lock_guard lock(mutex_);
    if (!spares_.empty() && size == config_.segment.count()) {
      name = spares_.back().name;
      spares_.pop_back();
    }
  }
  if (!name.empty())
    if (auto file = disk_.open(path(name), Disk::Open::write); file) return file;
  name = numbered(number, "new");
  auto file = disk_.open(path(name), Disk::Open::create);
  if (!file) return file;
  if (auto r = (*file)->allocate(size); !r) {
    (void)disk_.remove(path(name));
    return std::unexpected(r.error());
  }
  return file;
}

/// A file without content that is needed: removing it gives a full disk the room that removing other files takes.
void Log::keep_reserve() {
  if (has_reserve_) return;
  auto file = disk_.open(path(reserve_name), Disk::Open::write);
  if (!file) file = disk_.open(path(reserve_name), Disk::Open::create);
  if (!file) return;
  has_reserve_ = (*file)->allocate(std::min(most_reserve, config_.segment.count())).has_value();
  if (!has_reserve_) (void)disk_.remove(path(reserve_name));
}

void Log::free_reserve() {
  if (std::exchange(has_reserve_, false)) (void)disk_.remove(path(reserve_name));
}

}  // namespace weir::journal
