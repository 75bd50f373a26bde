#pragma once
/// Checks that need the whole configuration: do the names resolve, is there a cycle, can each path carry the level its
/// source asks for, and is each policy one that the sources and sinks concerned support (semantics A2 to A6, B5).
///
///   a path carries   min(the source's type, every required sink on it, their dead-letter targets)
///   a sink carries   stored: its ack is received or durable, its queue blocks, nothing in it drops
///                    processed: anything else
///
/// Thread: one owner. Cost: start only.
#include <functional>
#include <string>

#include "config/graph.h"
#include "config/nodes.h"

namespace weir::config {

/// The strongest level, and what keeps it from being stronger, ready for the sentence "asks for acks: stored, but ...".
struct Carried {
  Level level = Level::stored;
  std::string limit;  ///< "sinks.cache.queue drops (when_full: drop_oldest)"
  std::string fix;    ///< "use block"
};

Carried carried_by(const Graph& graph, const Sink& sink);
/// Over all required paths of a source and its own dead letters; its type included.
Carried carried_by(const Graph& graph, const Source& source, const SourceType& type);

/// Reports what is wrong, and fills in what follows from the whole: acks, reserved_for_high, is_dead_letter_target.
/// False when names do not resolve or there is a cycle: then there is no graph to reason about.
bool check_flow(Reader& reader, const Catalog& catalog, Draft& draft);

inline constexpr Bytes own_letters_file = 16_MiB;
inline constexpr int own_letters_kept = 3;  // rotated files beside the one that is written
std::string own_letters_path(const Sink& sink);
/// Whether it may refuse events for good and nothing is said of what becomes of them.
bool needs_way_out(const Catalog& catalog, const Graph& graph, const Sink& sink);
/// A bounded dead-letter file for each sink that needs one and has none (dead_letters.cc).
void add_dead_letters(Reader& reader, const Catalog& catalog, Draft& draft);

/// What the parts themselves would refuse at the start whatever the machine is like: Source::check, Sink::check.
void check_parts(Reader& reader, const Catalog& catalog, const Draft& draft);

/// check_flow's first half: `from` and `dead_letter`.
bool check_names(Reader& reader, Config& config);

/// A consumer for each sink, journal and merging stage that is reached from a journal without another one between.
void add_consumers(Config& config);
/// What is said of consumers where there is no journal, of dead letters that would come round, of what may be dropped.
void check_journals(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft);

/// Attributes that stages read where no event has them (origins.cc).
void warn_missing_attributes(Reader& reader, const Catalog& catalog, const Graph& graph, const Config& config);

/// Parts that one event comes to by several ways which make different things of it.
void warn_several_ways(Reader& reader, const Config& config);

/// Folders and files of several parts that are in each other's way (places.cc).
void check_places(Reader& reader, const Catalog& catalog, const Draft& draft);

/// A sink that writes to what a source of its own flow reads, as far as paths, topics and addresses tell.
void check_own_output(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft);
/// At start, where names can be looked up: the same of addresses. `reaches(dialled, listen)` says whether who dials the
/// one comes to the other.
Result<void> check_own_addresses(const Config& config,
                                 const std::function<bool(const std::string&, const std::string&)>& reaches);

}  // namespace weir::config
