// What tests do to a PowerDisk; what the journal does to it is in disk_for_test.cc.
#include <cerrno>
#include <utility>

#include "journal/disk_for_test.h"
#include "journal/disk_system.h"

namespace weir::journal {
namespace {

std::string_view verb(PowerDisk::Op op) {
  static constexpr std::string_view verbs[] = {"open",   "read",     "list",        "lock",       "look at",
                                               "write",  "allocate", "truncate",    "sync",       "create",
                                               "rename", "remove",   "make folder", "sync folder"};
  return verbs[static_cast<std::size_t>(op)];
}

}  // namespace

std::unexpected<Error> PowerDisk::refused(Op op, const std::string& path, int error) {
  return disk_failure(verb(op), path, error);
}

std::optional<Error> PowerDisk::fault(Op op) {
  std::optional<Error> found;
  for (auto& one : state_.faults) {
    if (one.op != op || one.countdown == 0) continue;
    if (one.countdown > 1) {
      --one.countdown;
      continue;
    }
    if (one.once) one.countdown = 0;
    found = one.error;
  }
  return found;
}

/// Every call but size() and free_space() starts here: it counts the step, or says why there is none.
Result<void> PowerDisk::begin(Op op, const std::string& path) {
  const bool step = op >= Op::write;
  const bool lost = power_lost();
  if (step && !lost) ++state_.steps;
  const auto why = lost ? std::optional(Error{Error::Kind::failed, "power lost", Duration{0}}) : fault(op);
  if (why) return failure("cannot " + std::string(verb(op)) + " " + path + ": " + why->message, why->kind);
  if (step && state_.read_only) return refused(op, path, EROFS);
  return {};
}

/// Whether to pass the barrier by.
bool PowerDisk::pass(std::string_view barrier) {
  if (!barrier.empty() && !power_lost()) state_.barriers.emplace(barrier);
  return state_.ignored.contains(std::string(barrier));
}

std::unique_ptr<PowerDisk> PowerDisk::clone() const {
  const std::lock_guard guard(mutex_);
  return std::unique_ptr<PowerDisk>(new PowerDisk(state_));
}

std::uint64_t PowerDisk::steps() const {
  const std::lock_guard guard(mutex_);
  return state_.steps;
}

void PowerDisk::crash_after(std::uint64_t step) {
  const std::lock_guard guard(mutex_);
  state_.crash_at = step;
}

std::unique_ptr<PowerDisk> PowerDisk::after_power_loss(Rng& rng, LossMode mode) const {
  const std::lock_guard guard(mutex_);
  State left;
  left.names = Names(state_.names.after_loss(mode, rng));
  for (const auto id : left.names.named()) {
    if (id != Names::folder) left.inodes.emplace(id, Inode(state_.inodes.at(id).after_loss(mode, rng)));
  }
  left.next_inode = state_.next_inode;
  left.ignored = state_.ignored;
  left.capacity = state_.capacity;
  return std::unique_ptr<PowerDisk>(new PowerDisk(std::move(left)));
}

void PowerDisk::ignore(std::string barrier) {
  const std::lock_guard guard(mutex_);
  state_.ignored.insert(std::move(barrier));
}

std::set<std::string> PowerDisk::barriers() const {
  const std::lock_guard guard(mutex_);
  return state_.barriers;
}

void PowerDisk::fail_once(Op op, std::uint64_t nth, Error error) {
  WEIR_CHECK(nth > 0);
  const std::lock_guard guard(mutex_);
  state_.faults.push_back({op, nth, true, std::move(error)});
}

void PowerDisk::fail_from(Op op, std::uint64_t nth, Error error) {
  WEIR_CHECK(nth > 0);
  const std::lock_guard guard(mutex_);
  state_.faults.push_back({op, nth, false, std::move(error)});
}

void PowerDisk::mend() {
  const std::lock_guard guard(mutex_);
  state_.faults.clear();
}

void PowerDisk::set_capacity(Bytes capacity) {
  const std::lock_guard guard(mutex_);
  state_.capacity = capacity.count();
}

Bytes PowerDisk::used() const {
  const std::lock_guard guard(mutex_);
  return Bytes(room_taken());
}

void PowerDisk::set_read_only(bool read_only) {
  const std::lock_guard guard(mutex_);
  state_.read_only = read_only;
}

const Inode& PowerDisk::there(const std::string& path) const {
  const auto id = state_.names.find(path);
  WEIR_CHECK(id && *id != Names::folder);
  return state_.inodes.at(*id);
}

void PowerDisk::flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) {
  const std::lock_guard guard(mutex_);
  (void)there(path);
  state_.inodes.at(*state_.names.find(path)).flip(byte, bit);
}

void PowerDisk::cut(const std::string& path, std::uint64_t length) {
  auto bytes = content(path);
  WEIR_CHECK(length <= bytes.size());
  bytes.resize(length);
  put(path, std::move(bytes));
}

void PowerDisk::erase(const std::string& path) {
  const std::lock_guard guard(mutex_);
  (void)there(path);
  state_.names.set(path, std::nullopt);
  forget_unreachable();
}

void PowerDisk::put(const std::string& path, std::string content) {
  const std::lock_guard guard(mutex_);
  WEIR_CHECK(state_.names.folder_at(Names::Spot(path).folder));
  const auto id = state_.names.find(path).value_or(state_.next_inode);
  WEIR_CHECK(id != Names::folder);
  if (id == state_.next_inode) ++state_.next_inode;
  const int opened = state_.inodes[id].opened;
  state_.inodes[id] = Inode(std::move(content));
  state_.inodes[id].opened = opened;
  state_.names.set(path, id);
}

std::string PowerDisk::content(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  return there(path).current();
}

void PowerDisk::move_folder(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  state_.names.move_folder(from, to);
}

bool PowerDisk::exists(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  return state_.names.find(path).has_value();
}

}  // namespace weir::journal
