#include "watched.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>

#include "log/log.h"

namespace weir::file {
namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string join(const std::string& path, const char* name) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? name : path.substr(0, slash + 1) + name;
}

bool is_pattern(std::string_view name) { return name.find_first_of("*?[") != name.npos; }

/// A file that a rotation compressed holds the same lines once more, and is no text.
bool is_packed(std::string_view name) {
  static constexpr std::array<std::string_view, 6> endings{".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

/// Where the line that is being written begins: what is new is read in whole lines.
std::uint64_t last_line(const InputFile& file) {
  std::array<char, 16384> tail;
  const auto size = file.size();
  const auto from = size - std::min<std::uint64_t>(size, tail.size());
  const auto got = file.read(tail.data(), tail.size(), from);
  const auto end = std::string_view(tail.data(), static_cast<std::size_t>(std::max<std::int64_t>(got, 0))).rfind('\n');
  return end == std::string_view::npos ? (from == 0 ? 0 : size) : from + end + 1;
}

}  // namespace

FileId Watched::inode_of(const std::string& path) const {
  struct stat status{};
  if (disk_.status(path, status) != 0) return {};
  return {status.st_dev, status.st_ino, 0, 0};
}

std::vector<std::string> Watched::names() const {
  const auto pattern = name_of(config_.path);
  if (!is_pattern(pattern)) return {config_.path};
  std::vector<std::string> found;
  disk_.list(folder_of(config_.path), [&](const dirent& entry) {
    if (::fnmatch(pattern.c_str(), entry.d_name, FNM_PERIOD) == 0 && !is_packed(entry.d_name))
      found.push_back(join(config_.path, entry.d_name));
    return found.size() <= config_.max_files;
  });
  std::ranges::sort(found);
  return found;
}

Result<void> Watched::start(std::optional<std::vector<FilePosition>> places, TimePoint now) {
  fresh_ = !places;
  if (places) left_over_ = std::move(*places);
  const auto found = names();
  if (found.size() > config_.max_files)
    return failure(
        fmt::format("{} matches more than {} files: raise max_files", terminal_text(config_.path), config_.max_files));
  find_renamed(now);
  for (const auto& name : found) visit(name, now, true);
  if (!config_.follow && files_.empty())
    return failure(
        fmt::format("{}: {}", terminal_text(config_.path),
                    complaint_.empty() ? "there is no such file: correct path:, or use mode: follow" : complaint_));
  return {};
}

WatchedFile* Watched::find(const FileId& id) {
  const auto found = std::ranges::find_if(files_, [&](const WatchedFile& f) { return f.id.same_inode(id); });
  return found == files_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> Watched::place_of(const InputFile& file) {
  const auto id = file.id();
  const auto found = std::ranges::find_if(left_over_, [&](const FilePosition& p) { return p.id.same_inode(id); });
  if (found == left_over_.end()) return std::nullopt;
  const FilePosition place = *found;
  left_over_.erase(found);
  if (file.still(place.id) && file.size() >= place.offset) return place.offset;
  return std::nullopt;
}

/// Files that the last run had not finished and that have another name now.
void Watched::find_renamed(TimePoint now) {
  if (left_over_.empty()) return;
  const std::string name = name_of(config_.path), stem = name.substr(0, name.find_first_of("*?["));
  disk_.list(folder_of(config_.path), [&](const dirent& entry) {
    const auto known =
        std::ranges::find_if(left_over_, [&](const FilePosition& p) { return p.id.inode == entry.d_ino; });
    if (known == left_over_.end()) return true;
    // Of a file that was empty only the inode is known, which may have been reused by now: it is recognised by its name
    // only.
    if (known->id.length == 0 && !std::string_view(entry.d_name).starts_with(stem)) return true;
    const auto path = join(config_.path, entry.d_name);
    auto file = InputFile::open(path, disk_);
    if (!file || !file->still(known->id) || file->size() <= known->offset) return true;
    const auto named = inode_of(config_.path);
    if (named.same_inode(known->id)) return true;  // it has its name still
    visit(path, now, true);
    if (auto* renamed = find(file->id())) renamed->named = false;  // unless a name we watch turns out to be its
    return files_.size() < config_.max_files;
  });
}

void Watched::visit(const std::string& name, TimePoint now, bool first) {
  if (const auto id = inode_of(name); id.inode == 0) {
    return;
  } else if (auto* known = find(id)) {
    known->path = name;
    known->named = true;
    known->last_line_taken = false;
    return;
  }
  auto file = files_.size() < config_.max_files
                  ? InputFile::open(name, disk_)
                  : failure(fmt::format("more than {} files are open at once: raise max_files", config_.max_files));
  if (!file) {
    if (complaint_ != file.error().message) log::warn({"source", config_.source}, "{}", file.error().message);
    complaint_ = file.error().message;
    return;
  }
  WatchedFile& added = files_.emplace_back();
  added.id = file->id();
  added.path = name;
  added.changed = now;
  if (const auto place = place_of(*file))
    added.read = *place;
  else if (first && fresh_ && config_.from_end)
    added.read = last_line(*file);
  added.given = added.committed = added.read;
  added.file = std::move(*file);
}

void Watched::look(TimePoint now) {
  std::vector<bool> was;
  for (WatchedFile& file : files_) {
    was.push_back(file.named);
    file.named = false;
  }
  for (const auto& name : names()) visit(name, now, false);
  std::size_t i = 0;
  for (auto file = files_.begin(); file != files_.end(); ++i) {
    if (i < was.size() && was[i] && !file->named) {
      file->changed = now;
      log::info({"source", config_.source}, "{} was renamed or deleted: it is read to its end",
                terminal_text(file->path));
    }
    const bool over = !file->named && ended(*file, now) && file->in_flight == 0 && file->read >= file->file.size() &&
                      file->committed >= file->read;
    if (!over) {
      ++file;
      continue;
    }
    remember(*file);
    file = files_.erase(file);
  }
}

/// A renamed file may get its name back, and must not be read twice then. The inode of a deleted file may be reused.
void Watched::remember(const WatchedFile& file) {
  if (file.file.deleted()) return;
  if (left_over_.size() >= config_.max_files) left_over_.erase(left_over_.begin());
  left_over_.push_back({file.id, file.committed});
}

std::uint64_t Watched::check(WatchedFile& file, TimePoint now) {
  const auto size = file.file.size();
  if (size < file.read || !file.file.still(file.id)) {
    log::warn({"source", config_.source},
              "{} was emptied or written anew ({} of {} bytes were settled): it is read from its start",
              terminal_text(file.path), file.committed, file.read);
    ++emptied_;
    ++file.epoch;
    file.read = file.given = file.committed = file.looked_at = 0;
    file.in_large_line = file.last_line_taken = false;
    file.piece = 0;
    file.changed = now;
    file.id = file.file.id();
  } else if (file.id.length < FileId::longest && size > file.id.length) {
    file.id = file.file.id();
  }
  return size;
}

bool Watched::ended(const WatchedFile& file, TimePoint now) const {
  return !config_.follow || (!file.named && now - file.changed >= config_.rotate_wait);
}

std::vector<FilePosition> Watched::places() const {
  std::vector<FilePosition> all = left_over_;
  for (const WatchedFile& file : files_) all.push_back({file.id, file.committed});
  return all;
}

}  // namespace weir::file
