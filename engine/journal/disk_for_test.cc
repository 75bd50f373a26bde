#include "journal/disk_for_test.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "journal/disk_system.h"

namespace weir::journal {
class PowerDisk::Handle : public File {
 public:
  Handle(PowerDisk& disk, std::uint64_t inode, std::string path, bool writable)
      : disk_(disk), inode_(inode), path_(std::move(path)), writable_(writable) {}
  ~Handle() override {
    const std::lock_guard guard(disk_.mutex_);
    --file().opened;
    disk_.forget_unreachable();
  }

  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    const std::lock_guard guard(disk_.mutex_);
    if (auto begun = disk_.begin(Op::read, path_); !begun) return std::unexpected(begun.error());
    const auto& bytes = file().current();
    if (offset >= bytes.size()) return 0;
    return bytes.copy(to.data(), to.size(), offset);
  }
  Result<void> write(std::string_view bytes, std::uint64_t offset) override {
    return change(Op::write, {Inode::Change::Kind::write, offset, std::string(bytes)});
  }
  Result<void> allocate(std::uint64_t length) override {
    return change(Op::allocate, {Inode::Change::Kind::allocate, length, {}});
  }
  Result<void> truncate(std::uint64_t length) override {
    return change(Op::truncate, {Inode::Change::Kind::truncate, length, {}});
  }
  Result<void> sync(std::string_view barrier) override {
    const std::lock_guard guard(disk_.mutex_);
    const bool on = !disk_.power_lost();
    if (auto begun = disk_.begin(Op::sync, path_); !begun) {
      if (on) file().fail_sync();
      return begun;
    }
    if (!disk_.pass(barrier)) file().sync();
    return {};
  }
  Result<std::uint64_t> size() override {
    const std::lock_guard guard(disk_.mutex_);
    if (disk_.power_lost()) return failure("cannot examine " + path_ + ": power lost");
    return file().current().size();
  }
  Result<FileLook> look() override {
    const std::lock_guard guard(disk_.mutex_);
    if (auto begun = disk_.begin(Op::look, path_); !begun) return std::unexpected(begun.error());
    return disk_.look_of(inode_);
  }

 private:
  Inode& file() { return disk_.state_.inodes.at(inode_); }
  Result<void> change(Op op, Inode::Change change) {
    const std::lock_guard guard(disk_.mutex_);
    if (!writable_) return refused(op, path_, op == Op::write ? EBADF : EINVAL);
    return disk_.change(inode_, path_, op, std::move(change));
  }

  PowerDisk& disk_;
  std::uint64_t inode_;
  std::string path_;
  bool writable_;
};

class PowerDisk::Held : public Lock {
 public:
  Held(PowerDisk& disk, std::string path, std::uint64_t inode) : disk_(disk), path_(std::move(path)), inode_(inode) {
    ++disk_.state_.inodes.at(inode_).opened;
  }
  ~Held() override {
    const std::lock_guard guard(disk_.mutex_);
    disk_.locked_.erase(path_);
    --disk_.state_.inodes.at(inode_).opened;
    disk_.forget_unreachable();
  }
  Result<FileLook> look() override {
    const std::lock_guard guard(disk_.mutex_);
    if (auto begun = disk_.begin(Op::look, path_); !begun) return std::unexpected(begun.error());
    return disk_.look_of(inode_);
  }

 private:
  PowerDisk& disk_;
  std::string path_;
  std::uint64_t inode_;
};

PowerDisk::PowerDisk(State state) : state_(std::move(state)) {
  for (auto& [id, inode] : state_.inodes) inode.opened = 0;
  forget_unreachable();
}

std::uint64_t PowerDisk::room_taken() const {
  const auto named = state_.names.named();
  std::uint64_t taken = 0;
  for (const auto& [id, inode] : state_.inodes) {
    if (inode.opened > 0 || named.contains(id)) taken += inode.room();
  }
  return taken;
}

std::uint64_t PowerDisk::room_left() const {
  const auto taken = room_taken();
  return state_.capacity - std::min(taken, state_.capacity);
}

void PowerDisk::forget_unreachable() {
  const auto kept = state_.names.within_reach();
  std::erase_if(state_.inodes, [&](const auto& one) { return one.second.opened == 0 && !kept.contains(one.first); });
}

Result<void> PowerDisk::change(std::uint64_t id, const std::string& path, Op op, Inode::Change change) {
  if (auto begun = begin(op, path); !begun) return begun;
  auto& inode = state_.inodes.at(id);
  const auto room = state_.capacity == UINT64_MAX ? UINT64_MAX : room_left();
  const bool full = inode.more_room_for(change) > room;
  if (full && op != Op::write) return refused(op, path, ENOSPC);
  while (full && inode.more_room_for(change) > room) {
    const auto last_sector = (change.offset + change.bytes.size() - 1) / Inode::sector * Inode::sector;
    change.bytes.resize(last_sector - std::min(last_sector, change.offset));
  }
  inode.change(std::move(change));
  return full ? Result<void>(refused(op, path, ENOSPC)) : Result<void>{};
}

