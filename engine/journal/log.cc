// Opening, and the writer. Readers and cursors are in log_keep.cc, what is given up in log_room.cc.
#include "journal/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace weir::journal {
namespace {

constexpr std::size_t write_size = 1 << 20;

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).lexically_normal().parent_path().string();
  return parent.empty() ? "." : parent;
}

/// Any of the folders above may be new: made now, or by an earlier run that was killed. Folders further up may not be
/// readable for this process, so only the sync of the nearest one must succeed.
Result<void> sync_names_above(Disk& disk, const std::string& folder) {
  const auto nearest = parent_of(folder);
  auto done = disk.sync_folder(nearest, "folder that holds the journal");
  for (auto above = nearest; done && above != "." && above != parent_of(above);) {
    above = parent_of(above);
    (void)disk.sync_folder(above, "folders above");
  }
  return done;
}

/// What a group has written to a segment must be written again when a sync of that segment by another thread has failed
/// since.
Result<void> after_failed_sync() { return failure("a sync has failed meanwhile; this write is void"); }

}  // namespace

Bytes usual_segment(Bytes max_bytes) {
  return Bytes(std::clamp((max_bytes.count() / 16), (1_MiB).count(), (64_MiB).count()) / 4096 * 4096);
}

Log::Log(Disk& disk, LogConfig config, const Context& context)
    : disk_(disk), config_(std::move(config)), context_(context), age_(context), buffer_(write_size) {}

Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::open(Disk& disk, LogConfig config, const Context& context) {
  std::unique_ptr<Log> log(new Log(disk, std::move(config), context));
  const std::string& folder = log->config_.path;
  if (auto r = disk.make_folder(folder); !r) return std::unexpected(r.error());
  if (auto r = sync_names_above(disk, folder); !r) return std::unexpected(r.error());
  auto lock = disk.lock(log->path(lock_file));
  if (!lock) return std::unexpected(lock.error());
  log->lock_ = std::move(*lock);
  const auto locked = log->lock_->look();
  if (!locked) return std::unexpected(locked.error());
  log->locked_ = HeldFile(*locked);
  if (auto r = log->read_folder(); !r) return std::unexpected(r.error());
  return log;
}

Result<void> Log::read_folder() {
  auto found = recover(disk_, config_.path, config_.read_ahead, config_.largest_record);
  if (!found) return std::unexpected(found.error());
  notes_ = std::move(found->notes);
  if (auto r = make_sure(*found); !r) return r;
  id_ = found->id;
  segments_ = std::move(found->segments);
  committed_ = found->end;
  next_sequence_ = synced_sequence_ = committed_.sequence;
  lost_ = {segments_.empty() ? committed_.sequence : found->on_disk, committed_.sequence};
  next_number_ = found->next_number;
  counts_.torn_bytes = found->torn_bytes;
  counts_.damaged_places = found->damaged;
  spares_ = std::move(found->spares);
  for (const auto& [name, cursor] : found->cursors)
    orphans_[name] = {cursor.value_or(Position{}), !found->optional_consumers.contains(name)};
  synced_at_ = context_.now();
  keep_reserve();
  return found->has_id ? Result<void>{} : name_it();
}

