// What the log keeps and what it gives up: cursors, retention, spare segments, a full disk.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "journal/log.h"

namespace weir::journal {
namespace {

constexpr std::uint64_t reserve_size = 1 << 20;
constexpr std::string_view reserve_name = "reserve";

}  // namespace

Result<Consumer*> Log::add_consumer(ConsumerConfig config) {
  auto consumer = std::make_unique<Consumer>(std::move(config));
  std::lock_guard folder(folder_);
  const Position oldest{segments_.empty() ? committed_.sequence : segments_.front().first, 0, 0};
  std::string problem;
  auto cursor = CursorFile::open(disk_, config_.path, consumer->config.name,
                                 consumer->config.from_newest ? committed_ : oldest, problem);
  if (!cursor) return std::unexpected(cursor.error());
  if (!problem.empty()) notes_.push_back(problem + "; it starts again at the oldest event");
  std::lock_guard lock(mutex_);
  consumer->settled_ = consumer->saved_ = cursor->found().value_or(oldest);
  consumer->cursor_ = std::move(*cursor);
  orphans_.erase(consumer->config.name);
  consumers_.push_back(std::move(consumer));
  return consumers_.back().get();
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

Result<SegmentScan> Log::scan(std::uint64_t segment) const {
  auto file = disk_.open(path(numbered(segment, "segment")), Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  return SegmentScan(std::move(*file), segment, config_.read_ahead, config_.largest_record);
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
  if (auto r = sync_interval(); !r) remember(r.error());
  save_cursors();
  if (auto r = retire_what_is_done(0); !r) remember(r.error());
  keep_reserve();
}

Result<void> Log::close() {
  tick();
  std::shared_ptr<File> file;
  {
    std::lock_guard lock(mutex_);
    file = std::exchange(unsynced_, nullptr);
  }
  return file ? file->sync("close") : Result<void>{};
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

std::uint64_t Log::used() const {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment.size;
  for (const auto& [name, size] : spares_) bytes += size;
  return bytes;
}

bool Log::may_go(const Segment& segment, std::uint64_t wanted) const {
  const auto behind = [&](const auto& consumer) { return consumer->saved_.sequence < segment.end; };
  const bool all_read = !consumers_.empty() && std::ranges::none_of(consumers_, behind);
  const auto holds = [&](const auto& consumer) { return consumer->config.holds && behind(consumer); };
  if (std::ranges::any_of(consumers_, holds)) return false;
  const bool full = wanted > 0 && used() + wanted > config_.max_bytes.count();
  if (full && (all_read || !consumers_.empty())) return true;
  if (!config_.keep) return all_read;
  return context_.wall().time_since_epoch().count() - segment.wall > config_.keep->count();
}

/// The oldest segment goes. Its name is off the disk before the next one's turn comes, so no crash leaves a hole.
Result<void> Log::retire_oldest() {
  Segment oldest;
  bool spare;
  {
    std::lock_guard lock(mutex_);
    oldest = segments_.front();
    spare = oldest.size == config_.segment.count() && spares_.size() < config_.spares;
  }
  const std::string from = numbered(oldest.number, "segment"), to = numbered(oldest.number, "spare");
  crash_point("journal.retiring");
  if (!spare || !disk_.rename(path(from), path(to), "name of a spare segment")) {
    spare = false;
    if (auto r = disk_.remove(path(from)); !r) return r;
  }
  crash_point("journal.retired");
  if (auto r = disk_.sync_folder(config_.path, "folder after a retired segment"); !r) return r;
  std::lock_guard lock(mutex_);
  std::erase_if(segments_, [&](const Segment& segment) { return segment.number == oldest.number; });
  if (spare) spares_.emplace_back(to, oldest.size);
  return {};
}

Result<void> Log::retire_what_is_done(std::uint64_t wanted) {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      // The last one says where the log goes on.
      if (segments_.size() < 2 || !may_go(segments_.front(), wanted)) return {};
    }
    auto r = retire_oldest();
    if (!r && r.error().kind == Error::Kind::overloaded) {
      free_reserve();
      r = retire_oldest();
    }
    if (!r) return r;
  }
}

/// So that what is made now stays under max_bytes. Spares count; one of the right size will be used.
Result<void> Log::make_room(std::uint64_t size) {
  drop_spares_of_other_size();
  const auto lacks = [&] {
    std::lock_guard lock(mutex_);
    const bool from_spare = !spares_.empty() && size == config_.segment.count();
    return !from_spare && used() + size > config_.max_bytes.count();
  };
  if (!lacks()) return {};
  save_cursors();
  if (auto r = retire_what_is_done(size); !r) return r;
  while (lacks()) {
    std::uint64_t unread = 0;
    {
      std::lock_guard lock(mutex_);
      if (!config_.drop_oldest || segments_.size() < 2) break;
      std::uint64_t read = segments_.front().end;
      for (const auto& consumer : consumers_) read = std::min(read, consumer->saved_.sequence);
      unread = segments_.front().end - std::max(std::min(read, segments_.front().end), segments_.front().first);
    }
    if (auto r = retire_oldest(); !r) return r;
    std::lock_guard lock(mutex_);
    counts_.dropped_events += unread;
  }
  if (!lacks()) return {};
  std::string waits_for;
  std::uint64_t oldest = ~0ull;
  std::lock_guard lock(mutex_);
  for (const auto& consumer : consumers_)
    if (consumer->config.holds && consumer->saved_.sequence < oldest) {
      oldest = consumer->saved_.sequence;
      waits_for = consumer->config.name;
    }
  return failure(fmt::format("{} is full: {} bytes{}", config_.path, config_.max_bytes.count(),
                             waits_for.empty() ? " that nobody has read"
                                               : fmt::format("; the oldest wait for consumer {}", waits_for)),
                 Error::Kind::overloaded);
}

void Log::drop_spares_of_other_size() {
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, size] : spares_)
      if (size != config_.segment.count()) names.push_back(name);
    std::erase_if(spares_, [&](const auto& spare) { return spare.second != config_.segment.count(); });
  }
  for (const auto& name : names) (void)disk_.remove(path(name));
}

