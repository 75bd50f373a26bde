#pragma once
/// Letters about what a sink queue sheds: copies of a share of its dropped items, written to the sink's dead letters,
/// so that what was lost on purpose can be looked at, counted by reason and sent again.
///
///   kept = the events whose id falls into the share `queue.dead_letter_shed`: an id is always judged the same
///
/// A letter is a copy and nobody waits for it: the event itself still ends dropped{reason}, its receipt says so, and
/// the letter carries none. Its form is that of any dead letter, with attempts 0 and why the reason means.
///
/// Shedding never waits, and letters nobody owes must not stand in the way of those that somebody does. So they enter
/// the line of the dead letters only while that line is not paused and only as far as it has room, ending nothing
/// there. What finds none is given up, and counted as flow_full. A letter is made while that line is locked, in room it
/// has: all of them together never take more than the footprint the line declares (semantics C1).
///
/// Ledger (G1): dropped items never came into the node of the sink, and no more do the letters; they are offered to the
/// line of the dead letters, which accounts for them from there on. Beside that, `by_reason` of the sink counts the
/// letters kept, by why they were shed, and those given up.
///
/// Thread: any, without locks held. Cost: a draw an event; about 1 us a letter; one lock of the other line for each
/// 16 KiB. Memory: one letter, and 16 KiB, for each thread that sheds.
#include "pipeline/delivery/sink_node.h"

namespace weir::pipeline {

/// Whether this event is in the share.
bool in_share(std::uint64_t id, double share);

/// Keeps letters of the share of what `sink` has shed. `shed` is not settled yet.
void keep_shed(SinkNode& sink, const Batch& shed, Reason reason, double share, TimePoint now);

}  // namespace weir::pipeline
