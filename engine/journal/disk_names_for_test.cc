#include "journal/disk_names_for_test.h"

#include <filesystem>
#include <utility>

namespace weir::journal {
namespace {

void take_effect(Names::Tree& tree, const Names::Change& change) {
  if (change.gone) tree[change.gone->folder].erase(change.gone->name);
  if (!change.here) return;
  tree[change.here->folder][change.here->name] = change.inode;
  if (change.inode == Names::folder) tree[change.here->path()];
}

bool touches(const Names::Change& change, const std::set<std::string>& folders) {
  return (change.gone && folders.contains(change.gone->folder)) ||
         (change.here && folders.contains(change.here->folder));
}

void collect(const Names::Tree& tree, std::set<std::uint64_t>& inodes) {
  for (const auto& [path, entries] : tree) {
    for (const auto& [name, inode] : entries) inodes.insert(inode);
  }
}

/// A folder whose own name is lost takes along all that is in it.
void keep_reachable(const Names::Tree& whole, const std::string& at, Names::Tree& kept) {
  const auto found = whole.find(at);
  if (found == whole.end()) return;
  kept[at] = found->second;
  for (const auto& [name, inode] : found->second) {
    if (inode != Names::folder) continue;
    const auto path = at.empty() ? name : at == "/" ? "/" + name : at + "/" + name;
    keep_reachable(whole, path, kept);
  }
}

}  // namespace

const Names::Tree Names::roots{{"", {}}, {"/", {}}};

std::string Names::tidy(const std::string& path) {
  auto text = std::filesystem::path(path).lexically_normal().string();
  if (text == ".") return "";
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Names::Spot::Spot(const std::string& path) {
  const auto tidied = tidy(path);
  const auto slash = tidied.rfind('/');
  if (slash != std::string::npos) folder = slash == 0 ? "/" : tidied.substr(0, slash);
  name = slash == std::string::npos ? tidied : tidied.substr(slash + 1);
}

std::string Names::Spot::path() const {
  return folder.empty() ? name : folder == "/" ? "/" + name : folder + "/" + name;
}

const Names::Folder* Names::folder_at(const std::string& path) const {
  const auto found = current_.find(tidy(path));
  return found == current_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> Names::find(const std::string& path) const {
  const Spot place(path);
  if (place.name.empty()) return folder;
  const auto* entries = folder_at(place.folder);
  if (!entries) return std::nullopt;
  const auto found = entries->find(place.name);
  return found == entries->end() ? std::nullopt : std::optional(found->second);
}

void Names::change(Change change) {
  take_effect(current_, change);
  pending_.push_back(std::move(change));
}

void Names::sync(const std::string& path) {
  std::set<std::string> folders{tidy(path)};
  std::vector<bool> arrives(pending_.size());
  for (auto i = pending_.size(); i-- > 0;) {
    arrives[i] = touches(pending_[i], folders);
    if (!arrives[i]) continue;
    if (pending_[i].gone) folders.insert(pending_[i].gone->folder);
    if (pending_[i].here) folders.insert(pending_[i].here->folder);
  }
  std::vector<Change> left;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (arrives[i]) {
      take_effect(durable_, pending_[i]);
    } else {
      left.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(left);
}

void Names::set(const std::string& path, std::optional<std::uint64_t> inode) {
  const Spot place(path);
  sync(place.folder);  // or what is pending there would undo it
  for (auto* tree : {&durable_, &current_}) {
    (*tree)[place.folder].erase(place.name);
    if (inode) (*tree)[place.folder][place.name] = *inode;
  }
}

void Names::move_folder(const std::string& from, const std::string& to) {
  const Spot source(from), target(to);
  sync(tidy(from));
  sync(source.folder);
  for (auto* tree : {&durable_, &current_}) {
    auto moved = tree->extract(tidy(from));
    tree->erase(tidy(to));
    moved.key() = tidy(to);
    tree->insert(std::move(moved));
    (*tree)[source.folder].erase(source.name);
    (*tree)[target.folder][target.name] = folder;
  }
}

Names::Tree Names::after_loss(LossMode mode, Rng& rng) const {
  auto tree = durable_;
  Arrival arrival(pending_.size(), mode, rng);
  for (const auto& change : pending_) {
    if (arrival.next() == Arrival::Fate::whole) take_effect(tree, change);
  }
  Tree kept;
  for (const auto& [root, none] : roots) keep_reachable(tree, root, kept);
  return kept;
}

std::set<std::uint64_t> Names::named() const {
  std::set<std::uint64_t> inodes;
  collect(current_, inodes);
  return inodes;
}

std::set<std::uint64_t> Names::within_reach() const {
  auto inodes = named();
  collect(durable_, inodes);
  for (const auto& change : pending_) inodes.insert(change.inode);
  return inodes;
}

}  // namespace weir::journal
