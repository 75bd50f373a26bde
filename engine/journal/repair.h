#pragma once
/// Repairs what can be repaired in a stopped journal: for `weir journal repair`. First a plan, which changes nothing;
/// then its steps one by one, each on the disk before the next.
///
/// Nothing is deleted and nothing is cut that could hold an event: what is replaced is kept in the folder `aside`.
/// Records that are lost stay lost; readers step over them. After all steps a new plan is empty; after a crash between
/// or in them a new plan has what is left.
///
///   journal   made again, with the name that the segments agree on
///   aside     a segment that is foreign, a copy, or unreadable is moved to `aside`
///   header    the header of a segment is written again from its records
///   cursor    one that cannot be read is set to the oldest event: events come twice, none is left out
///
/// What a newer weir wrote is left alone, and so is a folder that mixes journals: then the plan says why it is empty.
///
/// Thread: one. Cost: plan as a survey; apply a few syncs a step.
#include "journal/inspect.h"

namespace weir::journal {

struct RepairStep {
  enum class Kind : std::uint8_t { journal, aside, header, cursor };
  Kind kind = Kind::journal;
  std::string file;        ///< its name in the folder
  std::string what;        ///< for people: "move it to aside/: it belongs to another journal"
  SegmentHeader header{};  ///< journal, header
  Position position{};     ///< cursor
};

struct RepairPlan {
  std::vector<RepairStep> steps;
  std::string refused;  ///< why nothing is done although something is wrong
};
Result<RepairPlan> plan_repair(Disk& disk, const std::string& folder, const ReadLimits& limits = {});
/// The caller holds the journal's lock.
Result<void> apply(Disk& disk, const std::string& folder, const RepairStep& step);

}  // namespace weir::journal
