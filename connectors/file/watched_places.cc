// Who is open: places among max_files, and the noted places of files that are not.
#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "log/log.h"
#include "names.h"
#include "watched.h"

namespace weir::file {

/// One that is not open any more because it was read to its end, and has not grown since.
bool Watched::is_finished(const FileLook& look) {
  if (!finished_) {
    finished_.emplace();
    for (const FilePosition& p : left_over_) finished_->emplace(p.id.device, p.id.inode, p.offset);
  }
  return finished_->contains({look.device, look.inode, look.length});
}

/// The one that is read to its end and has been idle for longest is closed; its place is kept.
bool Watched::make_place(TimePoint now) {
  if (!config_.follow) return false;
  if (!idle_) find_idle(now);
  if (idle_->empty() || !can_note_another()) return false;
  left_over_.push_back(idle_->back()->place());
  files_.erase(idle_->back());
  idle_->pop_back();
  return true;
}

void Watched::find_idle(TimePoint now) {
  idle_.emplace();
  for (auto file = files_.begin(); file != files_.end(); ++file)
    if (file->named && has_ended_wholly(*file, now)) idle_->push_back(file);
  std::ranges::sort(*idle_, std::ranges::greater(), [](const auto& file) { return file->changed; });
}

bool Watched::can_note_another() {
  const auto has_room = [this] { return left_over_.size() + config_.max_files < most_positions; };
  if (places_are_full_ || has_room()) return !places_are_full_;
  forget_what_is_gone();
  places_are_full_ = !has_room();
  return !places_are_full_;
}

/// Places of files that are in the folder under no name. Unless all of it was seen nothing is forgotten.
void Watched::forget_what_is_gone() {
  std::set<std::uint64_t> gone;  // by the inode alone: a device may have another number since the place was noted
  for (const FilePosition& p : left_over_) gone.insert(p.id.inode);
  bool seen_all = true;
  std::size_t n = 0;
  const auto listed = for_each_beside(disk_, config_.path, [&](const std::string& path, std::uint64_t) {
    const auto found = disk_.look(path);
    seen_all = found.has_value() && ++n <= most_entries;
    if (seen_all && *found) gone.erase((*found)->inode);
    return seen_all;
  });
  if (!listed || !seen_all) return;
  std::erase_if(left_over_, [&](const FilePosition& p) { return gone.contains(p.id.inode); });
}

/// A renamed file may get its name back, and must not be read twice then. A deleted one's inode is free for others.
void Watched::remember(const WatchedFile& file) {
  if (const auto look = file.file.look(); look && look->links == 0) return;
  if (!can_note_another()) {
    log::warn({"source", config_.source},
              "{}: the places of {} files are noted, and the oldest of them is forgotten: if its file is still in the "
              "folder it is read again; move finished files away",
              terminal_text(config_.path), left_over_.size());
    left_over_.erase(left_over_.begin());
  }
  left_over_.push_back(file.place());
}

void Watched::count_limits(std::uint64_t without_place, bool too_many_names) {
  const bool full = without_place > 0 && places_are_full_;
  const bool new_wait = without_place > 0 && (told_without_place_ == 0 || full != told_places_are_full_);
  const bool new_names = too_many_names && !too_many_names_;
  if (new_wait && full)
    log::warn({"source", config_.source},
              "{} more files match: they are not read, because the places of {} finished files are noted and no more "
              "can be: move finished files out of the folder",
              without_place, left_over_.size());
  else if (new_wait)
    log::warn({"source", config_.source},
              "{} more files match than max_files ({}) lets be open: they are read when others have been "
              "idle for rotate_wait; raise max_files",
              without_place, config_.max_files);
  if (new_names)
    log::warn({"source", config_.source},
              "{}: the folder has more than {} names, and not all of them are looked at: move finished "
              "files away",
              terminal_text(config_.path), most_entries);
  if (new_wait || new_names) ++reached_;
  told_without_place_ = without_place;
  told_places_are_full_ = full;
  too_many_names_ = too_many_names;
}

}  // namespace weir::file
