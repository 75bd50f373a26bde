#pragma once
/// Dead letters about what a sink queue sheds: copies of a share of its dropped items, written to the sink's dead
/// letters, so that what was dropped on purpose can be looked at, counted by reason and sent again.
///
///   kept = the events whose id falls into the share `queue.dead_letter_shed`: an id is always judged the same
///
/// A letter is a copy, and nothing waits for it: the event itself still ends dropped{reason}, its receipt says so, and
/// the letter carries no receipt. Its form is that of any dead letter; it has attempts 0 and the reason as its cause.
///
/// Shedding never waits, and a letter without a receipt must not delay one with a receipt. So it enters the queue of
/// the dead letters only while that queue is not paused and has room, and nothing is dropped there for it. A letter
/// that finds no room is given up and counted as flow_full. A letter is made while that queue is locked, within the
/// room it has, so all letters together never take more than the footprint that the queue declares (semantics C1).
///
/// Ledger (semantics G1): neither the dropped items nor the letters came into the node of the sink. The letters are
/// offered to the queue of the dead letters, which accounts for them from there on. Besides, `by_reason` of the sink
/// counts the letters kept, by the reason of their drop, and those given up.
///
/// Thread: any, without locks held. Cost: a draw for each event; about 1 us a letter; one lock of the other queue for
/// each 16 KiB. Memory: one letter, and 16 KiB, for each thread that sheds.
#include "pipeline/delivery/sink_node.h"

namespace weir::pipeline {

/// Whether this event is in the share.
bool in_share(std::uint64_t id, double share);

/// Keeps letters of the share of what `sink` has shed. `shed` is not settled yet.
void keep_shed(SinkNode& sink, const Batch& shed, Reason reason, double share, TimePoint now);

}  // namespace weir::pipeline
