#include "journal/cursor.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "journal/segment.h"

namespace weir::journal {
namespace {

constexpr std::string_view cursor_magic = "WEIRCURS";
constexpr std::size_t slot_size = 4096, slots = 2;

// Format: FORMAT.md. A cursor that holds is written without its flags, as it always was.
struct CursorContent {
  std::uint64_t generation;
  Position position;
  std::uint64_t flags;
};
constexpr std::size_t without_flags = offsetof(CursorContent, flags);
constexpr std::uint64_t holds_nothing = 1;

Result<std::optional<CursorContent>> read_slots(File& file) {
  std::optional<CursorContent> newest;
  std::array<char, slot_size> block;
  for (std::size_t i = 0; i < slots; ++i) {
    const auto got = file.read(block, i * slot_size);
    if (!got) return std::unexpected(got.error());
    const std::string_view bytes(block.data(), *got);
    const auto opened = open_block(cursor_magic, bytes);
    CursorContent content{};
    if (!opened || (opened->size() != without_flags && opened->size() != sizeof content)) {
      if (!opened && opened.error().kind == Error::Kind::unsupported) return std::unexpected(opened.error());
      continue;
    }
    std::memcpy(&content, opened->data(), opened->size());
    if (!newest || content.generation > newest->generation) newest = content;
  }
  return newest;
}

std::string slot_of(std::uint64_t generation, const Position& position, bool holds) {
  const CursorContent content{generation, position, holds ? 0 : holds_nothing};
  return seal_block(cursor_magic, {reinterpret_cast<const char*>(&content), holds ? without_flags : sizeof content},
                    slot_size);
}

std::string path_of(const std::string& folder, const std::string& consumer) {
  return folder + "/" + consumer + ".cursor";
}

}  // namespace

Result<CursorFile> CursorFile::open(Disk& disk, const std::string& folder, const std::string& consumer,
                                    const Position& initial, bool holds) {
  CursorFile cursor(disk, path_of(folder, consumer), holds);
  const auto there = disk.look(cursor.path_);
  if (!there) return std::unexpected(there.error());
  if (!*there) {
    if (auto made = cursor.make(initial); !made) return std::unexpected(made.error());
    cursor.found_ = initial;
    return cursor;
  }
  auto file = disk.open(cursor.path_, Disk::Open::write);
  if (!file) return std::unexpected(file.error());
  auto found = read_slots(**file);
  if (!found) return failure(cursor.path_ + ": " + found.error().message, found.error().kind);
  cursor.file_ = std::move(*file);
  cursor.held_ = HeldFile(**there);
  if (*found) {
    cursor.generation_ = (*found)->generation;
    cursor.found_ = (*found)->position;
    // Whoever wrote it may have been killed before the sync; what is given up must not trust it before.
    if (auto r = cursor.write_slot(*cursor.found_, "cursor at opening"); !r) return std::unexpected(r.error());
  }
  return cursor;
}

Result<void> CursorFile::make(const Position& initial) {
  const std::string made = path_ + ".new";
  (void)disk_->remove(made);
  auto file = disk_->open(made, Disk::Open::create);
  if (!file) return std::unexpected(file.error());
  file_ = std::move(*file);
  if (auto r = file_->allocate(slots * slot_size); !r) return r;
  if (auto r = write_slot(initial, "first place of a new cursor"); !r) return r;
  const auto look = file_->look();
  if (!look) return std::unexpected(look.error());
  held_ = HeldFile(*look);
  if (auto r = disk_->rename(made, path_, ""); !r) return r;
  return disk_->sync_folder(path_.substr(0, path_.rfind('/')), "folder after a new cursor");
}

Result<std::optional<CursorFound>> CursorFile::look(Disk& disk, const std::string& path) {
  auto file = disk.open(path, Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  auto found = read_slots(**file);
  if (!found) return failure(path + ": " + found.error().message, found.error().kind);
  return found->transform(
      [](const CursorContent& content) { return CursorFound{content.position, (content.flags & holds_nothing) == 0}; });
}

Result<bool> CursorFile::forget(Disk& disk, const std::string& folder, const std::string& consumer) {
  const std::string path = path_of(folder, consumer);
  const auto there = disk.look(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) return false;
  if (auto r = disk.remove(path); !r) return std::unexpected(r.error());
  if (auto r = disk.sync_folder(folder, ""); !r) return std::unexpected(r.error());
  return true;
}

Result<void> CursorFile::save(const Position& position, std::string_view barrier) {
  const auto there = disk_->look(path_);
  if (!there) return std::unexpected(there.error());
  return held_.is_named_by(*there) ? write_slot(position, barrier) : make(position);
}

Result<void> CursorFile::write_slot(const Position& position, std::string_view barrier) {
  const std::uint64_t next = generation_ + 1;
  if (auto r = file_->write(slot_of(next, position, holds_), next % slots * slot_size); !r) return r;
  if (auto r = file_->sync(barrier); !r) return r;
  generation_ = next;
  return {};
}

}  // namespace weir::journal
