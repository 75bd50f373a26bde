#include "journal_folder.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include "journal/inspect.h"

namespace weir::app {
namespace {

constexpr int most_tries = 20;  // a running weir gives segments up while they are looked at

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

void complain(std::string_view what) { fmt::print(stderr, "weir: {}\n", terminal_text(what)); }

std::optional<JournalFolder> open_journal(const std::string& path, Live live) {
  journal::Disk& disk = journal::system_disk();
  JournalFolder folder{without_slashes(path), nullptr};
  const auto is_one = journal::is_journal(disk, folder.path);
  if (!is_one) return complain(is_one.error().message), std::nullopt;
  if (!*is_one)
    return complain(folder.path + " is no journal: name the folder that is the `path` of one"), std::nullopt;
  if (live == Live::yes) return folder;
  auto lock = disk.lock(fmt::format("{}/{}", folder.path, journal::lock_file));
  if (!lock) {
    const auto why = lock.error().message.substr(0, lock.error().message.find(';'));
    complain(
        fmt::format("{}; stop that one first{}", why, live == Live::no ? ", or read it as it is with --live" : ""));
    return std::nullopt;
  }
  folder.lock = std::move(*lock);
  return folder;
}

std::optional<journal::Recovered> look_into(const JournalFolder& folder) {
  const journal::ReadLimits limits;
  for (int tries = 1;; ++tries) {
    auto found = journal::recover(journal::system_disk(), folder.path, limits.read_ahead, limits.largest_record);
    if (found) return std::move(*found);
    if (!folder.lock && tries < most_tries) continue;
    complain(found.error().message);
    return std::nullopt;
  }
}

}  // namespace weir::app
