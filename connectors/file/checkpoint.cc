#include "checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/context.h>
#include <weir/base/terminal_text.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <system_error>

#include "disk.h"
#include "log/log.h"
#include "names.h"

namespace weir::file {
namespace {

constexpr std::string_view heading = "weir checkpoint 2\n", first_heading = "weir checkpoint 1\n";
constexpr std::size_t largest = 1 << 20;  // most_positions lines of at most 110 bytes
static_assert(heading.size() == first_heading.size());

std::uint64_t hash_of(std::string_view text) { return hash_on(hash_start, text); }

std::optional<FilePosition> decode_line(std::string_view line, std::size_t numbers) {
  std::array<std::uint64_t, 6> n{};
  const char* at = line.data();
  const char* const end = at + line.size();
  for (std::size_t i = 0; i < numbers; ++i) {
    if (i > 0 && (at == end || *at++ != ' ')) return std::nullopt;
    const auto [next, error] = std::from_chars(at, end, n[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
  }
  if (at != end || n[2] > FileId::longest || n[4] > INT64_MAX) return std::nullopt;
  return FilePosition{{n[0], n[1], n[3], static_cast<std::uint32_t>(n[2])}, n[4], n[5]};
}

std::unexpected<Error> trouble(const std::string& path, std::string_view doing, int error) {
  return failure(
      fmt::format("checkpoint {}: {}: {}; give this user write permission in its folder, or name another "
                  "with checkpoint:",
                  terminal_text(path), doing, std::generic_category().message(error)));
}

}  // namespace

std::string encode(const std::vector<FilePosition>& places) {
  std::string text(heading);
  for (const auto& [id, offset, tail] : places)
    fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {}\n", id.device, id.inode, id.length, id.hash, offset,
                   tail);
  return text + fmt::format("end {}\n", hash_of(text));
}

std::optional<std::vector<FilePosition>> decode(std::string_view text) {
  const bool is_first = text.starts_with(first_heading);
  if ((!is_first && !text.starts_with(heading)) || !text.ends_with('\n')) return std::nullopt;
  const auto last = text.rfind('\n', text.size() - 2) + 1;
  if (text.substr(last) != fmt::format("end {}\n", hash_of(text.substr(0, last)))) return std::nullopt;
  std::vector<FilePosition> places;
  for (auto rest = text.substr(heading.size(), last - heading.size()); !rest.empty();) {
    const auto end = rest.find('\n');
    const auto place = decode_line(rest.substr(0, end), is_first ? 5 : 6);
    if (!place || places.size() == most_positions) return std::nullopt;
    places.push_back(*place);
    rest.remove_prefix(end + 1);
  }
  return places;
}

Result<std::optional<std::vector<FilePosition>>> load_checkpoint(const std::string& path) {
  const auto unreadable = [&](int error) {
    return failure(fmt::format("checkpoint {}: cannot be read: {}; nothing is begun anew because of that",
                               terminal_text(path), std::generic_category().message(error)));
  };
  const auto there = look_at(path);
  if (!there) return unreadable(there.error());
  if (!*there) return std::nullopt;
  auto file = InputFile::open(path);
  if (!file) return std::unexpected(file.error());
  std::string text(std::min<std::uint64_t>((*there)->length, largest + 1), '\0');
  const auto got = file->read(text.data(), text.size(), 0);
  if (got < 0) return unreadable(static_cast<int>(-got));
  text.resize(static_cast<std::size_t>(got));
  auto places = text.size() > largest ? std::nullopt : decode(text);
  if (!places)
    return failure(
        fmt::format("checkpoint {}: is damaged or no checkpoint: delete it to read everything again, or "
                    "name another with checkpoint:",
                    terminal_text(path)));
  return places;
}

Result<void> save_checkpoint(const std::string& path, std::string_view text, FileMode mode) {
  crash_point("file_source.before_checkpoint");
  const auto temporary = path + ".new";
  const int fd = open_or_make(temporary, O_WRONLY | O_TRUNC | O_NOFOLLOW, mode);
  if (fd < 0) return trouble(path, "cannot be written", -fd);
  int error = 0;
  struct stat before{};
  (void)!::fchmod(fd, ::stat(path.c_str(), &before) == 0 ? before.st_mode & 0777 : mode.bits());
  while (!text.empty() && error == 0) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) error = errno;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  crash_point("file_source.after_write");
  if (error == 0 && ::fdatasync(fd) != 0) error = errno;
  ::close(fd);
  if (error != 0) return trouble(path, "cannot be written", error);
  crash_point("file_source.after_sync");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return trouble(path, "cannot be replaced", errno);
  crash_point("file_source.after_rename");
  if (const int synced = Disk().sync_folder(folder_of(path)); synced < 0)
    return trouble(path, "its folder cannot be synced", -synced);
  return {};
}

struct CheckpointWriter::State {
  const std::string source, path;
  const FileMode mode;
  std::mutex mutex;
  std::optional<std::string> next{};  // given, and not begun
  bool failing = false;               // the thread's own
};

CheckpointWriter::CheckpointWriter(std::string source, std::string path, FileMode mode)
    : state_(new State{.source = std::move(source), .path = std::move(path), .mode = mode}), thread_("checkpoint") {}

void CheckpointWriter::write(std::string text) {
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->next, std::move(text))) return;  // the job that would have written the older one is there
  }
  thread_.run([state = state_] { save(*state); });
}

void CheckpointWriter::save(State& state) {
  std::optional<std::string> text;
  {
    const std::lock_guard lock(state.mutex);
    text = std::exchange(state.next, std::nullopt);
  }
  const auto saved = save_checkpoint(state.path, *text, state.mode);
  if (!saved && !state.failing)
    log::warn({"source", state.source}, "{}; until then a restart reads more again", saved.error().message);
  if (saved && state.failing)
    log::info({"source", state.source}, "checkpoint {} is written again", terminal_text(state.path));
  state.failing = !saved;
}

}  // namespace weir::file
