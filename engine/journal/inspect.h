#pragma once
/// What is wrong with a journal, found by reading all of it and changing nothing: for `weir journal check`.
///
/// A finding has a code that stays, for scripts. Damage is what lost an event or keeps the journal from working; the
/// others are for information.
///
///   damage  header      a segment's header cannot be read; its records can
///           records     records whose checksum is wrong
///           missing     events that no segment has, though later ones are there
///           unreadable  a file named as a segment in which nothing can be read
///           foreign     a segment of another journal
///           copy        a segment that has the name of another
///           mixed       segments of several journals, and no file `journal` that says which this one is
///           newer       a file of a format that this weir does not know
///           journal     the file `journal` is missing or damaged
///           cursor      a cursor that cannot be read
///           ahead       a cursor that has read events that are not there
///   other   torn        the end of a write that was never promised
///           void        records of a write that failed, and that a later segment takes back
///           unfinished  a file that was being made
///           kept        a copy of bytes that could not be read
///           unknown     a file that is none of a journal's
///
/// Thread: one. Cost: reads every segment once, and CRC32C. Memory: as Walk.
#include <map>

#include "journal/walk.h"

namespace weir::journal {

struct Finding {
  std::string code;
  bool damage = true;
  std::string file;          ///< its name in the folder; empty: it is about all of them
  std::string what;          ///< for people, one line
  std::uint64_t events = 0;  ///< that are lost by it
};

/// A file that has a segment's name, judged by itself.
struct SegmentFile {
  enum class State : std::uint8_t { good, header_damaged, unreadable, foreign, copy, newer };
  State state = State::good;
  std::string name;
  std::uint64_t number = 0;
  SegmentHeader header{};              ///< if it can be read
  std::uint64_t first = 0, place = 0;  ///< header_damaged: of its first whole record, and where that lies
  std::int64_t wall = 0;               ///< header_damaged: when that came in
  std::string why;                     ///< for people, if it is not good
};

/// Every file of the folder, each by itself.
struct Survey {
  enum class Own : std::uint8_t { there, missing, damaged, newer };
  Own own = Own::there;  ///< the file `journal`
  std::string own_why;
  std::optional<JournalId> id;                            ///< from that file, or what the segments agree on
  bool mixed = false;                                     ///< they do not agree, and there is no such file
  std::vector<SegmentFile> segments;                      ///< by number
  std::map<std::string, std::string> unreadable_cursors;  ///< file: why
  std::vector<Finding> findings;                          ///< of files that are neither
  bool has_newer = false;                                 ///< then weir does not open it
};
Result<Survey> survey(Disk& disk, const std::string& folder, const ReadLimits& limits = {});

/// Whether there is a journal at all: commands must not leave a lock file in a folder that is no journal.
Result<bool> is_journal(Disk& disk, const std::string& folder);

struct Checked {
  std::vector<Finding> findings;
  std::uint64_t first = 1, end = 1;                                ///< sequences
  std::uint64_t segments = 0, records = 0, events = 0, bytes = 0;  ///< that were read and are whole
  std::uint64_t lost = 0;                                          ///< events that should be there
  bool damaged() const;
};
Result<Checked> check(Disk& disk, const std::string& folder, const ReadLimits& limits = {});

}  // namespace weir::journal
