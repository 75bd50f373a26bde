#include "config/scenarios.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/reader.h"
#include "config/yaml_json.h"

namespace weir::config {
namespace {

constexpr std::size_t most_scenarios = 100, most_faults = 64;
constexpr double most_slow = 1000;
constexpr std::array<std::string_view, 5> fault_words{"stall", "slow", "capacity", "errors", "refuse"};

template <typename Parts>
std::vector<std::string> names_of_parts(const Parts& parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(part.name);
  return names;
}

template <typename T>
Parsed<T> scenario_value(Result<T> result) {
  if (!result) return std::unexpected(result.error().message);
  return std::move(*result);
}

Parsed<double> parse_load_rate(std::string_view text) {
  const auto rate = parse_rate(text);
  if (!rate) return std::unexpected(rate.error());
  if (!(rate->value > 0) || rate->value > most_load_rate)
    return std::unexpected("must be more than 0, and at most a million a second");
  return rate->value;
}

Parsed<double> parse_slow(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value > 1 && value <= most_slow) return value;
  return std::unexpected(fmt::format("{} is no factor: write a number above 1, at most {:g}", quote(text), most_slow));
}

Parsed<double> parse_share(std::string_view text) {
  const auto share = parse_ratio(text);
  if (share && !(*share > 0)) return std::unexpected("must be more than 0");
  return share;
}

class ScenarioReader {
 public:
  ScenarioReader(Reader& reader, const Config& config)
      : reader_(reader),
        json_(reader.options()),
        sources_(names_of_parts(config.sources)),
        sinks_(names_of_parts(config.sinks)) {}

  Scenario read(const YamlEntry& entry, const std::string& path) {
    Scenario scenario{.name = entry.key, .location = entry.location};
    if (entry.key.empty() || entry.key.size() > 64) reader_.error(entry.location, path, "its name has 1 to 64 bytes");
    Section section(reader_, &entry.value, path);
    if (!section.node()) {
      if (entry.value.kind == Yaml::Kind::null) reader_.error(entry.location, path, "is empty", "write for and loads");
      return scenario;
    }
    if (section.duration("for", scenario.length, Duration{1}) && scenario.length > longest_scenario)
      reader_.error_at(section.path("for"), "is longer than a day", "write at most 24h");
    section.count("seed", scenario.seed, 0, std::uint64_t{1} << 32);
    each(section, "loads", sources_, [&](const YamlEntry& e, const std::string& at) { read_load(e, at, scenario); });
    each(section, "services", sinks_,
         [&](const YamlEntry& e, const std::string& at) { read_service(e, at, scenario); });
    if (const Yaml* faults = section.find("faults")) read_faults(*faults, section.path("faults"), scenario);
    if (!section.find("loads"))
      reader_.error(entry.location, path, "has no loads: nothing would arrive",
                    "write loads: { SOURCE: { rate: 800/s } }");
    section.finish();
    return scenario;
  }

 private:
  template <typename Read>
  void each(Section& section, const char* key, const std::vector<std::string>& parts, Read read) {
    const Section map(reader_, section.find(key), section.path(key));
    if (!map.node()) return;
    for (const YamlEntry& entry : map.node()->entries) {
      if (std::ranges::find(parts, entry.key) == parts.end())
        reader_.error(entry.location, map.path(entry.key), Section::not_one_of(entry.key, parts));
      read(entry, map.path(entry.key));
    }
  }

