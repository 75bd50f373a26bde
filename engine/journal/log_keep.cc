// What readers see, the positions of consumers, and the statistics of the log; giving up segments is in log_room.cc.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "journal/log.h"
#include "journal/walk.h"

namespace weir::journal {

Result<Consumer*> Log::add_consumer(ConsumerConfig config) {
  auto consumer = std::make_unique<Consumer>(std::move(config));
  std::lock_guard folder(folder_);
  const Position first{oldest(), 0, 0};
  auto cursor = CursorFile::open(disk_, config_.path, consumer->config.name,
                                 consumer->config.from_newest ? committed_ : first, consumer->config.holds);
  if (!cursor) return std::unexpected(cursor.error());
  std::lock_guard lock(mutex_);
  consumer->settled_ = consumer->saved_ = cursor->found().value_or(first);
  consumer->cursor_ = std::move(*cursor);
  orphans_.erase(consumer->config.name);
  consumers_.push_back(std::move(consumer));
  return consumers_.back().get();
}

Result<bool> Log::forget(const std::string& consumer) {
  std::lock_guard folder(folder_);
  auto forgotten = CursorFile::forget(disk_, config_.path, consumer);
  if (!forgotten) return forgotten;
  std::lock_guard lock(mutex_);
  orphans_.erase(consumer);
  return forgotten;
}

Position Log::position(const Consumer& consumer) const {
  std::lock_guard lock(mutex_);
  return consumer.settled_;
}

void Log::settle(Consumer& consumer, const Position& to) {
  std::lock_guard lock(mutex_);
  WEIR_CHECK(to.sequence >= consumer.settled_.sequence);
  consumer.settled_ = to;
}

Position Log::end() const {
  std::lock_guard lock(mutex_);
  return committed_;
}

std::optional<Log::Extent> Log::extent_of(std::uint64_t sequence) const {
  std::lock_guard lock(mutex_);
  for (const Segment& segment : segments_)
    if (segment.end > sequence && segment.end > segment.first)
      return Extent{segment.number, segment.first, segment.end, segment.limit, &segment == &segments_.back()};
  return {};
}

bool Log::has_lost(std::uint64_t segment) const {
  const auto found = disk_.look(path(numbered(segment, "segment")));
  return found && !*found && still_ours();
}

Result<SegmentScan> Log::scan(std::uint64_t segment) const {
  return scan_of(disk_, config_.path, id_, segment, {config_.read_ahead, config_.largest_record});
}

void Log::quarantine(SegmentScan& scan, std::uint64_t from, std::uint64_t to) {
  constexpr std::size_t most_files = 16, most_bytes = 1 << 20;
  std::lock_guard folder(folder_);
  {
    std::lock_guard lock(mutex_);
    ++counts_.damaged_places;
  }
  const auto names = disk_.list(config_.path);
  const auto is_kept = [](const std::string& name) { return name.ends_with(".damaged"); };
  if (!names || std::ranges::count_if(*names, is_kept) >= static_cast<std::ptrdiff_t>(most_files)) return;
  const auto name = fmt::format("{:020}-{}.damaged", scan.number(), from);
  if (std::ranges::find(*names, name) != names->end()) return;
  std::string bytes(std::min<std::uint64_t>(to - from, most_bytes), '\0');
  const auto got = scan.file().read(bytes, from);
  auto file = disk_.open(path(name), Disk::Open::create);
  if (got && file) (void)(*file)->write(std::string_view(bytes).substr(0, *got), 0);
}

void Log::tick() {
  std::lock_guard folder(folder_);
  if (auto r = still_ours(); !r) return remember(r.error());
  if (auto r = sync_interval(); !r) remember(r.error());
  save_cursors();
  if (auto r = retire_what_is_done(0); !r) remember(r.error());
  keep_reserve();
}

Result<void> Log::close() {
  tick();
  std::shared_ptr<File> file;
  std::vector<std::uint64_t> numbers;
  {
    std::lock_guard lock(mutex_);
    file = std::exchange(unsynced_, nullptr);
    if (config_.durability == Durability::none)
      for (const auto& segment : segments_) numbers.push_back(segment.number);
  }
  for (const auto number : numbers) {
    auto other = disk_.open(path(numbered(number, "segment")), Disk::Open::read);
    if (!other) return std::unexpected(other.error());
    if (auto r = (*other)->sync("close"); !r) return r;
  }
  auto synced = file ? file->sync("close") : Result<void>{};
  lock_.reset();  // the next process may open it, though this object may still be asked for its statistics
  return synced;
}

Result<void> Log::sync_interval() {
  std::shared_ptr<File> file;
  std::uint64_t upto;
  {
    std::lock_guard lock(mutex_);
    const TimePoint now = context_.now();
    if (config_.durability != Durability::interval || now - synced_at_ < config_.interval) return {};
    synced_at_ = now;
    file = std::exchange(unsynced_, nullptr);
    upto = committed_.sequence;
  }
  if (!file) return {};
  if (auto r = file->sync("interval"); !r) {
    leave_ = true;
    return r;
  }
  std::lock_guard lock(mutex_);
  synced_sequence_ = std::max(synced_sequence_, upto);
  return {};
}

void Log::save_cursors() {
  for (const auto& consumer : consumers_) {
    Position to;
    {
      std::lock_guard lock(mutex_);
      to = consumer->settled_;
      if (to == consumer->saved_) continue;
    }
    auto saved = consumer->cursor_->save(to);
    if (!saved && saved.error().kind == Error::Kind::overloaded) {
      free_reserve();
      saved = consumer->cursor_->save(to);
    }
    crash_point("journal.cursor_saved");
    if (!saved) {
      remember(saved.error());
      continue;
    }
    std::lock_guard lock(mutex_);
    consumer->saved_ = to;
  }
}

/// Empty segments do not count: one that a failed write has left names a first event that is too high.
std::uint64_t Log::oldest() const {
  for (const auto& segment : segments_)
    if (segment.end > segment.first) return segment.first;
  return committed_.sequence;
}

std::uint64_t Log::lag_bytes(const Position& from) const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.end <= from.sequence || segment.end <= segment.first) continue;
    const std::uint64_t begin = segment.number == from.segment ? from.offset : segment_header_size;
    bytes += segment.limit > begin ? segment.limit - begin : 0;
  }
  return bytes;
}

LogStats Log::stats() const {
  std::lock_guard lock(mutex_);
  LogStats stats = counts_;
  stats.first = oldest();
  stats.end = committed_.sequence;
  stats.segments = segments_.size();
  stats.bytes = used();
  for (const auto& spare : spares_) stats.spare_bytes += spare.size;
  return stats;
}

std::vector<ConsumerStats> Log::consumers() const {
  std::lock_guard lock(mutex_);
  std::vector<ConsumerStats> all;
  const auto lag = [&](const Position& at) { return committed_.sequence - std::min(at.sequence, committed_.sequence); };
  for (const auto& consumer : consumers_)
    all.push_back({consumer->config.name, consumer->config.holds, true, consumer->settled_, lag(consumer->settled_),
                   lag_bytes(consumer->settled_), consumer->skipped, consumer->damaged});
  for (const auto& [name, orphan] : orphans_)
    all.push_back({name, orphan.holds, false, orphan.at, lag(orphan.at), lag_bytes(orphan.at), 0, 0});
  return all;
}

void Log::remember(const Error& error) {
  std::lock_guard lock(mutex_);
  counts_.error = error.message;
}

}  // namespace weir::journal
