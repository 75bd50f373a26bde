#include <sys/stat.h>
#include <weir/base/held_file.h>

#include <cerrno>

namespace weir {
namespace {

FileLook look_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_nlink), static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

std::expected<std::optional<FileLook>, int> look_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return look_of(status);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  return std::unexpected(errno);
}

std::expected<FileLook, int> look_at(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return std::unexpected(errno);
  return look_of(status);
}

HeldFile::State HeldFile::state(const std::optional<FileLook>& at_path) const {
  if (!at_path) return State::missing;
  if (!at_path->same_file(left_)) return State::replaced;
  if (at_path->length == left_.length) return State::same;
  return at_path->length < left_.length ? State::shorter : State::longer;
}

std::string_view text(HeldFile::State state) {
  switch (state) {
    case HeldFile::State::same: return "is as it was left";
    case HeldFile::State::missing: return "was deleted or renamed";
    case HeldFile::State::replaced: return "was replaced by another file";
    case HeldFile::State::shorter: return "was emptied or cut by somebody else";
    case HeldFile::State::longer: return "was written to by somebody else";
  }
  return {};
}

}  // namespace weir
