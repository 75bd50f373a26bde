#pragma once
/// The position of a consumer on the disk: two slots that are written in turn, so that a torn write leaves the previous
/// one.
///
/// A cursor that cannot be read at all starts its consumer at the oldest event: events come twice, none is left out.
/// It also says whether its consumer holds what it has not read, so that this is known when nobody reads by it.
///
/// Thread: one. Cost: one look, one write of 4096 bytes and one sync. On cancel: none.
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

/// What a cursor says: where, and whether what lies behind it is kept while nobody reads by it.
struct CursorFound : Position {
  bool holds = true;
};

class CursorFile {
 public:
  /// Opens it, or makes it with `initial`. Nothing is `found` when neither slot can be read.
  static Result<CursorFile> open(Disk& disk, const std::string& folder, const std::string& consumer,
                                 const Position& initial, bool holds = true);
  /// Without changing anything, for commands. Nothing: neither slot can be read.
  static Result<std::optional<CursorFound>> look(Disk& disk, const std::string& path);
  /// Takes the consumer's cursor away: what it has not read is nobody's any more. False: it has none.
  static Result<bool> forget(Disk& disk, const std::string& folder, const std::string& consumer);

  const std::optional<Position>& found() const { return found_; }  ///< what it said when it was opened
  /// Made anew if it is no longer there.
  Result<void> save(const Position& position, std::string_view barrier = "cursor");

 private:
  CursorFile(Disk& disk, std::string path, bool holds) : disk_(&disk), path_(std::move(path)), holds_(holds) {}
  Result<void> make(const Position& initial);
  Result<void> write_slot(const Position& position, std::string_view barrier);

  Disk* disk_;
  std::string path_;
  bool holds_;
  std::unique_ptr<File> file_;
  HeldFile held_;
  std::uint64_t generation_ = 0;
  std::optional<Position> found_;
};

}  // namespace weir::journal
