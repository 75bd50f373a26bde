#include "names.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace weir::file {

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

namespace {

std::string join(const std::string& path, const char* name) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? name : path.substr(0, slash + 1) + name;
}

/// What a rotation compressed is the same lines once more, and no text.
bool is_packed(std::string_view name) {
  static constexpr std::array<std::string_view, 6> endings{".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

/// The names of those that lie in the folder of `path`, whatever links lead there.
std::vector<std::string> beside_of(InputDisk& disk, const std::string& path, const std::vector<std::string>& own) {
  const auto plain = [](const std::string& name) { return std::filesystem::path(name).lexically_normal(); };
  const auto folder = folder_of(path);
  const auto here = disk.look(folder);
  std::vector<std::string> names;
  for (const auto& mine : own) {
    const auto there = disk.look(folder_of(mine));
    const bool same = here && *here && there && *there && (*there)->same_file(**here);
    if (same || plain(folder_of(mine)) == plain(folder)) names.push_back(name_of(mine));
  }
  return names;
}

}  // namespace

bool is_pattern(std::string_view name) { return name.find_first_of("*?[") != name.npos; }

Result<void> for_each_beside(InputDisk& disk, const std::string& path,
                             const std::function<bool(const std::string& name, std::uint64_t inode)>& f) {
  const auto folder = folder_of(path);
  const int listed = disk.list(folder, [&](const dirent& entry) { return f(join(path, entry.d_name), entry.d_ino); });
  if (listed == 0) return {};
  return failure(fmt::format("{}: cannot list it: {}; what is known of its files stays", terminal_text(folder),
                             std::generic_category().message(-listed)));
}

Result<Names> names_of(InputDisk& disk, const std::string& path, const std::vector<std::string>& own) {
  const auto pattern = name_of(path);
  if (!is_pattern(pattern)) return Names{{path}};
  Names names;
  std::size_t n = 0;
  const auto beside = beside_of(disk, path, own);
  auto listed = for_each_beside(disk, path, [&](const std::string& at, std::uint64_t) {
    names.all = ++n <= most_entries;
    const auto name = name_of(at);
    if (names.all && ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0 && !is_packed(name) &&
        std::ranges::find(beside, name) == beside.end())
      names.found.push_back(at);
    return names.all;
  });
  if (!listed) return std::unexpected(listed.error());
  std::ranges::sort(names.found);
  return names;
}

}  // namespace weir::file
