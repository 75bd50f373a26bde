#pragma once
/// Which keys a running process takes over from a file that has changed (SIGHUP, semantics H2): the one table that the
/// reload itself, `weir schema` and docs/reload.md are made from.
///
/// What is not in it is topology: it is changed by starting a new process and draining the old one. Two things are no
/// keys and are read again by every SIGHUP: files behind options (certificates, a log that was rotated), and secrets of
/// sinks that stand in files (`file:PATH`).
///
/// Thread: pure. Cost: a look-up over some ten rows.
#include <span>
#include <string_view>

namespace weir::config {

struct Reloadable {
  std::string_view section;  ///< as in `weir schema`: "process", "source", "queue" ...
  std::string_view key;      ///< empty: every key of the section
  std::string_view effect;   ///< for people: when it counts, and what stays
};
std::span<const Reloadable> reloadable_keys();

/// Null: it needs a new process.
const Reloadable* reloadable(std::string_view section, std::string_view key);
/// The same by where a value stands: "sinks.out.queue.codel.target".
const Reloadable* reloadable_at(std::string_view path);

}  // namespace weir::config
