#include "watched.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "names.h"

#include "log/log.h"

namespace weir::file {
namespace {

constexpr std::uint64_t longest_line = 16 << 20;  // the largest max_event there is

Error cannot_look(const std::string& path, int error) {
  return {Error::Kind::failed,
          fmt::format("{}: cannot look at it: {}; what is known of it stays, and it is looked at again",
                      terminal_text(path), std::generic_category().message(error)),
          Duration{0}};
}

std::uint64_t size_now(const WatchedFile& file) {
  const auto look = file.file.look();
  return look ? look->length : file.read;
}

/// Behind the last line end before `size`: what is new is read in whole lines. Nothing: the line is longer than any.
std::expected<std::optional<std::uint64_t>, int> last_line(const InputFile& file, std::uint64_t size) {
  std::array<char, 16384> piece;
  for (std::uint64_t at = size; at > 0 && size - at <= longest_line;) {
    const auto n = std::min<std::uint64_t>(piece.size(), at);
    const auto got = file.read(piece.data(), n, at - n);
    if (got < 0) return std::unexpected(static_cast<int>(-got));
    const auto end = std::string_view(piece.data(), static_cast<std::size_t>(got)).rfind('\n');
    if (end != std::string_view::npos) return at - n + end + 1;
    at -= n;
    if (at == 0) return 0;
  }
  return size == 0 ? std::optional<std::uint64_t>(0) : std::nullopt;
}

}  // namespace

void Watched::complain(const std::string& what) {
  log::warn({"source", config_.source}, "{}", what);  // what repeats is left out by the log
  complaint_ = what;
  complained_ = true;
  const std::lock_guard lock(told_mutex_);
  ++complaints_;
  told_complaint_ = what;
}

Result<void> Watched::start(std::optional<std::vector<FilePosition>> places, TimePoint now) {
  fresh_ = !places;
  if (places) left_over_ = std::move(*places);
  const auto names = names_of(disk_, config_.path, config_.own);
  if (!names) return std::unexpected(names.error());
  const bool crowded = names->found.size() > config_.max_files;
  if (crowded && (!config_.follow || (fresh_ && config_.from_end)))
    return failure(
        fmt::format("{} matches more than {} files: raise max_files", terminal_text(config_.path), config_.max_files));
  find_renamed(now);
  for (const auto& name : names->found) visit(name, now, !crowded);
  count_limits(without_place_, !names->all);
  if (!config_.follow && files_.empty())
    return failure(
        fmt::format("{}: {}", terminal_text(config_.path),
                    complaint_.empty() ? "there is no such file: correct path:, or use mode: follow" : complaint_));
  return {};
}

WatchedFile* Watched::find(const FileLook& look) {
  const auto found = std::ranges::find_if(
      files_, [&](const WatchedFile& f) { return f.id.device == look.device && f.id.inode == look.inode; });
  return found == files_.end() ? nullptr : &*found;
}

/// Whether the place still means what it meant. A hole at the beginning, made to give space back, changes nothing; a
/// file that was emptied and has grown again has other text before the place, or a hole that reaches up to it.
std::expected<bool, int> Watched::is_still(const InputFile& file, const FilePosition& place, std::uint64_t size) {
  if (size < place.offset) return false;
  const auto begins = file.id(place.id.length);
  if (!begins) return std::unexpected(begins.error());
  if (place.tail == Tails::unknown || !(begins->begins_as(place.id) || begins->begins_with_zeros()))
    return begins->begins_as(place.id);
  const auto tail = Tails::look(file, place.offset);
  if (!tail) return std::unexpected(tail.error());
  return *tail == place.tail;
}

/// The place an earlier process, or we, have noted. A device may have another number since then.
std::expected<std::optional<std::uint64_t>, int> Watched::place_of(const InputFile& file, const FileId& id,
                                                                   std::uint64_t size) {
  for (const bool same_device : {true, false}) {
    const auto found = std::ranges::find_if(left_over_, [&](const FilePosition& p) {
      return p.id.inode == id.inode && (same_device ? p.id.device == id.device : p.id.length > 0);
    });
    if (found == left_over_.end()) continue;
    const FilePosition place = *found;
    const auto is_it = is_still(file, place, size);
    if (!is_it) return std::unexpected(is_it.error());
    if (*is_it || same_device) left_over_.erase(found);
    if (*is_it) return place.offset;
  }
  return std::nullopt;
}

/// Up to where a file that is new here has the text of one that we have read; 0: it is no copy.
std::expected<std::uint64_t, int> Watched::copied_from(const InputFile& file, const std::string& name,
                                                       std::uint64_t size) {
  const auto settled_of = [&](const FileId& id, std::uint64_t committed,
                              const Marks& marks) -> std::expected<std::uint64_t, int> {
    if (id.length == 0 || committed == 0 || size < id.length) return 0;
    const auto begins = file.id(id.length);
    if (!begins) return std::unexpected(begins.error());
    if (!begins->begins_as(id)) return 0;
    const auto shared = marks.shared_with(file, size);
    if (!shared) return shared;
    return std::min(*shared, committed);
  };
  for (WatchedFile& of : files_) {
    if (!name.starts_with(of.path)) continue;
    auto settled = of.emptied ? settled_of(of.emptied->id, of.emptied->committed, of.emptied->marks) : 0;
    if (settled && *settled > 0)
      of.emptied.reset();
    else if (settled)
      settled = settled_of(of.id, of.committed, of.marks);
    if (!settled) return settled;
    if (*settled == 0) continue;
    log::info({"source", config_.source}, "{} is a copy of {}: it is read from byte {} on", terminal_text(name),
              terminal_text(of.path), *settled);
    return settled;
  }
  return 0;
}

/// A copy is judged when it does not grow any more and all that it may hold has been read in the original, for which it
/// has `rotate_wait`, and twelve times that while it grows.
bool Watched::is_too_early(const InputFile& file, const std::string& name, std::uint64_t size, TimePoint now) {
  const auto begins_like = [&](const FileId& id) {
    const auto begins = file.id(id.length);
    return id.length > 0 && (size < id.length || !begins || begins->begins_as(id));
  };
  const auto of = std::ranges::find_if(files_, [&](const WatchedFile& f) {
    return name.size() > f.path.size() && name.starts_with(f.path) &&
           (begins_like(f.id) || (f.emptied && begins_like(f.emptied->id)));
  });
  if (of == files_.end()) return false;
  Newcomer& one = newcomers_.try_emplace(name, Newcomer{~0ull, now}).first->second;
  one.seen = true;
  const bool grows = std::exchange(one.size, size) != size;
  const bool unread =
      begins_like(of->id) && of->committed < size && (of->committed < of->read || of->read < size_now(*of));
  const Duration most = grows ? config_.rotate_wait * 12 : config_.rotate_wait;
  if ((grows || unread) && now - one.since < most) return true;
  newcomers_.erase(name);
  return false;
}

std::expected<Watched::Beginning, int> Watched::beginning_of(const InputFile& file, const std::string& name,
                                                             const FileId& id, std::uint64_t size, bool first) {
  const auto place = place_of(file, id, size);
  if (!place) return std::unexpected(place.error());
  if (*place) return Beginning{**place};
  if (first && fresh_ && config_.from_end) {
    const auto line = last_line(file, size);
    if (!line) return std::unexpected(line.error());
    return Beginning{line->value_or(size), !*line};
  }
  const auto copied = copied_from(file, name, size);
  if (!copied) return std::unexpected(copied.error());
  return Beginning{*copied};
}

void Watched::visit(const std::string& name, TimePoint now, bool first) {
  const auto found = disk_.look(name);
  if (!found) {
    for (WatchedFile& file : files_) file.named = file.named || file.path == name;
    return complain(cannot_look(name, found.error()).message);
  }
  if (!*found) return;
  if (auto* known = find(**found)) {
    known->path = name;
    known->named = true;
    known->is_own = known->is_own || is_own(*known);
    known->last_line_taken = false;
    return;
  }
  if (!first && is_finished(**found)) return;
  if (files_.size() >= config_.max_files && !make_place(now)) {
    ++without_place_;
    return;
  }
  if (auto added = add(name, now, first); !added) complain(added.error().message);
}

Result<void> Watched::add(const std::string& name, TimePoint now, bool first) {
  auto file = InputFile::open(name, disk_);
  if (!file) return std::unexpected(file.error());
  const auto look = file->look();
  const auto id = file->id();
  if (!look || !id) return std::unexpected(cannot_look(name, !look ? look.error() : id.error()));
  if (!first && is_too_early(*file, name, look->length, now)) return {};
  const auto begin = beginning_of(*file, name, *id, look->length, first);
  if (!begin) return std::unexpected(cannot_look(name, begin.error()));
  WatchedFile added;
  added.id = *id;
  added.path = name;
  added.changed = now;
  added.read = added.given = added.committed = added.large_from = begin->offset;
  added.in_large_line = added.skips_line = begin->skips_line;
  if (const auto noted = added.marks.note(*file, added.read); !noted)
    return std::unexpected(cannot_look(name, noted.error()));
  added.tails.note(*file, added.read);
  added.file = std::move(*file);
  if (is_own(added)) return {};
  files_.push_back(std::move(added));
  return {};
}

bool Watched::has_ended_wholly(const WatchedFile& file, TimePoint now) const {
  const auto look = file.file.look();
  if (look && file.is_own) return file.in_flight == 0 && !file.named && now - file.changed >= config_.rotate_wait;
  if (!look || file.in_flight > 0 || file.committed < file.read || file.in_large_line) return false;
  return now - file.changed >= config_.rotate_wait &&
         (file.read >= look->length || (file.last_line_taken && file.looked_at == look->length));
}

/// Files that the last run had not finished and that have another name now.
void Watched::find_renamed(TimePoint now) {
  renamed_unseen_ = false;
  if (left_over_.empty()) return;
  const auto listed = for_each_beside(disk_, config_.path, [&](const std::string& path, std::uint64_t inode) {
    if (is_renamed(path, inode, now)) {
      if (files_.size() >= config_.max_files) return renamed_unseen_ = true, false;
      if (auto added = add(path, now, true); !added) {
        complain(added.error().message);
        renamed_unseen_ = true;
      } else {
        files_.back().named = false;  // unless a name we watch turns out to be its
      }
    }
    return true;
  });
  if (listed) return;
  complain(listed.error().message);
  renamed_unseen_ = true;
}

bool Watched::is_renamed(const std::string& path, std::uint64_t inode, TimePoint) {
  const std::string name = name_of(config_.path), stem = name.substr(0, name.find_first_of("*?["));
  const auto known = std::ranges::find_if(left_over_, [&](const FilePosition& p) { return p.id.inode == inode; });
  if (known == left_over_.end()) return false;
  // Of a file that was empty nothing is known but an inode, which may be anybody's by now: only its name speaks for it.
  if (known->id.length == 0 && !std::string_view(name_of(path)).starts_with(stem)) return false;
  const auto named = disk_.look(config_.path);
  if (named && *named && (*named)->inode == inode) return false;  // it has its name still
  auto file = InputFile::open(path, disk_);
  const auto look = file ? file->look() : std::unexpected(0);
  const auto is_it = file && look ? is_still(*file, *known, look->length) : std::unexpected(0);
  if (!named || !file || !look || !is_it) {
    renamed_unseen_ = true;
    return false;
  }
  return *is_it && look->length > known->offset && !find(*look);
}

void Watched::look(TimePoint now) {
  complained_ = false;
  look_at_names(now);
  if (complained_) return;
  const std::lock_guard lock(told_mutex_);
  told_complaint_.clear();
}

void Watched::look_at_names(TimePoint now) {
  const auto names = names_of(disk_, config_.path, config_.own);
  if (!names) return complain(names.error().message);
  if (renamed_unseen_) find_renamed(now);
  std::vector<bool> was;
  for (WatchedFile& file : files_) {
    was.push_back(file.named);
    file.named = false;
  }
  without_place_ = 0;
  idle_.reset();
  finished_.reset();
  places_are_full_ = false;
  // First those that are known, so that none of them gives its place to a new one because it is not seen yet.
  std::vector<const std::string*> unknown;
  for (const auto& name : names->found) {
    const auto found = disk_.look(name);
    if (!found || (*found && find(**found)))
      visit(name, now, false);
    else
      unknown.push_back(&name);
  }
  std::size_t i = 0;
  for (auto file = files_.begin(); file != files_.end(); ++i) {
    if (was[i] && !file->named) {
      file->changed = now;
      log::info({"source", config_.source}, "{} was renamed or deleted: it is read to its end",
                terminal_text(file->path));
    }
    if (file->named || !has_ended_wholly(*file, now)) {
      ++file;
      continue;
    }
    remember(*file);
    file = files_.erase(file);
  }
  for (auto& [name, newcomer] : newcomers_) newcomer.seen = false;
  for (const auto* name : unknown) visit(*name, now, false);
  std::erase_if(newcomers_, [](const auto& newcomer) { return !newcomer.second.seen; });
  count_limits(without_place_, !names->all);
}

Watched::Limits Watched::limits() const {
  const std::lock_guard lock(told_mutex_);
  return {emptied_, told_without_place_, told_places_are_full_, reached_,
          own_,     too_many_names_,     complaints_,           told_complaint_};
}

/// Whether it is the file that it was though it begins in another way: a hole was made there, to give space back to the
/// disk, and what was read last still stands.
std::expected<bool, int> Watched::is_hollow(const WatchedFile& file, const FileId& begins, std::uint64_t size) {
  if (size < file.read || begins.begins_as(file.id) || !begins.begins_with_zeros()) return false;
  return file.tails.newest_stands_in(file.file);
}

std::uint64_t Watched::check(WatchedFile& file, TimePoint now) {
  const auto look = file.file.look();
  const auto begins = file.file.id(file.id.length);
  if (!look || !begins) {
    complain(cannot_look(file.path, !look ? look.error() : begins.error()).message);
    return file.read;
  }
  const auto size = look->length;
  const auto hollow = is_hollow(file, *begins, size);
  if (!hollow) {
    complain(cannot_look(file.path, hollow.error()).message);
    return file.read;
  }
  if (*hollow) {
    log::info({"source", config_.source}, "{}: its beginning was made a hole; it is read on from byte {}",
              terminal_text(file.path), file.read);
    file.id = *begins;
  }
  if (size < file.read || !begins->begins_as(file.id)) {
    log::warn({"source", config_.source},
              "{} was emptied or written anew ({} of {} bytes were settled): it is read from its start",
              terminal_text(file.path), file.committed, file.read);
    ++emptied_;
    ++file.epoch;
    file.emptied = WatchedFile::Past{file.id, file.committed, file.marks};
    file.marks.clear();
    file.tails.clear();
    file.read = file.given = file.committed = file.looked_at = 0;
    file.in_large_line = file.skips_line = file.last_line_taken = false;
    file.piece = 0;
    file.changed = now;
    file.id.hash = hash_start;
    file.id.length = 0;
  }
  if (file.id.length < FileId::longest && size > file.id.length)
    if (auto id = file.file.id()) file.id = *id;
  return size;
}

bool Watched::ended(const WatchedFile& file, TimePoint now) const {
  return !config_.follow || (!file.named && now - file.changed >= config_.rotate_wait);
}

std::vector<FilePosition> Watched::places() const {
  std::vector<FilePosition> all = left_over_;
  for (const WatchedFile& file : files_) all.push_back(file.place());
  return all;
}

}  // namespace weir::file
