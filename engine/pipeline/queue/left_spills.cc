#include "pipeline/queue/left_spills.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <set>

#include "journal/recovery.h"

namespace weir::pipeline {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_names = 1000;
constexpr const char* cursor_of_spill = "spill.cursor";
constexpr const char* usual_folder = "data/spill";

std::string plain(const fs::path& path) {
  std::error_code error;
  const auto whole = fs::weakly_canonical(path, error);
  return (error ? path : whole).lexically_normal().string();
}

/// Nothing: it is empty, is somebody's, or is no spill.
std::string sentence_on(const std::string& folder, journal::Disk& disk) {
  const auto look = disk.look(folder + "/" + cursor_of_spill);
  const auto cannot = [&](const Error& error) {
    return fmt::format("{}: what it holds of a sink that is not in the configuration cannot be read: {}",
                       terminal_text(folder), error.message);
  };
  if (!look) return cannot(look.error());
  if (!*look) return {};
  const auto lock = disk.lock(folder + "/" + std::string(journal::lock_file));
  if (!lock) return {};
  const auto found = journal::recover(disk, folder, 256_KiB, 20_MiB);
  if (!found) return cannot(found.error());
  std::uint64_t read = 0;
  for (const auto& [name, cursor] : found->cursors)
    if (cursor) read = std::max(read, cursor->sequence);
  const auto events = found->end.sequence - std::min(read, found->end.sequence);
  if (events == 0) return {};
  return fmt::format(
      "{} holds {} event{} that a sink has spilled which is not in the configuration, or does not spill any more: they "
      "are kept; give a sink this `spill: {{ path }}` to deliver them, `weir journal export` prints them, or delete it",
      terminal_text(folder), events, events == 1 ? "" : "s");
}

}  // namespace

std::vector<std::string> left_spills(const std::vector<config::Sink>& sinks, journal::Disk& disk) {
  std::set<std::string> used, folders{plain(usual_folder)};
  for (const auto& sink : sinks)
    if (sink.spills()) {
      const std::string path = plain(sink.spill.path);
      folders.insert(fs::path(path).parent_path().string());
      used.insert(path);
    }
  std::vector<std::string> told;
  for (const std::string& folder : folders) {
    const auto there = disk.look(folder);
    if (there && !*there) continue;
    const auto names = there ? disk.list(folder) : std::unexpected(there.error());
    if (!names) {
      told.push_back(fmt::format("{}: whether a sink that is gone has left a spill here cannot be seen: {}",
                                 terminal_text(folder), names.error().message));
      continue;
    }
    for (const std::string& name : *names | std::views::take(most_names)) {
      const std::string path = (fs::path(folder) / name).string();
      if (used.contains(path)) continue;
      if (auto sentence = sentence_on(path, disk); !sentence.empty()) told.push_back(std::move(sentence));
    }
  }
  return told;
}

}  // namespace weir::pipeline
