#include <fcntl.h>
#include <sys/stat.h>
#include <weir/base/written_files.h>

#include <algorithm>

namespace weir {

bool WrittenFiles::look(int descriptor, File& file) {
  struct statx seen{};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_BTIME, &seen) != 0) return false;
  if (!S_ISREG(seen.stx_mode)) return false;
  file.device = std::uint64_t{seen.stx_dev_major} << 32 | seen.stx_dev_minor;
  file.inode = seen.stx_ino;
  if (seen.stx_mask & STATX_BTIME) file.born = seen.stx_btime.tv_sec * 1'000'000'000 + seen.stx_btime.tv_nsec;
  return true;
}

WrittenFiles::File* WrittenFiles::find(const File& file) {
  const auto at = std::ranges::find_if(files_, [&](const File& known) { return known.same(file); });
  return at == files_.end() ? nullptr : &*at;
}

void WrittenFiles::opened(int descriptor) {
  File file;
  if (!look(descriptor, file)) return;
  const std::lock_guard lock(mutex_);
  if (File* known = find(file)) {
    ++known->open;
    return;
  }
  if (files_.size() >= most)
    if (const auto oldest = std::ranges::find(files_, 0u, &File::open); oldest != files_.end()) files_.erase(oldest);
  file.open = 1;
  files_.push_back(file);
}

void WrittenFiles::closing(int descriptor) {
  File file;
  if (!look(descriptor, file)) return;
  const std::lock_guard lock(mutex_);
  File* known = find(file);
  if (!known || known->open == 0) return;
  if (--known->open == 0 && known->born == 0) files_.erase(files_.begin() + (known - files_.data()));
}

bool WrittenFiles::is_written(int descriptor) const {
  File file;
  if (!look(descriptor, file)) return false;
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(files_, [&](const File& known) { return known.same(file); });
}

}  // namespace weir
