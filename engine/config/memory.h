#pragma once
/// The sum that keeps the process below its number (semantics C1, C6).
///
///   budget = memory - sum of footprints          footprint = fixed + per_unit x max_units
///
/// Only sources draw on the budget; what drains works in what is declared here: the process itself, the sources'
/// connections, open batches and stage outputs, the sinks' workers, the sink queues of dead letters, the admin
/// listener. The sum saturates, so absurd options give an absurd sum and not a small one.
///
/// Thread: one owner. Cost: start only.
#include "config/graph.h"
#include "config/reader.h"

namespace weir::config {

inline constexpr Bytes least_budget = 4_MiB;
/// What TLS takes of each connection of the admin listener (net/tls.h).
inline constexpr Bytes admin_tls = 40_KiB;
/// How many may watch the dashboard at the same time: within these, what a sixteenth of the memory beyond need holds.
inline constexpr std::size_t least_viewers = 4, most_viewers = 64;
/// Of how many parts the last hour is kept (observe/history.h).
inline constexpr std::size_t most_with_history = 256;

/// `memory: auto`: 60 % of what the machine or the cgroup has.
Bytes automatic_memory(Bytes machine);

/// footprint.total(), which cannot wrap.
Bytes saturating_total(const Footprint& footprint);

/// The most one unit may reserve at a door: the largest `max_body` or `max_event` among the sources, as a block.
Bytes worst_case(const Config& config);

/// Fills config.memory but for `memory`, `automatic` and `shrunk`.
void sum_memory(const Catalog& catalog, Config& config);
/// The least budget that this flow can work with.
Bytes needed_budget(const Config& config);
/// Makes defaults smaller if they have to be (shrink.h), sums, and reports a number that is too small all the same.
void add_memory(Reader& reader, const Catalog& catalog, Config& config);

/// The largest event that can come out of this journal, or come to a sink behind all that stages add to it.
Bytes largest_event(const Graph& graph, const Sink& sink);
Bytes largest_event_behind_stages(const Graph& graph, const Sink& sink);

/// What a journal's consumer may have in flight. The memory is its own, because what drains must not wait for what
/// fills (semantics C1).
Bytes consumer_memory(const Config& config, const Catalog& catalog, const Source& consumer);

/// What a spilling sink may have back from the disk, on its way to its workers (semantics C1).
Bytes spill_memory(const Config& config, const Sink& sink);

/// The memory that the outputs of a merging stage travel in (semantics C1): declared beside its open batch.
inline Bytes merge_outputs(const Config& config) { return config.batch_bytes * 4; }

}  // namespace weir::config
