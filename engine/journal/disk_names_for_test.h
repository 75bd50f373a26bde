#pragma once
/// The folders of a PowerDisk: which names are durable, which are seen, and the changes between the two.
///
/// A created, renamed or removed name is in doubt until its folder is synced; syncing the file does nothing for its
/// name. A rename is one change: it arrived or it did not. (A rename between two folders arrives with a sync of either,
/// as on a file system that journals its metadata; the changes that it depends on arrive with it.)
///
/// Thread: one owner. Cost: a few map look-ups. Ref: as disk_inode_for_test.h.
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "journal/disk_inode_for_test.h"

namespace weir::journal {

class Names {
 public:
  static constexpr std::uint64_t folder = 0;  ///< stands for an inode where the name is a folder's
  using Folder = std::map<std::string, std::uint64_t>;
  using Tree = std::map<std::string, Folder>;  ///< by the folder's path

  struct Spot {
    std::string folder, name;
    explicit Spot(const std::string& path);
    std::string path() const;
  };
  struct Change {
    std::optional<Spot> gone, here;
    std::uint64_t inode = folder;
  };

  Names() = default;
  explicit Names(Tree durable) : durable_(std::move(durable)), current_(durable_) {}

  static std::string tidy(const std::string& path);  ///< one spelling for one place: "a/./b//" is "a/b", "." is ""

  const Folder* folder_at(const std::string& path) const;
  std::optional<std::uint64_t> find(const std::string& path) const;
  void change(Change change);
  void sync(const std::string& folder);
  /// For damage done to the disk itself: at once and durable, and so is all else in that folder.
  void set(const std::string& path, std::optional<std::uint64_t> inode);
  void move_folder(const std::string& from, const std::string& to);
  Tree after_loss(LossMode mode, Rng& rng) const;
  std::set<std::uint64_t> named() const;         ///< the inodes that have a name now
  std::set<std::uint64_t> within_reach() const;  ///< those that have one now or may have one after a loss

 private:
  static const Tree roots;
  Tree durable_ = roots, current_ = roots;
  std::vector<Change> pending_;
};

}  // namespace weir::journal
