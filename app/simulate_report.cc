#include "simulate_report.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "config/units_parse.h"

namespace weir::app {
namespace {

using config::human;
using config::human_percent;
using config::ScenarioFault;
using pipeline::Simulated;

std::string simulate_row(std::string_view what, const std::string& text) {
  return fmt::format("{:<24}{}\n", terminal_text(what), terminal_text(text));
}

std::string ended_text(const Simulated::Source& source) {
  std::string ended;
  for (const auto& [how, n] : source.ended) ended += fmt::format("{}{} {}", ended.empty() ? "" : ", ", n, how);
  return ended.empty() ? "none has ended" : ended;
}

std::string source_text(const Simulated::Source& source) {
  std::string text =
      simulate_row(source.name, fmt::format("{} events arrived: {}", source.arrived, ended_text(source)));
  const auto& t = source.times;
  if (t.count() > 0)
    text += simulate_row("", fmt::format("stored within p50 {}   p99 {}   p999 {}   max {}", human(t.quantile(0.5)),
                                         human(t.quantile(0.99)), human(t.quantile(0.999)), human(t.max())));
  if (source.longest_held > Duration{0})
    text += simulate_row("", fmt::format("held back, not read: at most {} events, for up to {}", source.most_held,
                                         human(source.longest_held)));
  return text;
}

double busy_share(const Simulated::Sink& sink, const Simulated& result) {
  const double time = seconds(result.lasted) * sink.workers;
  return time > 0 ? seconds(sink.busy) / time : 0;
}

std::string sink_text(const Simulated::Sink& sink, const SimulatedRun& run) {
  const bool served = std::ranges::find(run.scenario.services, sink.name, &config::ScenarioService::sink) !=
                      run.scenario.services.end();
  std::string text = simulate_row(
      sink.name, fmt::format("{} events in {} deliveries, workers busy {}, at most {} waited{}", sink.delivered,
                             sink.deliveries, human_percent(busy_share(sink, run.result)), sink.most_waiting,
                             served ? "" : "; deliveries took no time: it has no service"));
  if (sink.failed > 0)
    text += simulate_row("", fmt::format("{} deliveries failed and were tried again, its breaker opened {} times",
                                         sink.failed, sink.breaker_opened));
  return text;
}

std::string fault_text(const ScenarioFault& fault) {
  std::string amount;
  if (fault.kind == ScenarioFault::Kind::slow) amount = fmt::format(" {:g} times", fault.amount);
  if (fault.kind == ScenarioFault::Kind::capacity || fault.kind == ScenarioFault::Kind::errors)
    amount = " " + human_percent(fault.amount);
  return fmt::format("{}: {}{} for {}", fault.sink, config::word(fault.kind), amount, human(fault.lasts));
}

std::string moments(const SimulatedRun& run) {
  std::string text;
  for (const auto& fault : run.scenario.faults) text += simulate_row("at " + human(fault.at), fault_text(fault));
  const auto& worst = run.result.line.worst;
  if (worst.inside > 0)
    text += simulate_row("worst at " + human(worst.at), fmt::format("{:.0f} events inside{}{}", worst.inside,
                                                                    worst.why.empty() ? "" : ": ", worst.why));
  if (run.result.recovered)
    text += simulate_row("recovered", human(*run.result.recovered) + " after the last fault");
  else if (!run.scenario.faults.empty())
    text += simulate_row("NOT RECOVERED", "more was inside at the end than before the first fault");
  return text;
}

std::string drained_text(const Simulated& result) {
  const Duration after = result.lasted - result.length;
  if (result.unsettled > 0)
    return simulate_row("NOT DRAINED", fmt::format("{} events still waited at the drain deadline", result.unsettled));
  return simulate_row("drained",
                      after > Duration{0} ? human(after) + " after the load had ended" : "before the load ended");
}

std::uint64_t stored_in(const Simulated& result) {
  std::uint64_t stored = 0;
  for (const auto& source : result.sources)
    for (const auto& [how, n] : source.ended)
      if (how.find('(') == how.npos) stored += n;  // a reason is of what was lost
  return stored;
}

std::uint64_t arrived_in(const Simulated& result) {
  std::uint64_t arrived = 0;
  for (const auto& source : result.sources) arrived += source.arrived;
  return arrived;
}

constexpr std::size_t longest_title = 30;
using Cells = std::vector<std::pair<std::string, std::string>>;

Cells cells_of(const SimulatedRun& run) {
  Histogram times{std::chrono::hours(24)};
  const auto measures = measures_of(run.result, times);
  const auto time = [&](double q) { return times.count() > 0 ? human(times.quantile(q)) : std::string("-"); };
  Cells cells{{"arrived", fmt::format("{}", arrived_in(run.result))},
              {"goodput", fmt::format("{:.1f}/s", measures.goodput)},
              {"lost or refused", human_percent(measures.errors)},
              {"p50", time(0.5)},
              {"p99", time(0.99)},
              {"p999", time(0.999)},
              {"max", times.count() > 0 ? human(times.max()) : "-"},
              {"most inside", fmt::format("{:.0f}", run.result.line.worst.inside)},
              {"not drained", fmt::format("{}", run.result.unsettled)}};
  if (!run.scenario.faults.empty())
    cells.emplace_back("recovered after", run.result.recovered ? human(*run.result.recovered) : "never");
  for (const auto& sink : run.result.sinks)
    cells.emplace_back(sink.name + " busy", human_percent(busy_share(sink, run.result)));
  return cells;
}

}  // namespace

load::Assertion::Measures measures_of(const Simulated& result, Histogram& times) {
  for (const auto& source : result.sources) times.merge(source.times);
  const auto stored = static_cast<double>(stored_in(result)), arrived = static_cast<double>(arrived_in(result));
  std::uint64_t settled = 0;
  for (const auto& source : result.sources) settled += source.settled;
  const double time = seconds(std::max(result.lasted, result.length));
  return {.times = times,
          .goodput = time > 0 ? stored / time : 0,
          .success = arrived > 0 ? stored / arrived : 0,
          .errors = arrived > 0 ? (static_cast<double>(settled) - stored) / arrived : 0,
          .late = 0,
          .any = arrived > 0};
}

std::string simulate_table(const SimulatedRun& run) {
  std::string text;
  for (const auto& source : run.result.sources) text += source_text(source);
  for (const auto& sink : run.result.sinks) text += sink_text(sink, run);
  return text + moments(run) + drained_text(run.result);
}

std::string simulate_comparison(const std::vector<SimulatedRun>& runs) {
  std::vector<Cells> columns;
  std::vector<std::string> titles;
  std::string legend;
  std::size_t width = 12;
  for (const auto& run : runs) {
    columns.push_back(cells_of(run));
    titles.push_back(run.label.empty() ? "as it is" : terminal_text(run.label));
    if (titles.back().size() > longest_title) {
      const std::string number = fmt::format("({})", titles.size());
      legend += fmt::format("{:<24}{}\n", number, titles.back());
      titles.back() = number;
    }
    width = std::max(width, titles.back().size() + 2);
    for (const auto& [what, value] : columns.back()) width = std::max(width, value.size() + 2);
  }
  std::string text = legend + fmt::format("{:<24}", "");
  for (const auto& title : titles) text += fmt::format("{:>{}}", title, width);
  text += "\n";
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    text += fmt::format("{:<24}", terminal_text(columns.front()[i].first));
    for (const auto& column : columns) text += fmt::format("{:>{}}", i < column.size() ? column[i].second : "", width);
    text += "\n";
  }
  return text;
}

}  // namespace weir::app
