// weir simulate: the flow of a configuration on a virtual clock, once or with several values, and what came of it.
#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>

#include "commands.h"
#include "config/problem.h"
#include "config/units_parse.h"
#include "exit_codes.h"
#include "loading.h"
#include "log/log.h"
#include "net/field_lines.h"
#include "report_file.h"
#include "simulate_plan.h"
#include "simulate_report.h"

namespace weir::app {
namespace {

constexpr std::size_t most_runs = 64;
constexpr std::uint64_t most_found = 1024;

/// Ends the command with this exit code; what is wrong has been said.
struct GivenUp {
  int code;
};

int say_bad_usage(std::string_view what) {
  fmt::print(stderr, "weir: {}\n", terminal_text(what));
  return bad_usage;
}

template <typename T>
T or_give_up(Result<T> result) {
  if (!result) throw GivenUp{say_bad_usage(result.error().message)};
  return std::move(*result);
}

class SimulateCommand {
 public:
  SimulateCommand(const Catalog& catalog, const SimulateOptions& options)
      : catalog_(catalog),
        options_(options),
        plan_(or_give_up(plan_simulation(options))),
        html_(options.html, "html") {}

  int go() {
    if (const auto trouble = html_.trouble(); !trouble.empty()) throw GivenUp{say_bad_usage(trouble)};
    for (const auto& text : options_.asserts) asserts_.push_back(or_give_up(load::Assertion::parse(text)));
    if (!options_.find.empty()) return find();
    std::vector<SimulatedRun> runs;
    for (const auto& settings : variants()) runs.push_back(play(settings, runs.empty()));
    return tell(runs);
  }

 private:
  using Settings = std::vector<config::Setting>;

  /// As it is, and beside it what --set and --sweep say.
  std::vector<Settings> variants() const {
    std::vector<Settings> all;
    if (options_.sweep.empty()) all.emplace_back();
    Settings set;
    for (const auto& text : options_.sets) set.push_back(setting("set", text));
    if (!set.empty() && options_.sweep.empty()) all.push_back(set);
    if (options_.sweep.empty()) return all;
    const auto swept = setting("sweep", options_.sweep);
    for (std::string_view rest = swept.value;;) {
      const auto comma = rest.find(',');
      Settings one = set;
      one.push_back({swept.path, std::string(rest.substr(0, comma))});
      all.push_back(std::move(one));
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
    if (all.size() > most_runs) throw GivenUp{say_bad_usage(fmt::format("--sweep: at most {} values", most_runs))};
    return all;
  }

  static config::Setting setting(std::string_view option, const std::string& text) {
    auto [path, value] = or_give_up(pair_of(option, text, "KEY=VALUE, as sinks.db.workers=32"));
    return {std::move(path), std::move(value)};
  }

  /// Warnings are said once, with the first run.
  SimulatedRun play(const Settings& settings, bool with_warnings) const {
    auto loaded = config::load_with_scenarios(plan_.files, catalog_, config::system_load_options(), settings);
    if ((with_warnings || !loaded.loaded.config) && !explain(loaded.loaded)) throw GivenUp{bad_configuration};
    SimulatedRun run{.scenario = or_give_up(choose_scenario(plan_, options_, loaded.scenarios))};
    for (const auto& one : settings)
      run.label += fmt::format("{}{}={}", run.label.empty() ? "" : " ", one.path, one.value);
    run.result = or_give_up(pipeline::simulate(*loaded.loaded.config, catalog_, run.scenario));
    return run;
  }

  int tell(const std::vector<SimulatedRun>& runs) const {
    const std::string text = runs.size() == 1 ? simulate_table(runs[0]) : simulate_comparison(runs);
    if (!options_.html.empty()) write_page(simulate_html(runs, text));
    if (options_.json)
      print(runs.size() == 1 ? simulate_json(runs[0]) : simulate_json(runs));
    else
      print(text);
    return judge(runs.back());
  }

  void write_page(const std::string& page) const {
    if (!html_.write(page))
      throw GivenUp{
          say_bad_usage(fmt::format("--html: {} could not be written completely: is the disk full?", html_.path()))};
  }

  int judge(const SimulatedRun& run) const {
    int code = ok;
    Histogram times{std::chrono::hours(24)};
    const auto measures = measures_of(run.result, times);
    for (const auto& assertion : asserts_) {
      const auto verdict = assertion.judge(measures);
      if (verdict.holds) continue;
      fmt::print(stderr, "weir: {} does not hold: {}\n", terminal_text(assertion.text()), verdict.measured);
      code = failed;
    }
    return code;
  }

  /// 'min KEY for ASSERTION': doubles the number until it is enough, then halves the interval. More is taken to be no
  /// worse.
  int find() {
    const auto [key, assertion] = wish();
    std::vector<std::pair<std::uint64_t, std::string>> tried;
    const auto enough = [&](std::uint64_t n) {
      Settings settings;
      for (const auto& text : options_.sets) settings.push_back(setting("set", text));
      settings.push_back({key, fmt::format("{}", n)});
      const auto run = play(settings, tried.empty());
      Histogram times{std::chrono::hours(24)};
      const auto verdict = assertion.judge(measures_of(run.result, times));
      const bool holds = verdict.holds && run.result.unsettled == 0;
      tried.emplace_back(n, verdict.measured + (run.result.unsettled > 0 ? ", not drained" : ""));
      return holds;
    };
    std::uint64_t high = 1, low = 0;
    while (!enough(high)) {
      low = high;
      if (high >= most_found) {
        fmt::print(stderr, "weir: {}={} is not enough for {}: {}\n", terminal_text(key), high,
                   terminal_text(assertion.text()), tried.back().second);
        return failed;
      }
      high *= 2;
    }
    while (high - low > 1) {
      const auto middle = low + (high - low) / 2;
      (enough(middle) ? high : low) = middle;
    }
    std::string text;
    for (const auto& [n, measured] : tried)
      text += fmt::format("{:<24}  {}\n", terminal_text(fmt::format("{}={}", key, n)), measured);
    text += fmt::format("{}={} is the least for {}\n", terminal_text(key), high, terminal_text(assertion.text()));
    print(options_.json ? fmt::format("{{\"key\":{},\"least\":{}}}\n", json_text(key), high) : text);
    return ok;
  }

  std::pair<std::string, load::Assertion> wish() const {
    const std::string_view text = options_.find;
    const auto middle = text.find(" for ");
    if (!text.starts_with("min ") || middle == text.npos || middle <= 4 || !options_.sweep.empty())
      throw GivenUp{say_bad_usage(
          options_.sweep.empty()
              ? fmt::format("--find {}: write 'min sinks.db.workers for p99 < 300ms'", config::quote(text))
              : "--find and --sweep: one of the two")};
    return {std::string(net::trimmed(text.substr(4, middle - 4))),
            or_give_up(load::Assertion::parse(net::trimmed(text.substr(middle + 5))))};
  }

  const Catalog& catalog_;
  const SimulateOptions& options_;
  const SimulatePlan plan_;
  const ReportFile html_;
  std::vector<load::Assertion> asserts_;
};

}  // namespace

int simulate(const Catalog& catalog, const SimulateOptions& options) {
  log::set_level(log::Level::off);  // what a flow would log is in the report
  try {
    return SimulateCommand(catalog, options).go();
  } catch (const GivenUp& end) {
    return end.code;
  }
}

}  // namespace weir::app
