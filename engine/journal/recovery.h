#pragma once
/// Recovery when a journal is opened: reads the folder and judges its files, without changing anything in it.
///
/// Costs the last segment, one block of each other one, and the cursors; never the backlog (where a number is missing,
/// the segment before it too: most numbers that are missing never held anything). Files that are foreign, copies or of
/// a newer format are named and left alone; what is missing or damaged is named and stepped over. Only a format that is
/// not known, or a disk that cannot be read, is an error.
///
/// Thread: one. Cost: above.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "journal/scan.h"

namespace weir::journal {

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t first = 0;  ///< sequence of its first event
  std::uint64_t end = 0;    ///< sequence behind its last event that counts; not above `first`: none counts
  std::uint64_t size = 0;   ///< of the file
  std::uint64_t limit = 0;  ///< nothing behind this offset counts
  std::int64_t wall = 0;    ///< no event in it is newer than this
  bool header_damaged = false;
};

struct Spare {
  std::string name;
  std::uint64_t size = 0;
};

struct Recovered {
  JournalId id{};
  bool has_id = false;            ///< from its own file
  std::vector<Segment> segments;  ///< by number; what counts of them is contiguous, or it is told in `notes`
  std::vector<Spare> spares;
  std::vector<std::string> unfinished;                     ///< names: segments and cursors that were being made
  std::map<std::string, std::optional<Position>> cursors;  ///< nothing: it cannot be read
  std::set<std::string> optional_consumers;                ///< of those: what they have not read is not kept for them
  Position end;               ///< behind the last event that counts, and not before any cursor
  std::uint64_t on_disk = 1;  ///< sequence behind the last event that is there: less when a cursor is ahead
  std::uint64_t next_number = 1;
  std::uint64_t torn_bytes = 0, damaged = 0;
  std::vector<std::string> notes;  ///< for people, each one line
};

Result<Recovered> recover(Disk& disk, const std::string& folder, Bytes read_ahead, Bytes largest_record);

inline constexpr std::string_view id_file = "journal", lock_file = "lock";
std::string encode_id(const JournalId& id);

}  // namespace weir::journal
