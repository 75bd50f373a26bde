// docs/metrics.md says of every metric what /metrics writes of it: name, type, labels, unit, meaning. The page is made
// here, from a flow that has something of everything; run this test with WEIR_WRITE_DOCS=1 to write it anew.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "observe/metrics.h"

namespace weir::observe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string page_path = WEIR_SOURCE_DIR "/docs/metrics.md";

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

pipeline::NodeSnapshot busy_node() {
  pipeline::NodeSnapshot node;
  node.in = node.created = node.merged = 1;
  node.by_reason[static_cast<std::size_t>(Reason::malformed)] = 1;
  return node;
}

/// A flow with all that a metric may be left out for want of.
pipeline::FlowStatus full_status() {
  pipeline::FlowStatus status;
  auto& source = status.sources.emplace_back();
  source.name = "orders";
  source.node = busy_node();
  source.refused_by[static_cast<std::size_t>(Reason::flow_full)] = 1;
  source.upstream.lags = {{.place = "orders/3", .events = 1, .age = 1s}};
  source.upstream.counts = {{"files", 1}};
  source.guards.emplace_back().name = "rate";
  source.guards.emplace_back().name = "concurrency";
  source.guards.back().concurrency.emplace();
  source.guards.emplace_back().name = "pressure";
  source.guards.back().pressure = {.readings = {0.5, 0.5, 1.0, 0.5, 0.5}, .thresholds = {1, 1, 1, 1, 1}};
  auto& stage = status.stages.emplace_back();
  stage.name = "paid";
  stage.node = busy_node();
  stage.counts = {{"groups", 1}};
  auto& journal = status.journals.emplace_back();
  journal.name = "log";
  journal.end = 1;
  journal.consumers.emplace_back().name = "archive";
  journal.consumers.back().configured = true;
  auto& sink = status.sinks.emplace_back();
  sink.name = "archive";
  sink.node = busy_node();
  sink.edge.dropped[static_cast<std::size_t>(Reason::codel)] = 1;
  sink.spill.emplace();
  sink.sojourn.batches = sink.sojourn.events = 1;
  sink.sojourn.usual = flow::Sojourn::Times{1ms, 2ms};
  return status;
}

gateway::Status full_requests() {
  gateway::Status status;
  auto& gateway = status.gateways.emplace_back();
  gateway.name = "edge";
  gateway.requests.refused[static_cast<std::size_t>(Reason::breaker_open)] = 1;
  gateway.requests.abandoned[static_cast<std::size_t>(Reason::client_gone)] = 1;
  auto& upstream = status.upstreams.emplace_back();
  upstream.name = "shop";
  upstream.endpoints.emplace_back().address = "127.0.0.1:9001";
  return status;
}

AlertState full_alerts() {
  AlertState state;
  state.firing.push_back(
      {.rule = AlertRule::errors, .kind = "sink", .node = "archive", .lasts = 1s, .text = "all failed"});
  state.receivers.push_back({.name = "ops", .delivered = 3, .failed = 1, .waiting = 1, .trouble = "refused"});
  return state;
}

struct Family {
  std::string help, type;
  std::set<std::string> labels;
};

/// From the text that Prometheus reads.
std::map<std::string, Family> families_of(const std::string& text) {
  std::map<std::string, Family> families;
  std::istringstream lines(text);
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    std::smatch m;
    if (std::regex_match(line, m, std::regex("# HELP (\\S+) (.*)"))) families[current = m[1]].help = m[2];
    if (std::regex_match(line, m, std::regex("# TYPE (\\S+) (.*)"))) families[current = m[1]].type = m[2];
    if (line.starts_with('#')) continue;
    const std::regex label("([a-z_]+)=\"");
    for (std::sregex_iterator one(line.begin(), line.end(), label), end; one != end; ++one)
      if ((*one)[1] != "le") families[current].labels.insert((*one)[1]);
  }
  return families;
}

std::string unit_of(std::string name) {
  if (name.ends_with("_total")) name.resize(name.size() - 6);
  for (const char* unit : {"events_per_second", "seconds", "bytes", "events", "ratio"})
    if (name.ends_with(std::string("_") + unit)) return std::regex_replace(unit, std::regex("_"), " ");
  return "";
}

std::string page() {
  std::string out =
      "# Metrics\n\n"
      "What `GET /metrics` of the admin listener answers, in the text format of Prometheus. Names of nodes and reasons "
      "are "
      "labels;\nkeys and addresses of clients never are, so the number of series is bounded by the configuration. A "
      "series "
      "whose value is not\nknown yet, or whose part the flow does not have, is left out. Counters begin at 0 when the "
      "process starts.\n\n"
      "This page is checked against the program by `engine/observe/metrics_page_test.cc`.\n\n"
      "| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n";
  const Process process{1, 1, 1, 1, 1, 1};
  for (const auto& [name, family] :
       families_of(prometheus_text(full_status(), process, {}, full_requests(), full_alerts()))) {
    std::string labels;
    for (const std::string& label : family.labels) labels += (labels.empty() ? "`" : ", `") + label + "`";
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", name, family.type, labels, unit_of(name), family.help);
  }
  return out;
}

TEST(MetricsPage, SaysWhatTheProgramWrites) {
  if (std::getenv("WEIR_WRITE_DOCS")) std::ofstream(page_path) << page();
  EXPECT_EQ(read(page_path), page()) << "run this test with WEIR_WRITE_DOCS=1";
}

TEST(MetricsPage, HasEveryNameThatStandsInTheSource) {
  const std::string source =
      read(WEIR_SOURCE_DIR "/engine/observe/metrics.cc") + read(WEIR_SOURCE_DIR "/engine/observe/request_metrics.cc");
  const std::string text = page();
  const std::regex name("\"((weir|process)_[a-z_]+)\"");
  int names = 0;
  for (std::sregex_iterator one(source.begin(), source.end(), name), end; one != end; ++one, ++names)
    EXPECT_THAT(text, HasSubstr("`" + (*one)[1].str() + "`")) << "full_status() has nothing that this one is about";
  EXPECT_GT(names, 60);
}

TEST(Metrics, AQueueThatDoesNotFillIsFullInInfiniteTime) {
  auto status = full_status();
  EXPECT_THAT(prometheus_text(status, {}), HasSubstr("weir_queue_time_to_full_seconds{sink=\"archive\"} +Inf\n"));
  EXPECT_THAT(prometheus_text(status, {}), HasSubstr("weir_journal_time_to_full_seconds{journal=\"log\"} +Inf\n"));
  status.sinks[0].pressure.time_to_full = 90s;
  EXPECT_THAT(prometheus_text(status, {}), HasSubstr("weir_queue_time_to_full_seconds{sink=\"archive\"} 90\n"));
}

TEST(Metrics, SayOfTheProcessOnlyWhatCouldBeRead) {
  EXPECT_THAT(prometheus_text({}, {}), testing::Not(HasSubstr("process_")));
  const Process self = read_process();
  ASSERT_TRUE(self.open_fds && self.resident_bytes && self.start_seconds && self.cpu_seconds);
  EXPECT_GE(*self.open_fds, 3);
  EXPECT_GT(*self.resident_bytes, 1 << 20);
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(*self.start_seconds, now + 2);
  EXPECT_GE(*self.start_seconds, now - 86400);
}

}  // namespace
}  // namespace weir::observe
