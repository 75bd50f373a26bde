#include "journal/cursor.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "journal/segment.h"

namespace weir::journal {
namespace {

constexpr std::string_view cursor_magic = "WEIRCURS";
constexpr std::size_t slot_size = 4096, slots = 2;

struct CursorContent {
  std::uint64_t generation;
  Position position;
};

Result<std::optional<CursorContent>> read_slots(File& file) {
  std::optional<CursorContent> newest;
  std::array<char, slot_size> block;
  for (std::size_t i = 0; i < slots; ++i) {
    const auto got = file.read(block, i * slot_size);
    if (!got) return std::unexpected(got.error());
    const std::string_view bytes(block.data(), *got);
    const auto opened = open_block(cursor_magic, bytes);
    CursorContent content;
    if (!opened || opened->size() != sizeof content) {
      if (!opened && opened.error().kind == Error::Kind::unsupported) return std::unexpected(opened.error());
      continue;
    }
    std::memcpy(&content, opened->data(), sizeof content);
    if (!newest || content.generation > newest->generation) newest = content;
  }
  return newest;
}

std::string slot_of(std::uint64_t generation, const Position& position) {
  const CursorContent content{generation, position};
  return seal_block(cursor_magic, {reinterpret_cast<const char*>(&content), sizeof content}, slot_size);
}

}  // namespace

Result<CursorFile> CursorFile::open(Disk& disk, const std::string& folder, const std::string& consumer,
                                    const Position& initial) {
  CursorFile cursor;
  const std::string path = folder + "/" + consumer + ".cursor";
  const auto names = disk.list(folder);
  if (!names) return std::unexpected(names.error());
  if (std::ranges::find(*names, consumer + ".cursor") != names->end()) {
    auto file = disk.open(path, Disk::Open::write);
    if (!file) return std::unexpected(file.error());
    auto found = read_slots(**file);
    if (!found) return failure(path + ": " + found.error().message, found.error().kind);
    cursor.file_ = std::move(*file);
    if (*found) {
      cursor.generation_ = (*found)->generation;
      cursor.found_ = (*found)->position;
      // The process that wrote it may have been killed before its sync; no segment may be given up because of it before
      // it is synced.
      if (auto r = cursor.save(*cursor.found_, "cursor at opening"); !r) return std::unexpected(r.error());
    }
    return cursor;
  }
  const std::string made = path + ".new";
  (void)disk.remove(made);
  auto file = disk.open(made, Disk::Open::create);
  if (!file) return std::unexpected(file.error());
  cursor.file_ = std::move(*file);
  if (auto r = cursor.file_->allocate(slots * slot_size); !r) return std::unexpected(r.error());
  if (auto r = cursor.save(initial, "first place of a new cursor"); !r) return std::unexpected(r.error());
  if (auto r = disk.rename(made, path, ""); !r) return std::unexpected(r.error());
  if (auto r = disk.sync_folder(folder, "folder after a new cursor"); !r) return std::unexpected(r.error());
  cursor.found_ = initial;
  return cursor;
}

Result<std::optional<Position>> CursorFile::look(Disk& disk, const std::string& path) {
  auto file = disk.open(path, Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  auto found = read_slots(**file);
  if (!found) return failure(path + ": " + found.error().message, found.error().kind);
  return found->transform([](const CursorContent& content) { return content.position; });
}

Result<void> CursorFile::save(const Position& position, std::string_view barrier) {
  const std::uint64_t next = generation_ + 1;
  if (auto r = file_->write(slot_of(next, position), next % slots * slot_size); !r) return r;
  if (auto r = file_->sync(barrier); !r) return r;
  generation_ = next;
  return {};
}

}  // namespace weir::journal
