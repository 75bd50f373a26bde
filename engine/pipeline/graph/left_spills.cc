#include "pipeline/graph/left_spills.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "journal/walk.h"

namespace weir::pipeline {
namespace {

namespace fs = std::filesystem;

fs::path whole_path_of(const std::string& path) {
  std::error_code wrong;
  auto whole = fs::absolute(path, wrong).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

/// Nothing: it is no spill, is used by another, or holds no event.
std::string left_in(journal::Disk& disk, const std::string& folder) {
  for (const auto* const file : {"/spill.cursor", "/lock"})
    if (const auto there = disk.look(folder + file); !there || !*there) return {};
  const journal::ReadLimits limits;
  const auto found = journal::recover(disk, folder, limits.read_ahead, limits.largest_record);
  if (!found)
    return fmt::format("{} may hold spilled events, and no sink of this configuration spills there: {}",
                       terminal_text(folder), found.error().message);
  const auto cursor = found->cursors.find("spill");
  if (cursor == found->cursors.end()) return {};
  const auto first = found->segments.empty() ? found->end.sequence : found->segments.front().first;
  const auto read = std::max(first, cursor->second ? cursor->second->sequence : first);
  if (read >= found->end.sequence) return {};
  // Asked last and given back at once: who starts with this folder meanwhile must find it free.
  if (!disk.lock(folder + "/" + std::string(journal::lock_file))) return {};
  return fmt::format(
      "{} holds {} events that were spilled, and no sink of this configuration spills there: to deliver them give a "
      "sink queue: {{ when_full: spill, spill: {{ path: {} }} }}, or delete the folder",
      terminal_text(folder), found->end.sequence - read, terminal_text(folder));
}

}  // namespace

std::vector<std::string> left_spills(journal::Disk& disk, const config::Config& config) {
  std::set<fs::path> own, beside;
  for (const auto& sink : config.sinks) {
    if (sink.spill.path.empty()) continue;
    const auto path = whole_path_of(sink.spill.path);
    beside.insert(path.parent_path());
    if (sink.spills()) own.insert(path);
  }
  std::vector<std::string> told;
  for (const auto& folder : beside) {
    const auto there = disk.look(folder.string());
    if (there && !*there) continue;
    const auto names = disk.list(folder.string());
    if (!names) {
      told.push_back(
          fmt::format("whether spill of other sinks was left there is not known: {}", names.error().message));
      continue;
    }
    for (const auto& name : *names) {
      if (own.contains(folder / name)) continue;
      auto line = left_in(disk, (folder / name).string());
      if (line.empty()) continue;
      if (told.size() == most_left_spills) {
        told.push_back(fmt::format("{} holds more of such folders", terminal_text(folder.string())));
        return told;
      }
      told.push_back(std::move(line));
    }
  }
  return told;
}

}  // namespace weir::pipeline
