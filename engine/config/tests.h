#pragma once
/// The `tests:` of a configuration: what comes in, and what is expected to come out of it. They stand in the file of
/// the flow they are about, so that a change of one is a change of both.
///
///   tests:
///     - name: errors go to the pager
///       events:                      # in order; `advance` moves the given time
///         - { into: logs, event: { level: error } }
///         - { advance: 10s }
///       expect:
///         sinks: { pager: [ { level: error } ], archive: { count: 1 } }
///         fates: { stored: 2 }
///
/// A map is a JSON object (in `expect` it matches every object that has its members), a text is taken as it is, byte
/// for byte. Variables are not replaced in events, because events are data.
///
/// A case about gateways has `requests` instead (request_tests.h).
///
/// Bounds: 1000 cases; 10 000 events in a case; time moves at most a day in a case. Thread: one owner. Cost: start
/// only.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/request_tests.h"

namespace weir::config {

class Reader;
struct Yaml;

/// One step of a case: an event, or time that passes.
struct TestStep {
  std::string into;  ///< a source; empty: time passes
  std::string event;
  std::optional<Priority> priority{};  ///< nothing: what the source's own rule says
  Duration advance{0};
};

struct ExpectedEvent {
  bool exact = false;  ///< these bytes; else a JSON value of which the event has at least the members
  std::string text;
  std::optional<Priority> priority{};
};

struct ExpectedSink {
  std::string name;
  bool listed = false;  ///< `events` says all that comes, in this order or in any
  std::vector<ExpectedEvent> events{};
  bool any_order = false;
  std::optional<std::uint64_t> count{};  ///< how many come; with `priority`: of this priority
  std::optional<Priority> priority{};
};

/// How many events end so on required paths. Without a fate: how many have not ended.
struct ExpectedFate {
  std::optional<Fate> fate;
  std::optional<Reason> reason{};
  std::uint64_t count = 0;
};

struct TestCase {
  std::string name;
  SourceLocation location;
  std::vector<TestStep> steps{};
  std::vector<RequestStep> requests{};  ///< of a case about gateways, which has nothing of the others
  std::vector<ExpectedSink> sinks{};
  std::vector<ExpectedFate> fates{};
  bool only = false;   ///< sinks that are not named stay empty
  bool finish = true;  ///< at the end what waits is drained and open windows end, as a stop does
};

/// Everything of the list, with every problem reported. Names of parts are looked up in `config`.
std::vector<TestCase> read_tests(Reader& reader, const Yaml* node, const Config& config);

struct LoadedTests {
  Loaded loaded;
  std::vector<TestCase> cases;
};
/// As `load`, with the cases; those that `load` finds problems in are problems of the configuration.
LoadedTests load_with_tests(const std::vector<std::string>& paths, const Catalog& catalog, const LoadOptions& options);

}  // namespace weir::config
