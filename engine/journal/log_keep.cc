// What the log keeps and what it gives up: cursors, retention, spare segments, a full disk.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "journal/log.h"

namespace weir::journal {
namespace {

constexpr std::uint64_t most_reserve = 1 << 20;
constexpr std::string_view reserve_name = "reserve";

}  // namespace

Result<Consumer*> Log::add_consumer(ConsumerConfig config) {
  auto consumer = std::make_unique<Consumer>(std::move(config));
  std::lock_guard folder(folder_);
  const Position first{oldest(), 0, 0};
  auto cursor =
      CursorFile::open(disk_, config_.path, consumer->config.name, consumer->config.from_newest ? committed_ : first);
  if (!cursor) return std::unexpected(cursor.error());
  std::lock_guard lock(mutex_);
  consumer->settled_ = consumer->saved_ = cursor->found().value_or(first);
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
  return SegmentScan(std::move(*file), segment, epoch_of(id_, segment), config_.read_ahead, config_.largest_record);
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
  for (const auto& spare : spares_) bytes += spare.size;
  return bytes + (retiring_ ? retiring_->size : 0);
}

/// Segments of writes that failed hold nothing, and say that they begin behind what was to come before them.
std::uint64_t Log::oldest() const {
  for (const auto& segment : segments_)
    if (segment.end > segment.first) return segment.first;
  return committed_.sequence;
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
      // Somebody else may have removed it; a name that is not there must not stay in the way of the next ones.
      const auto names = disk_.list(config_.path);
      if (!names || std::ranges::binary_search(*names, from)) return r;
    }
  }
  crash_point("journal.retired");
  {
    std::lock_guard lock(mutex_);
    std::erase_if(segments_, [&](const Segment& segment) { return segment.number == oldest.number; });
    retiring_ = spare;
  }
  return finish_retiring();
}

/// Until its old name is off the disk a spare may not be written to: it would come back as a segment.
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
  drop_useless_spares();
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

/// Another life may have been told other sizes and numbers.
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

/// A file nobody needs: removing it gives a full disk the room that removing others takes.
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
  for (const auto& [name, at] : orphans_) all.push_back({name, false, false, at, lag(at), lag_bytes(at), 0, 0});
  return all;
}

void Log::remember(const Error& error) {
  std::lock_guard lock(mutex_);
  counts_.error = error.message;
}

}  // namespace weir::journal
