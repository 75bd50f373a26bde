#pragma once
/// A journal's folder, opened by a command: with its lock, so that no running weir changes it meanwhile; or as it is
/// (`--live`), to be read only.
///
/// Thread: one. Cost: the lock, and what recover() costs.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/walk.h"

namespace weir::app {

struct JournalFolder {
  std::string path;
  std::unique_ptr<journal::Disk::Lock> lock;  ///< none: it is read as it is
};

enum class Live : std::uint8_t { no, yes, not_offered };

/// Nothing: the reason has been written to standard error.
std::optional<JournalFolder> open_journal(const std::string& path, Live live);
/// The same for what is there, read again while a running weir changes it.
std::optional<journal::Recovered> look_into(const JournalFolder& folder);

/// "weir: ..." on standard error, on one line.
void complain(std::string_view what);

}  // namespace weir::app
