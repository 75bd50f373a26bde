// weir simulate: the flow of a configuration on a virtual clock, and what came of it.
#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "commands.h"
#include "config/units_parse.h"
#include "exit_codes.h"
#include "load_plan.h"
#include "loading.h"
#include "rehearsal/simulation.h"
#include "slow_service.h"

namespace weir::app {
namespace {

using config::human;
using config::human_percent;
using pipeline::Scenario;
using pipeline::Simulated;

/// "NAME=VALUE".
Result<std::pair<std::string, std::string>> pair_of(std::string_view option, const std::string& text,
                                                    std::string_view example) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size())
    return failure(fmt::format("--{} {}: write {}", option, config::quote(text), example));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<void> add_load(const std::string& text, const load::Arrivals::Kind kind, Scenario& scenario) {
  const auto pair = pair_of("load", text, "SOURCE=800/s, or SOURCE=0:640,8:880");
  if (!pair) return std::unexpected(pair.error());
  auto phases =
      pair->second.find('/') == std::string::npos ? load::Arrivals::parse(pair->second) : steady(pair->second);
  if (!phases) return failure(fmt::format("--load {}: {}", pair->first, phases.error().message));
  if (std::ranges::find(scenario.loads, pair->first, &Scenario::Load::source) != scenario.loads.end())
    return failure(fmt::format("--load {}: there are two", pair->first));
  scenario.loads.push_back({.source = pair->first, .phases = std::move(*phases), .kind = kind});
  return {};
}

Scenario::Service& service_of(const std::string& sink, Scenario& scenario) {
  const auto known = std::ranges::find(scenario.services, sink, &Scenario::Service::sink);
  if (known != scenario.services.end()) return *known;
  scenario.services.push_back({.sink = sink, .time = [](std::uint64_t, Rng&) { return Duration{0}; }});
  return scenario.services.back();
}

Result<void> add_service(const std::string& text, Scenario& scenario) {
  const auto pair = pair_of("service", text, "SINK=exponential:10ms, or SINK=10000/s");
  if (!pair) return std::unexpected(pair.error());
  if (pair->second.find('/') != std::string::npos) {
    const auto rate = config::parse_rate(pair->second);
    if (!rate || !(rate->value > 0))
      return failure(fmt::format("--service {}: {}", pair->first, rate ? "must be more than 0" : rate.error()));
    service_of(pair->first, scenario).time = [rate = rate->value](std::uint64_t events, Rng&) {
      return from_seconds(static_cast<double>(events) / rate);
    };
    return {};
  }
  const auto time = ServiceTime::parse(pair->second);
  if (!time) return failure(fmt::format("--service {}: {}", pair->first, time.error().message));
  service_of(pair->first, scenario).time = [time = *time](std::uint64_t, Rng& rng) { return time.draw(rng); };
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
  auto& service = service_of(pair->first, scenario);
  service.stalls_at = *at;
  service.stalls_for = *time;
  return {};
}

Result<Scenario> scenario_of(const SimulateOptions& o) {
  Scenario scenario{.seed = o.seed};
  const auto length = config::parse_duration(o.for_time);
  if (!length) return failure("--for: " + length.error());
  if (*length <= Duration{0} || *length > longest_load) return failure("--for: more than 0, and at most a day");
  scenario.length = *length;
  const auto kind = load::Arrivals::parse_kind(o.arrivals);
  if (!kind) return failure("--arrivals: " + kind.error().message);
  if (o.loads.empty()) return failure("nothing would arrive: write --load SOURCE=800/s");
  double events = 0;
  for (const auto& text : o.loads)
    if (auto added = add_load(text, *kind, scenario); !added) return std::unexpected(added.error());
  for (const auto& load : scenario.loads) events += load::expected_arrivals(load.phases, scenario.length);
  if (events < 0.5) return failure("nothing would arrive: the rate is 0, or begins after the end");
  if (events > static_cast<double>(o.count))
    return failure(fmt::format("about {:.0f} events would arrive, and --count allows {}", events, o.count));
  for (const auto& text : o.services)
    if (auto added = add_service(text, scenario); !added) return std::unexpected(added.error());
  for (const auto& text : o.stalls)
    if (auto added = add_stall(text, scenario); !added) return std::unexpected(added.error());
  return scenario;
}

std::string line(std::string_view what, const std::string& text) {
  return fmt::format("{:<24}{}\n", terminal_text(what), text);
}

std::string source_text(const Simulated::Source& source) {
  std::string ended;
  for (const auto& [how, n] : source.ended) ended += fmt::format("{}{} {}", ended.empty() ? "" : ", ", n, how);
  std::string text = line(source.name, fmt::format("{} events arrived: {}", source.arrived, ended));
  const auto& t = source.times;
  if (t.count() > 0)
    text += line("", fmt::format("stored within p50 {}   p99 {}   max {}", human(t.quantile(0.5)),
                                 human(t.quantile(0.99)), human(t.max())));
  if (source.longest_held > Duration{0})
    text += line("", fmt::format("held back, not read: at most {} events, for up to {}", source.most_held,
                                 human(source.longest_held)));
  return text;
}

std::string sink_text(const Simulated::Sink& sink, const Simulated& result, const Scenario& scenario) {
  const double busy = seconds(sink.busy) / (seconds(result.lasted) * sink.workers);
  const bool served =
      std::ranges::find(scenario.services, sink.name, &Scenario::Service::sink) != scenario.services.end();
  return line(sink.name, fmt::format("{} events in {} deliveries, workers busy {}, at most {} waited{}", sink.delivered,
                                     sink.deliveries, human_percent(busy), sink.most_waiting,
                                     served ? "" : "; deliveries took no time: no --service"));
}

std::string table(const Simulated& result, const Scenario& scenario) {
  std::string text;
  for (const auto& source : result.sources) text += source_text(source);
  for (const auto& sink : result.sinks) text += sink_text(sink, result, scenario);
  const Duration after = result.lasted - result.length;
  if (result.unsettled > 0)
    text += line("NOT DRAINED", fmt::format("{} events still waited at the drain deadline", result.unsettled));
  else
    text += line("drained", after > Duration{0} ? human(after) + " after the load had ended" : "before the load ended");
  return text;
}

std::string json(const Simulated& result, std::uint64_t seed) {
  std::string sources, sinks;
  for (const auto& s : result.sources) {
    std::string ended;
    for (const auto& [how, n] : s.ended) ended += fmt::format("{}{}:{}", ended.empty() ? "" : ",", json_text(how), n);
    sources += fmt::format(
        R"({}{}:{{"arrived":{},"settled":{},"ended":{{{}}},"p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},)"
        R"("mean_ms":{:.3f},"most_held":{},"longest_held_ms":{:.3f}}})",
        sources.empty() ? "" : ",", json_text(s.name), s.arrived, s.settled, ended,
        1e3 * seconds(s.times.quantile(0.5)), 1e3 * seconds(s.times.quantile(0.99)), 1e3 * seconds(s.times.max()),
        1e3 * seconds(s.times.mean()), s.most_held, 1e3 * seconds(s.longest_held));
  }
  for (const auto& s : result.sinks)
    sinks += fmt::format(R"({}{}:{{"delivered":{},"deliveries":{},"most_waiting":{},"busy_s":{:.6f},"workers":{}}})",
                         sinks.empty() ? "" : ",", json_text(s.name), s.delivered, s.deliveries, s.most_waiting,
                         seconds(s.busy), s.workers);
  return fmt::format(R"({{"seed":{},"seconds":{:.6f},"lasted":{:.6f},"unsettled":{},"sources":{{{}}},"sinks":{{{}}}}})"
                     "\n",
                     seed, seconds(result.length), seconds(result.lasted), result.unsettled, sources, sinks);
}

int complain_of(std::string_view what) {
  fmt::print(stderr, "weir: {}\n", terminal_text(what));
  return bad_usage;
}

}  // namespace

int simulate(const std::vector<std::string>& files, const Catalog& catalog, const SimulateOptions& options) {
  const auto scenario = scenario_of(options);
  if (!scenario) return complain_of(scenario.error().message);
  const auto config = load_or_explain(files, catalog);
  if (!config) return bad_configuration;
  const auto result = pipeline::simulate(*config, catalog, *scenario);
  if (!result) return complain_of(result.error().message);
  return print(options.json ? json(*result, scenario->seed) : table(*result, *scenario));
}

}  // namespace weir::app
