#include "config/reloadable.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace weir::config {
namespace {

constexpr std::array rows{
    Reloadable{"process", "drain_deadline", "The next stop goes by it."},
    Reloadable{"source", "when_full", "Whoever finds no room from now on, and who waits at the door already."},
    Reloadable{"queue", "max_events", "At once; what waits stays, also above a smaller bound."},
    Reloadable{"queue", "max_bytes", "At once; what waits stays, also above a smaller bound."},
    Reloadable{"queue", "max_wait", "At once, at the measured rate."},
    Reloadable{"queue", "pause_at", "At once."},
    Reloadable{"queue", "resume_at", "At once."},
    Reloadable{"queue", "when_full", "For the next arrival at the bound; but not to or from spill."},
    Reloadable{"queue", "order", "For the next batch that is taken."},
    Reloadable{"queue", "age_boost", "For the next batch that is taken."},
    Reloadable{"queue", "codel", "At once."},
    Reloadable{"queue", "expire_after", "For the next batch that is taken."},
    Reloadable{"queue", "reserved_for_high", "At once."},
    Reloadable{"queue", "dead_letter_shed", "For what is dropped from now on."},
    Reloadable{"codel", "", "At once; the measured waits stay."},
    Reloadable{"batch", "", "For the next delivery."},
    Reloadable{
        "guards", "rate",
        "At a sink, and at a source that can only wait, at once and without a fresh burst. At a source that "
        "answers `limit` and `burst`: each key keeps the part of its quota that it has used; the rest needs a new "
        "process."},
    Reloadable{
        "guards", "concurrency",
        "At a sink at once. At a source `limit`, `min`, `max` and `algorithm`: what waits and is under way stays, "
        "and a limit that moves learns anew."},
    Reloadable{"rate_limit", "", "As the rate it belongs to."},
    Reloadable{"concurrency", "", "As `concurrency` of `guards`."},
    Reloadable{"fairness", "weights", "For who comes from now on."},
    Reloadable{"breaker", "", "At once; its state and what it has counted stay."},
    Reloadable{"retry", "", "For the next failure."},
    Reloadable{"budget", "", "At once; what was spent stays spent."},
};

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> all;
  for (std::size_t dot = 0; dot != std::string_view::npos;) {
    dot = path.find('.');
    all.push_back(path.substr(0, dot));
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return all;
}

bool has_reloadable_keys(std::string_view name) {
  return std::ranges::find(rows, name, &Reloadable::section) != rows.end();
}

}  // namespace

std::span<const Reloadable> reloadable_keys() { return rows; }

const Reloadable* reloadable(std::string_view section, std::string_view key) {
  const auto at = std::ranges::find_if(
      rows, [&](const Reloadable& row) { return row.section == section && (row.key.empty() || row.key == key); });
  return at == rows.end() ? nullptr : &*at;
}

const Reloadable* reloadable_at(std::string_view path) {
  const auto segments = segments_of(path);
  if (segments.size() == 1) return reloadable("process", segments[0]);
  if (segments.size() == 3) return reloadable(segments[0].substr(0, segments[0].size() - 1), segments[2]);
  if (segments.size() < 4) return nullptr;
  // Of a source more is asked: what differs besides (diff.cc).
  if (segments[2] == "guards") return segments[3] == "pressure" ? nullptr : reloadable("guards", "rate");
  // Every map on the way must be one of the configuration's own: a table of a component may have keys of any name.
  for (std::size_t i = 2; i + 1 < segments.size(); ++i)
    if (!has_reloadable_keys(segments[i])) return nullptr;
  return reloadable(segments[segments.size() - 2], segments.back());
}

}  // namespace weir::config
