#pragma once
/// The position of a consumer on the disk: two slots that are written in turn, so that a torn write leaves the previous
/// one.
///
/// A cursor that cannot be read at all starts its consumer at the oldest event: events are delivered again, none is
/// left out.
///
/// Thread: one. Cost: one write of 4096 bytes and one sync. On cancel: none.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "journal/disk.h"

namespace weir::journal {

/// The next event to read: it has this sequence, and a record of this segment at this offset begins with it.
struct Position {
  std::uint64_t sequence = 1, segment = 0, offset = 0;  ///< segment 0: wherever the sequence lies
  bool operator==(const Position&) const = default;
};

class CursorFile {
 public:
  /// Opens it, or makes it with `initial`. Nothing is `found` when neither slot can be read.
  static Result<CursorFile> open(Disk& disk, const std::string& folder, const std::string& consumer,
                                 const Position& initial);
  /// Without changing anything, for commands. Nothing: neither slot can be read.
  static Result<std::optional<Position>> look(Disk& disk, const std::string& path);

  const std::optional<Position>& found() const { return found_; }  ///< what it said when it was opened
  Result<void> save(const Position& position, std::string_view barrier = "cursor");

 private:
  CursorFile() = default;
  std::unique_ptr<File> file_;
  std::uint64_t generation_ = 0;
  std::optional<Position> found_;
};

}  // namespace weir::journal