/// An empty segment that has no name of its own yet: a spare one, whose blocks are written, or a new one.
Result<std::unique_ptr<File>> Log::blank(std::uint64_t number, std::uint64_t size, std::string& name) {
  {
    std::lock_guard lock(mutex_);
    if (!spares_.empty() && size == config_.segment.count()) {
      name = spares_.back().first;
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

/// A file nobody needs: removing it gives a full disk the room that removing others takes.
void Log::keep_reserve() {
  if (has_reserve_) return;
  if (auto file = disk_.open(path(reserve_name), Disk::Open::write); file) {
    has_reserve_ = true;
    return;
  }
  auto file = disk_.open(path(reserve_name), Disk::Open::create);
  if (!file) return;
  has_reserve_ = (*file)->allocate(reserve_size).has_value();
  if (!has_reserve_) (void)disk_.remove(path(reserve_name));
}

void Log::free_reserve() {
  if (std::exchange(has_reserve_, false)) (void)disk_.remove(path(reserve_name));
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
  stats.first = segments_.empty() ? committed_.sequence : segments_.front().first;
  stats.end = committed_.sequence;
  stats.segments = segments_.size();
  stats.bytes = used();
  for (const auto& [name, size] : spares_) stats.spare_bytes += size;
  return stats;
}

std::vector<ConsumerStats> Log::consumers() const {
  std::lock_guard lock(mutex_);
  std::vector<ConsumerStats> all;
  const auto lag = [&](const Position& at) { return committed_.sequence - std::min(at.sequence, committed_.sequence); };
  for (const auto& consumer : consumers_)
    all.push_back({consumer->config.name, consumer->config.holds, true, consumer->settled_, lag(consumer->settled_),
                   lag_bytes(consumer->settled_), consumer->skipped, consumer->damaged});
  for (const auto& [name, at] : orphans_) all.push_back({name, false, false, at, lag(at), lag_bytes(at), 0, 0});
  return all;
}

void Log::remember(const Error& error) {
  std::lock_guard lock(mutex_);
  counts_.error = error.message;
}

}  // namespace weir::journal
