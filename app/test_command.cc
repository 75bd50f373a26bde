#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "commands.h"
#include "config/tests.h"
#include "exit_codes.h"
#include "loading.h"
#include "log/log.h"
#include "rehearsal/expectations.h"
#include "rehearsal/request_rehearsal.h"
#include "terminal.h"

namespace weir::app {
namespace {

using Difference = pipeline::DiffLine;

struct Palette {
  std::string_view good, bad, off;
};

Palette palette() {
  return wants_color(STDOUT_FILENO) ? Palette{"\033[32m", "\033[31m", "\033[0m"} : Palette{"", "", ""};
}

void print_line(const Difference& line, const Palette& colors) {
  const std::string text = terminal_text(line.text);
  switch (line.kind) {
    case Difference::Kind::title: return fmt::print("  {}\n", text);
    case Difference::Kind::same: return fmt::print("      {}\n", text);
    case Difference::Kind::note: return fmt::print("    {}\n", text);
    case Difference::Kind::expected: return fmt::print("    {}- {}{}\n", colors.bad, text, colors.off);
    case Difference::Kind::got: return fmt::print("    {}+ {}{}\n", colors.good, text, colors.off);
  }
}

std::vector<Difference> play_case(const config::Config& config, const Catalog& catalog, const config::TestCase& test) {
  if (test.requests.empty()) return pipeline::differences(test, pipeline::rehearse(config, catalog, test));
  const auto requests = pipeline::rehearse_requests(config, test);
  if (!requests) return {{Difference::Kind::title, requests.error().message}};
  return pipeline::differences(test, *requests);
}

bool passes(const config::Config& config, const Catalog& catalog, const config::TestCase& test, const Palette& colors) {
  const auto lines = play_case(config, catalog, test);
  const std::string name = terminal_text(test.name);
  if (lines.empty()) {
    fmt::print("{}ok{}      {}\n", colors.good, colors.off, name);
    return true;
  }
  fmt::print("{}FAILED{}  {}  ({})\n", colors.bad, colors.off, name, terminal_text(config::to_text(test.location)));
  for (const Difference& line : lines) print_line(line, colors);
  return false;
}

int nothing_to_do(const std::vector<std::string>& files, const TestOptions& options, bool any) {
  const std::string file = terminal_text(files.front());
  if (any) {
    fmt::print(stderr, "weir: no case of {} has '{}' in its name; leave --filter out to run all\n", file,
               terminal_text(options.filter));
    return bad_usage;
  }
  fmt::print(
      stderr,
      "weir: {} has no tests; write some:\n"
      "tests:\n  - name: what is to happen\n    events: [ {{ into: SOURCE, event: {{ a: 1 }} }} ]\n"
      "    expect: {{ sinks: {{ SINK: [ {{ a: 1 }} ] }} }}\n"
      "  - name: what a gateway is to answer\n    requests: [ {{ request: {{ path: /a }}, upstream: {{ status: 200 "
      "}}, expect: {{ status: 200 }} }} ]\n",
      file);
  return bad_configuration;
}

}  // namespace

int test(const std::vector<std::string>& files, const Catalog& catalog, const TestOptions& options) {
  const auto loaded = config::load_with_tests(files, catalog, config::system_load_options());
  if (!explain(loaded.loaded)) return bad_configuration;
  std::vector<const config::TestCase*> chosen;
  for (const auto& each : loaded.cases)
    if (each.name.find(options.filter) != std::string::npos) chosen.push_back(&each);
  if (chosen.empty()) return nothing_to_do(files, options, !loaded.cases.empty());
  log::set_level(log::Level::off);  // messages that a flow would log are in the diff
  const Palette colors = palette();
  const auto bad = std::ranges::count_if(
      chosen, [&](const auto* each) { return !passes(*loaded.loaded.config, catalog, *each, colors); });
  fmt::print("{} case{}, {} failed\n", chosen.size(), chosen.size() == 1 ? "" : "s", bad);
  return bad == 0 ? ok : failed;
}

}  // namespace weir::app