  void read_load(const YamlEntry& entry, const std::string& path, Scenario& scenario) {
    ScenarioLoad load{.source = entry.key};
    Section section(reader_, &entry.value, path);
    double rate = 0;
    const bool steady = section.value("rate", rate, parse_load_rate);
    const bool changing = section.value("profile", load.phases,
                                        [](std::string_view text) { return scenario_value(parse_load_profile(text)); });
    if (steady) load.phases = {{.from = Duration{0}, .rate = rate}};
    if ((section.find("rate") != nullptr) == (section.find("profile") != nullptr))
      reader_.error(entry.location, path, "needs either a rate or a profile",
                    "write rate: 800/s, or profile: '0:640,8:880'");
    const auto rises = [](const LoadPhase& phase) { return phase.rate > 0 || phase.to.value_or(0) > 0; };
    if (changing && std::ranges::none_of(load.phases, [&](const LoadPhase& phase) {
          return rises(phase) && phase.from < scenario.length;
        }))
      reader_.error_at(section.path("profile"), "nothing would arrive: the rate is 0, or begins after the end");
    if (const Yaml* burst = section.find("burst")) read_burst(*burst, section.path("burst"), steady, scenario, load);
    section.value("arrivals", load.arrivals,
                  [](std::string_view text) { return scenario_value(parse_arrival_kind(text)); });
    if (const Yaml* event = section.find("event"))
      load.event = event->kind == Yaml::Kind::scalar ? event->text : json_.json(*event);
    section.finish();
    scenario.loads.push_back(std::move(load));
  }

  /// Of a steady load: another rate for a while.
  void read_burst(const Yaml& node, const std::string& path, bool steady, const Scenario& scenario,
                  ScenarioLoad& load) {
    Section section(reader_, &node, path);
    Duration at{0}, lasts{0};
    double rate = 0;
    const bool has_at = section.duration("at", at), has_for = section.duration("for", lasts, Duration{1});
    const bool whole = section.value("rate", rate, parse_load_rate) && has_at && has_for;
    if (section.node() && !whole && !(section.find("at") && section.find("for") && section.find("rate")))
      reader_.error(node.location, path, "is not whole", "write { at: 10s, for: 5s, rate: 3000/s }");
    if (whole && at >= scenario.length)
      reader_.error(node.location, path, "begins after the end of the load", "let it begin before `for` is over");
    if (whole && !steady) reader_.error(node.location, path, "belongs to a rate", "write its steps into the profile");
    section.finish();
    if (!whole || !steady) return;
    const double usual = load.phases.front().rate;
    load.phases.clear();
    if (at > Duration{0}) load.phases.push_back({.from = Duration{0}, .rate = usual});
    load.phases.push_back({.from = at, .rate = rate});
    load.phases.push_back({.from = flow_later(at, lasts), .rate = usual});
  }
  static Duration flow_later(Duration at, Duration lasts) {
    return std::min(at, longest_scenario) + std::min(lasts, longest_scenario);
  }

