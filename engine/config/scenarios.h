#pragma once
/// The `scenarios:` of a configuration: what `weir simulate` plays. They stand in the file of the flow they are about,
/// as `tests:` do.
///
///   scenarios:
///     rush:
///       for: 60s                                     # how long events arrive
///       seed: 7
///       loads:
///         events: { rate: 800/s, burst: { at: 20s, for: 5s, rate: 3000/s } }
///         audit: { profile: '0:100..900,30:100', arrivals: constant, event: { a: 1 } }
///       services:
///         archive: { time: lognormal:4ms,0.5, per_event: 20us, knee: 8 }
///         index: { rate: 10000/s }
///       faults:
///         - { sink: archive, at: 30s, for: 5s, stall: true }
///
/// The time of a delivery of n events that begins while k are under way at the sink, itself included:
///
///   (a draw of `time` + n x `per_event`) x max(1, k / knee) x slow / capacity        rate: per_event = 1 / rate
///
/// In the time of a fault nothing is answered (`stall`), deliveries take longer (`slow: 3`, `capacity: 50%`), a share
/// fails when its time is over (`errors: 20%`), or all are refused at once (`refuse`). The worker tries again what
/// failed, as always.
///
/// Bounds: 100 scenarios; 64 faults in one; a day. Thread: one owner. Cost: start only.
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/load_profile.h"
#include "config/service_time.h"

namespace weir::config {

class Reader;
struct Yaml;

inline constexpr Duration longest_scenario = std::chrono::hours(24);

struct ScenarioLoad {
  std::string source;
  std::vector<LoadPhase> phases{};
  ArrivalKind arrivals = ArrivalKind::poisson;
  std::string event = "{}";
};

struct ScenarioService {
  std::string sink;
  ServiceTime time{.kind = ServiceTime::Kind::fixed, .time = Duration{0}};  ///< of a delivery
  double per_event = 0;                                                     ///< and for each event in it, in seconds
  std::uint32_t knee = 0;  ///< so many at once are as fast as one; 0: any number is
};

struct ScenarioFault {
  enum class Kind : std::uint8_t { stall, slow, capacity, errors, refuse };
  std::string sink;
  Duration at{0}, lasts{0};
  Kind kind = Kind::stall;
  double amount = 1;  ///< slow: the factor; capacity, errors: the share
  Duration end() const { return at + lasts; }
};

struct Scenario {
  std::string name{};
  SourceLocation location{};
  Duration length = std::chrono::seconds(60);  ///< of the load
  std::uint64_t seed = 1;
  std::vector<ScenarioLoad> loads{};
  std::vector<ScenarioService> services{};  ///< of a sink without one a delivery takes no time
  std::vector<ScenarioFault> faults{};
};

/// "stall", "slow" ...
std::string_view word(ScenarioFault::Kind kind);
/// Everything of the map, with every problem reported. Names of parts are looked up in `config`.
std::vector<Scenario> read_scenarios(Reader& reader, const Yaml* node, const Config& config);

struct LoadedScenarios {
  Loaded loaded;
  std::vector<Scenario> scenarios;
};
/// A value in place of the one of the files: "sinks.db.workers", "32". The value is YAML.
struct Setting {
  std::string path, value;
};
/// As `load`, with the scenarios; `load` too finds what is wrong with them. Settings are put into the files' tree
/// before it is understood, so they are checked as if they stood there.
LoadedScenarios load_with_scenarios(const std::vector<std::string>& paths, const Catalog& catalog,
                                    const LoadOptions& options, const std::vector<Setting>& settings = {});

}  // namespace weir::config