Result<std::uint64_t> PowerDisk::create(const std::string& path) {
  if (auto begun = begin(Op::create, path); !begun) return std::unexpected(begun.error());
  const Names::Spot place(path);
  if (state_.names.find(path)) return refused(Op::create, path, EEXIST);
  if (!state_.names.folder_at(place.folder)) return refused(Op::create, path, ENOENT);
  const auto id = state_.next_inode++;
  state_.inodes[id];
  state_.names.change({{}, place, id});
  return id;
}

Result<std::unique_ptr<File>> PowerDisk::open(const std::string& path, Open how) {
  const std::lock_guard guard(mutex_);
  std::uint64_t id = Names::folder;
  if (how == Open::create) {
    const auto created = create(path);
    if (!created) return std::unexpected(created.error());
    id = *created;
  } else {
    if (auto begun = begin(Op::open, path); !begun) return std::unexpected(begun.error());
    const auto found = state_.names.find(path);
    if (!found) return refused(Op::open, path, ENOENT);
    if (*found == Names::folder) return refused(Op::open, path, EISDIR);
    id = *found;
  }
  ++state_.inodes.at(id).opened;
  return std::make_unique<Handle>(*this, id, path, how != Open::read);
}

Result<void> PowerDisk::rename(const std::string& from, const std::string& to, std::string_view barrier) {
  const std::lock_guard guard(mutex_);
  const auto both = from + " to " + to;
  const bool split = pass(barrier);
  if (auto begun = begin(Op::rename, both); !begun) return begun;
  const Names::Spot source(from), target(to);
  const auto id = state_.names.find(from), old = state_.names.find(to);
  if (!id || !state_.names.folder_at(target.folder)) return refused(Op::rename, both, ENOENT);
  if (*id == Names::folder || old == Names::folder) return refused(Op::rename, both, EISDIR);
  if (split) {
    if (old) state_.names.change({target, {}, *old});
    if (auto begun = begin(Op::rename, both); !begun) return begun;
  }
  state_.names.change({source, target, *id});
  forget_unreachable();
  return {};
}

Result<void> PowerDisk::remove(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (auto begun = begin(Op::remove, path); !begun) return begun;
  const auto id = state_.names.find(path);
  if (!id) return refused(Op::remove, path, ENOENT);
  if (*id == Names::folder) return refused(Op::remove, path, EISDIR);
  state_.names.change({Names::Spot(path), {}, *id});
  forget_unreachable();
  return {};
}

Result<void> PowerDisk::make_folder(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (power_lost()) return begin(Op::make_folder, path);
  std::vector<Names::Spot> missing;
  for (auto at = Names::tidy(path); !state_.names.folder_at(at); at = missing.back().folder) {
    if (state_.names.find(at)) return refused(Op::make_folder, at, ENOTDIR);
    missing.emplace_back(at);
  }
  for (; !missing.empty(); missing.pop_back()) {
    if (auto begun = begin(Op::make_folder, missing.back().path()); !begun) return begun;
    state_.names.change({{}, missing.back(), Names::folder});
  }
  return {};
}

Result<void> PowerDisk::sync_folder(const std::string& path, std::string_view barrier) {
  const std::lock_guard guard(mutex_);
  const bool skip = pass(barrier);
  if (auto begun = begin(Op::sync_folder, path); !begun) return begun;
  if (!state_.names.folder_at(path)) return refused(Op::sync_folder, path, ENOENT);
  if (!skip) state_.names.sync(path);
  forget_unreachable();
  return {};
}

Result<std::vector<std::string>> PowerDisk::list(const std::string& folder) {
  const std::lock_guard guard(mutex_);
  if (auto begun = begin(Op::list, folder); !begun) return std::unexpected(begun.error());
  const auto* entries = state_.names.folder_at(folder);
  if (!entries) return refused(Op::list, folder, ENOENT);
  std::vector<std::string> names;
  for (const auto& [name, inode] : *entries) names.push_back(name);
  return names;
}

FileLook PowerDisk::look_of(std::uint64_t inode) const {
  const auto length = inode == Names::folder ? 0 : state_.inodes.at(inode).current().size();
  return {.device = 1, .inode = inode, .links = 1, .length = length};
}

Result<std::optional<FileLook>> PowerDisk::look(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (auto begun = begin(Op::look, path); !begun) return std::unexpected(begun.error());
  const auto inode = state_.names.find(path);
  if (!inode) return std::nullopt;
  return look_of(*inode);
}

Result<std::unique_ptr<Disk::Lock>> PowerDisk::lock(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (auto begun = begin(Op::lock, path); !begun) return std::unexpected(begun.error());
  if (!state_.names.find(path)) {
    if (auto created = create(path); !created) return std::unexpected(created.error());
  }
  auto name = Names::tidy(path);
  if (!locked_.insert(name).second) return failure("cannot lock " + path + ": it is used by another process");
  const auto inode = *state_.names.find(path);
  return std::make_unique<Held>(*this, std::move(name), inode);
}

Result<Bytes> PowerDisk::free_space(const std::string& folder) {
  const std::lock_guard guard(mutex_);
  if (power_lost()) return failure("cannot see the free space of " + folder + ": power lost");
  if (!state_.names.folder_at(folder)) return disk_failure("see the free space of", folder, ENOENT);
  return Bytes(room_left());
}

}  // namespace weir::journal
