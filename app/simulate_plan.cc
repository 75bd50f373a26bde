#include "simulate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "commands.h"
#include "config/units_parse.h"
#include "load/arrivals.h"
#include "load_plan.h"

namespace weir::app {
namespace {

using config::Scenario;

Result<void> add_load(const std::string& text, const config::ArrivalKind kind, Scenario& scenario) {
  const auto pair = pair_of("load", text, "SOURCE=800/s, or SOURCE=0:640,8:880");
  if (!pair) return std::unexpected(pair.error());
  auto phases =
      pair->second.find('/') == std::string::npos ? config::parse_load_profile(pair->second) : steady(pair->second);
  if (!phases) return failure(fmt::format("--load {}: {}", pair->first, phases.error().message));
  if (std::ranges::find(scenario.loads, pair->first, &config::ScenarioLoad::source) != scenario.loads.end())
    return failure(fmt::format("--load {}: there are two", pair->first));
  scenario.loads.push_back({.source = pair->first, .phases = std::move(*phases), .arrivals = kind});
  return {};
}

Result<void> add_service(const std::string& text, Scenario& scenario) {
  const auto pair = pair_of("service", text, "SINK=exponential:10ms, or SINK=10000/s");
  if (!pair) return std::unexpected(pair.error());
  if (std::ranges::find(scenario.services, pair->first, &config::ScenarioService::sink) != scenario.services.end())
    return failure(fmt::format("--service {}: there are two", pair->first));
  config::ScenarioService service{.sink = pair->first};
  if (pair->second.find('/') != std::string::npos) {
    const auto rate = config::parse_rate(pair->second);
    if (!rate || !(rate->value > 0))
      return failure(fmt::format("--service {}: {}", pair->first, rate ? "must be more than 0" : rate.error()));
    service.per_event = 1 / rate->value;
  } else {
    const auto time = config::ServiceTime::parse(pair->second);
    if (!time) return failure(fmt::format("--service {}: {}", pair->first, time.error().message));
    service.time = *time;
  }
  scenario.services.push_back(service);
  return {};
}

Result<void> add_stall(const std::string& text, Scenario& scenario) {
  const char* example = "SINK=10s,2s: 2 s long, 10 s after the beginning";
  const auto pair = pair_of("stall", text, example);
  if (!pair) return std::unexpected(pair.error());
  const auto comma = pair->second.find(',');
  const auto at = config::parse_duration(std::string_view(pair->second).substr(0, comma));
  const auto time = comma == std::string::npos
                        ? config::Parsed<Duration>(Duration{0})
                        : config::parse_duration(std::string_view(pair->second).substr(comma + 1));
  if (!at || !time || *time <= Duration{0})
    return failure(fmt::format("--stall {}: write {}", config::quote(text), example));
  scenario.faults.push_back({.sink = pair->first, .at = *at, .lasts = *time});
  return {};
}

Result<Scenario> scenario_of(const SimulateOptions& o) {
  Scenario scenario;
  const auto length = config::parse_duration(o.for_time);
  if (!length) return failure("--for: " + length.error());
  if (*length <= Duration{0} || *length > config::longest_scenario)
    return failure("--for: more than 0, and at most a day");
  scenario.length = *length;
  const auto kind = config::parse_arrival_kind(o.arrivals);
  if (!kind) return failure("--arrivals: " + kind.error().message);
  for (const auto& text : o.loads)
    if (auto added = add_load(text, *kind, scenario); !added) return std::unexpected(added.error());
  for (const auto& text : o.services)
    if (auto added = add_service(text, scenario); !added) return std::unexpected(added.error());
  for (const auto& text : o.stalls)
    if (auto added = add_stall(text, scenario); !added) return std::unexpected(added.error());
  return scenario;
}

Result<Scenario> within_bounds(Scenario scenario, const SimulateOptions& o) {
  scenario.seed = o.seed.value_or(scenario.seed);
  double events = 0;
  for (const auto& load : scenario.loads) events += load::expected_arrivals(load.phases, scenario.length);
  if (events < 0.5) return failure("nothing would arrive: the rate is 0, or begins after the end");
  if (events > static_cast<double>(o.count))
    return failure(fmt::format("about {:.0f} events would arrive, and --count allows {}", events, o.count));
  return scenario;
}

bool names_a_file(const std::string& name) {
  std::error_code error;
  return name.ends_with(".yaml") || name.ends_with(".yml") || std::filesystem::exists(name, error);
}

}  // namespace

Result<std::pair<std::string, std::string>> pair_of(std::string_view option, const std::string& text,
                                                    std::string_view example) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size())
    return failure(fmt::format("--{} {}: write {}", option, config::quote(text), example));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<SimulatePlan> plan_simulation(const SimulateOptions& options) {
  SimulatePlan plan{.files = options.names};
  if (!plan.files.empty() && !names_a_file(plan.files.back())) {
    plan.scenario = plan.files.back();
    plan.files.pop_back();
  }
  plan.files = or_default(std::move(plan.files));
  const bool said = !options.loads.empty() || !options.services.empty() || !options.stalls.empty();
  if (said && !plan.scenario.empty())
    return failure("a scenario says its loads, services and faults itself: leave --load, --service and --stall out");
  auto scenario = scenario_of(options);
  if (!scenario) return std::unexpected(scenario.error());
  if (said && scenario->loads.empty()) return failure("nothing would arrive: write --load SOURCE=800/s");
  if (said) plan.options = std::move(*scenario);
  return plan;
}

Result<Scenario> choose_scenario(const SimulatePlan& plan, const SimulateOptions& options,
                                 const std::vector<Scenario>& of_files) {
  if (plan.options) return within_bounds(*plan.options, options);
  std::string names;
  for (const auto& scenario : of_files) names += (names.empty() ? "" : ", ") + scenario.name;
  const auto& file = plan.files.front();
  if (of_files.empty())
    return failure(fmt::format("{} has no scenarios: write some, or say what arrives: --load SOURCE=800/s", file));
  if (plan.scenario.empty() && of_files.size() > 1)
    return failure(fmt::format("{} has several scenarios: name one of {}", file, names));
  const auto chosen =
      plan.scenario.empty() ? of_files.begin() : std::ranges::find(of_files, plan.scenario, &Scenario::name);
  if (chosen == of_files.end())
    return failure(fmt::format("{} has no scenario {}: name one of {}", file, config::quote(plan.scenario), names));
  return within_bounds(*chosen, options);
}

}  // namespace weir::app