/// What was found is shown to readers from now on, so it has to be durable: the process that wrote it may have been
/// killed before its sync.
Result<void> Log::make_sure(const Recovered& found) {
  for (const auto& name : found.unfinished) (void)disk_.remove(path(name));
  if (auto r = disk_.sync_folder(config_.path, "folder at opening"); !r) return r;
  // A consumer that stays away keeps what it has not read by this place, which may not go back any more.
  for (const auto& [name, cursor] : found.cursors) {
    auto file = disk_.open(path(name + ".cursor"), Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    if (auto r = (*file)->sync("cursor at opening"); !r) return r;
  }
  if (found.segments.empty()) return {};
  auto last = disk_.open(path(numbered(found.segments.back().number, "segment")), Disk::Open::read);
  return last ? (*last)->sync("last segment at opening") : std::unexpected(last.error());
}

/// Gives the journal an id, so that a segment of another journal that was copied into this folder is recognised as
/// foreign.
Result<void> Log::name_it() {
  if (segments_.empty()) {
    Rng rng = context_.rng();
    const auto wall = static_cast<std::uint64_t>(context_.wall().time_since_epoch().count());
    for (std::size_t i = 0; i < id_.size(); ++i)
      id_[i] = static_cast<unsigned char>(rng.next() ^ (wall >> (i % 8 * 8)));
  }
  const std::string made = path(id_file) + ".new";
  (void)disk_.remove(made);
  auto file = disk_.open(made, Disk::Open::create);
  if (!file) return std::unexpected(file.error());
  if (auto r = (*file)->write(encode_id(id_), 0); !r) return r;
  if (auto r = (*file)->sync("journal's own file"); !r) return r;
  // No sync of the folder is needed: the first segment brings one, and before it no file needs the id.
  return disk_.rename(made, path(id_file), "");
}

Result<void> Log::write(std::span<const Batch> batches) {
  if (std::ranges::all_of(batches, &Batch::empty)) return {};
  Result<void> done;
  std::uint64_t durable;
  {
    std::lock_guard lock(mutex_);
    durable = synced_sequence_;
  }
  for (std::size_t i = 0; done && i < batches.size(); ++i)
    if (!batches[i].empty()) done = append(batches[i], durable);
  if (done) done = commit();
  if (!done) {
    give_up();
    remember(done.error());
  }
  return done;
}

/// What was appended and not committed is void. Unless nothing was, the segment is left: the next one says from which
/// event on this one does not count.
void Log::give_up() {
  std::uint64_t committed;
  {
    std::lock_guard lock(mutex_);
    committed = committed_.sequence;
  }
  if (appended_ == 0 && !leave_) return;
  current_.reset();
  buffered_ = appended_ = 0;
  sealed_.clear();
  next_sequence_ = committed;
}

Result<void> Log::append(const Batch& batch, std::uint64_t durable) {
  const std::size_t size = record_size(batch);
  if (size > config_.largest_record.count()) return failure(fmt::format("a record of {} bytes is too large", size));
  if (!current_ || leave_ || offset_ + buffered_ + size > current_size_)
    if (auto r = roll(size); !r) return r;
  if (buffered_ + size > buffer_.size()) {
    if (auto r = flush(); !r) return r;
    if (size > buffer_.size()) buffer_.resize(size);
  }
  encode_record(batch, {current_epoch_, next_sequence_, durable}, std::span(buffer_).subspan(buffered_, size));
  buffered_ += size;
  next_sequence_ += batch.size();
  newest_wall_ = std::max(newest_wall_, batch.info().received_wall.time_since_epoch().count());
  ++appended_;
  return {};
}

Result<void> Log::flush() {
  if (buffered_ == 0) return {};
  if (auto r = current_->write({buffer_.data(), buffered_}, offset_); !r) return r;
  offset_ += buffered_;
  buffered_ = 0;
  return {};
}

/// Begins the next segment: because the present one is full, because there is none, or because it has to be left after
/// a failed sync (`leave_`).
///
/// A full segment is synced first: recovery looks for a torn end in the last segment only, so everything in earlier
/// ones has to be on the disk before a later one exists (except with durability: none, which promises nothing).
///
/// A segment that is left is not synced again: after a failed sync a later one may succeed although the data is lost.
/// The header of the next segment says instead that earlier segments are void from `next_sequence_` on, which makes
/// their unsynced end harmless. Records of the present group that lie in the left segment (`appended_` > 0) come before
/// `next_sequence_` and may be lost, so the whole group fails and is written again, into the next segment.
///
/// A full segment is noted in `sealed_`, and readers see its end with the commit of the group: if the group fails, its
/// records there are void as well.
Result<void> Log::roll(std::size_t record) {
  if (leave_ && appended_ > 0) return after_failed_sync();
  if (current_ && !leave_) {
    if (auto r = flush(); !r) return r;
    if (config_.durability != Durability::none)
      if (auto r = current_->sync("end of a segment"); !r) {
        leave_ = true;
        return r;
      }
    crash_point("journal.segment_full");
  }
  const auto before = current_;
  const Sealed full{current_number_, next_sequence_, offset_, held_};
  if (auto r = make_segment(std::max<std::uint64_t>(config_.segment.count(), segment_header_size + record)); !r)
    return r;
  if (before && !leave_) sealed_.push_back(full);
  leave_ = false;
  return {};
}

/// Nothing is answered that nobody can find any more.
Result<void> Log::still_named(std::uint64_t number, const HeldFile& segment) const {
  const auto name = path(numbered(number, "segment"));
  const auto found = disk_.look(name);
  if (!found) return std::unexpected(found.error());
  const auto state = segment.state(*found);
  if (state == HeldFile::State::same) return {};
  return failure(
      fmt::format("{} {} while it was written to; what was not confirmed is written again", name, text(state)));
}

Result<void> Log::still_ours() const {
  const auto found = disk_.look(path(lock_file));
  if (!found) return std::unexpected(found.error());
  if (locked_.is_named_by(*found)) return {};
  return failure(
      fmt::format("{} was moved or deleted while it was in use (its file `lock` {}): nothing is stored until it "
                  "is back in its place; or start weir anew to begin an empty one",
                  config_.path, *found ? "is another one" : "is gone"));
}

Result<void> Log::make_segment(std::uint64_t size) {
  std::lock_guard folder(folder_);
  if (auto r = still_ours(); !r) return r;
  if (auto r = make_room(size); !r) return r;
  const std::uint64_t number = next_number_++;
  std::string made;
  auto file = blank(number, size, made);
  if (!file) return std::unexpected(file.error());
  const std::string name = numbered(number, "segment");
  const std::uint64_t first = next_sequence_ == lost_.to ? lost_.from : next_sequence_;
  const auto finish = [&]() -> Result<void> {
    const SegmentHeader header{id_, number, first, context_.wall().time_since_epoch().count()};
    if (auto r = (*file)->write(encode_segment_header(header), 0); !r) return r;
    // A sync would also write the old content of a spare; with durability: none nothing waits for the disk.
    if (config_.durability != Durability::none)
      if (auto r = (*file)->sync("header of a segment"); !r) return r;
    crash_point("journal.segment_made");
    const auto look = (*file)->look();
    if (!look) return std::unexpected(look.error());
    held_ = HeldFile(*look);
    if (auto r = disk_.rename(path(made), path(name), ""); !r) return r;
    crash_point("journal.segment_named");
    return disk_.sync_folder(config_.path, "folder after a new segment");
  };
  if (auto r = finish(); !r) {
    (void)disk_.remove(path(made));
    (void)disk_.remove(path(name));
    // The file may come back after a loss of power, and its header would then say that older segments are void from
    // here on.
    current_.reset();
    return r;
  }
  current_ = std::move(*file);
  current_number_ = number;
  current_epoch_ = epoch_of(id_, number);
  current_size_ = size;
  offset_ = segment_header_size;
  std::lock_guard lock(mutex_);
  segments_.push_back({number, first, first, size, segment_header_size, newest_wall_, false});
  return {};
}

bool Log::is_kept(std::uint64_t number) const {
  std::lock_guard lock(mutex_);
  return std::ranges::find(segments_, number, &Segment::number) != segments_.end();
}

Result<void> Log::confirm() const {
  if (auto r = still_ours(); !r) return r;
  for (const Sealed& sealed : sealed_) {
    // A group that is larger than the journal may have given up its own beginning (drop_oldest).
    if (!is_kept(sealed.number)) continue;
    if (auto r = still_named(sealed.number, sealed.file); !r) return r;
  }
  return {};
}

Result<void> Log::commit() {
  if (leave_) return after_failed_sync();
  if (auto r = flush(); !r) return r;
  crash_point("journal.written");
  if (config_.durability == Durability::commit && current_)
    if (auto r = current_->sync("commit"); !r) {
      leave_ = true;
      return r;
    }
  crash_point("journal.synced");
  sealed_.push_back({current_number_, next_sequence_, offset_, held_});
  if (auto r = confirm(); !r) {
    leave_ = true;
    return r;
  }
  {
    std::lock_guard lock(mutex_);
    for (const Sealed& sealed : sealed_)
      for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment)
        if (segment->number == sealed.number) {
          segment->end = sealed.end;
          segment->limit = sealed.limit;
          segment->wall = newest_wall_;
          break;
        }
    counts_.records += appended_;
    ++counts_.commits;
    committed_ = {next_sequence_, current_number_, offset_};
    if (config_.durability == Durability::commit)
      synced_sequence_ = next_sequence_;
    else
      unsynced_ = current_;
    counts_.error.clear();
  }
  sealed_.clear();
  appended_ = 0;
  for (const auto& consumer : consumers_)
    if (consumer->on_more) consumer->on_more();
  return {};
}

}  // namespace weir::journal