  void read_service(const YamlEntry& entry, const std::string& path, Scenario& scenario) {
    ScenarioService service{.sink = entry.key};
    Section section(reader_, &entry.value, path);
    section.value("time", service.time, [](std::string_view text) { return scenario_value(ServiceTime::parse(text)); });
    double rate = 0;
    if (section.value("rate", rate, parse_load_rate)) service.per_event = 1 / rate;
    Duration each{0};
    if (section.duration("per_event", each)) service.per_event = seconds(each);
    if (each > std::chrono::hours(1)) reader_.error_at(section.path("per_event"), "is longer than an hour");
    section.count("knee", service.knee, 1, 100'000);
    if (section.find("rate") && section.find("per_event"))
      reader_.error(entry.location, path, "has a rate and a per_event, which say the same", "keep one of the two");
    if (section.node() && !section.find("time") && !section.find("rate") && !section.find("per_event"))
      reader_.error(entry.location, path, "does not say how long a delivery takes",
                    "write time: exponential:10ms, per_event: 20us or rate: 10000/s");
    section.finish();
    scenario.services.push_back(service);
  }

  void read_faults(const Yaml& node, const std::string& path, Scenario& scenario) {
    if (node.kind != Yaml::Kind::list)
      return reader_.error(node.location, path, "is no list", "write the faults, each after a dash");
    for (const Yaml& item : node.items) {
      const std::string at = fmt::format("{}[{}]", path, scenario.faults.size() + 1);
      if (scenario.faults.size() == most_faults)
        return reader_.error(item.location, at, fmt::format("more than {} faults", most_faults));
      read_fault(item, at, scenario);
    }
  }

  void read_fault(const Yaml& node, const std::string& path, Scenario& scenario) {
    ScenarioFault fault;
    Section section(reader_, &node, path);
    const bool known = section.value("sink", fault.sink, [this](std::string_view text) -> Parsed<std::string> {
      if (std::ranges::find(sinks_, text) != sinks_.end()) return std::string(text);
      return std::unexpected(Section::not_one_of(text, sinks_));
    });
    const bool begins = section.duration("at", fault.at), ends = section.duration("for", fault.lasts, Duration{1});
    if (section.node()) say_what_lacks(section, node.location);
    if (begins && fault.at >= scenario.length)
      reader_.error(node.location, path, "begins after the end of the load", "let it begin before `for` is over");
    if (ends && fault.lasts > longest_scenario)
      reader_.error(node.location, path, "lasts more than a day", "write at most 24h");
    const bool kind = read_kind(section, node.location, fault);
    section.finish();
    if (known && begins && ends && kind) add(fault, node.location, path, scenario);
  }

  void say_what_lacks(Section& section, const SourceLocation& location) {
    for (const auto& [key, advice] : {std::pair("sink", "write sink: NAME"),
                                      {"at", "write at: 10s"},
                                      {"for", "write for: 5s; no fault is without end"}})
      if (!section.find(key)) reader_.error(location, section.path(), fmt::format("does not say `{}`", key), advice);
  }

  bool read_kind(Section& section, const SourceLocation& location, ScenarioFault& fault) {
    bool on = true;
    int given = 0;
    for (std::size_t i = 0; i < fault_words.size(); ++i) {
      if (!section.find(fault_words[i])) continue;
      ++given;
      fault.kind = static_cast<ScenarioFault::Kind>(i);
    }
    const std::array<bool, 5> right{section.flag("stall", on), section.value("slow", fault.amount, parse_slow),
                                    section.value("capacity", fault.amount, parse_share),
                                    section.value("errors", fault.amount, parse_share), section.flag("refuse", on)};
    if (section.node() && (given != 1 || !on))
      reader_.error(location, section.path(), "is not one fault",
                    "write one of stall: true, slow: 3, capacity: 50%, errors: 20%, refuse: true");
    return std::ranges::count(right, true) == 1 && given == 1 && on;
  }

  void add(const ScenarioFault& fault, const SourceLocation& location, const std::string& path, Scenario& scenario) {
    for (const auto& other : scenario.faults)
      if (other.sink == fault.sink && other.kind == fault.kind && other.at < fault.end() && fault.at < other.end())
        reader_.error(location, path, fmt::format("overlaps another {} of {}", word(fault.kind), fault.sink),
                      "keep one of the two, or let one begin when the other is over");
    scenario.faults.push_back(fault);
  }

  Reader& reader_;
  YamlToJson json_;
  const std::vector<std::string> sources_, sinks_;
};

}  // namespace

std::string_view word(ScenarioFault::Kind kind) { return fault_words[static_cast<std::size_t>(kind)]; }

std::vector<Scenario> read_scenarios(Reader& reader, const Yaml* node, const Config& config) {
  std::vector<Scenario> all;
  const Section map(reader, node, "scenarios");
  if (!map.node()) return all;
  ScenarioReader scenarios(reader, config);
  for (const YamlEntry& entry : map.node()->entries) {
    if (all.size() == most_scenarios) {
      reader.error(entry.location, map.path(entry.key), fmt::format("more than {} scenarios", most_scenarios));
      break;
    }
    all.push_back(scenarios.read(entry, map.path(entry.key)));
  }
  return all;
}

}  // namespace weir::config
