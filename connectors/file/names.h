#pragma once
/// The names that a path with a pattern stands for.
///
/// Thread: functions. Cost: a readdir of the folder. A folder that cannot be read is an error, and not an empty one.
#include <weir/base/result.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "input_disk.h"

namespace weir::file {

inline constexpr std::size_t most_entries = 1'000'000;  ///< of a folder that are looked at

struct Names {
  std::vector<std::string> found;  ///< sorted
  bool all = true;                 ///< false: the folder has more than most_entries
};
/// What matches: the path itself when it is no pattern, there or not. What a rotation has compressed never does, nor
/// does any of `own`: files of the source itself.
Result<Names> names_of(InputDisk& disk, const std::string& path, const std::vector<std::string>& own);

/// Each entry of the folder in which `path` lies, as a path beside it, with its inode; until false.
Result<void> for_each_beside(InputDisk& disk, const std::string& path,
                             const std::function<bool(const std::string& name, std::uint64_t inode)>& f);

std::string name_of(const std::string& path);
/// The part of a path that opens its folder: "." if it names none.
std::string folder_of(const std::string& path);
bool is_pattern(std::string_view name);

}  // namespace weir::file
