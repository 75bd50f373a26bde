#include "config/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "config/load.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Config config_of(const std::string& yaml) {
  auto result = load_text(yaml, "weir.yaml", fake_catalog(), fake_options());
  for (const Problem& problem : result.problems)
    if (!problem.warning) ADD_FAILURE() << problem.text();
  return result.config.value_or(Config{});
}

Report report_of(const std::string& yaml) { return make_report(config_of(yaml), fake_catalog()); }

std::string flow(const std::string& source, const std::string& sink, const std::string& more = {}) {
  return "memory: 256MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80'" + source +
         " }\nsinks:\n  warehouse: { type: store, path: p, from: orders" + sink + " }\n" + more;
}

std::string sentence(const Report& report, std::string_view location) {
  for (const Report::Answer& answer : report.answers)
    if (answer.location == location) return answer.sentence;
  return {};
}

std::vector<std::string> advice(const std::string& yaml) {
  std::vector<std::string> out;
  for (const Report::Advice& advice : report_of(yaml).advice) out.push_back(advice.location + ": " + advice.what);
  return out;
}

constexpr const char* busy =
    "  live: { type: print, from: orders, required: false, queue: { when_full: drop_oldest } }\n"
    "  partner: { type: post, from: orders, workers: 4 }\n  dead: { type: store, path: d }\n";

TEST(Report, GivesTheLevelOfEachPair) {
  const Report report = report_of(flow("", ", mode: fast, dead_letter: dead", busy));
  ASSERT_EQ(report.pairs.size(), 3u);
  EXPECT_EQ(report.pairs[0].asks, Level::processed);
  EXPECT_EQ(report.pairs[0].limit, "sinks.warehouse only sends and never learns what became of it (type store)");
  EXPECT_FALSE(report.pairs[1].required);
  EXPECT_EQ(report.pairs[2].carries, Level::stored);
}

TEST(Report, AnswersWhatHappensAtEachPlace) {
  const Report report = report_of(flow("", ", queue: { max_events: 512 }, dead_letter: dead", busy));
  EXPECT_EQ(sentence(report, "sinks.warehouse"),
            "readers pause at 80 % of 512 events or 32 MiB, then HTTP clients of orders are refused with 503 and "
            "Retry-After; nothing is dropped");
  EXPECT_EQ(sentence(report, "sinks.live"),
            "at 10000 events or 32 MiB what has waited longest is dropped and counted; sources do not slow down");
  EXPECT_EQ(sentence(report, "sinks.dead"),
            "whoever sends dead letters here waits at 10000 events or 32 MiB; nothing is dropped");
  EXPECT_EQ(sentence(report, "sources.orders"),
            "HTTP clients of orders are answered 503 with Retry-After before their events are read; what is already "
            "read goes on");
  EXPECT_THAT(
      sentence(report, "memory"),
      HasSubstr("HTTP clients of orders are refused with 503 and Retry-After; what drains has memory of its own"));
}

TEST(Report, NamesTheWorstWaitItKnows) {
  const std::string yaml =
      flow("", ", queue: { max_wait: 200ms }",
           "  partner: { type: post, from: orders, rate: 500/s }\n  dead: { type: post, from: orders }\n");
  const Report report = report_of(yaml);
  EXPECT_EQ(report.edges[0].worst_wait, "200 ms (max_wait, >= 320/s)");
  EXPECT_EQ(report.edges[1].worst_wait, "20 s (at 500/s)");
  EXPECT_EQ(report.edges[2].worst_wait, "unknown until measured");
}

TEST(Report, NamesRequiredSinksThatStopEachOther) {
  const Report report = report_of(flow("", ", dead_letter: dead", busy));
  ASSERT_EQ(report.couplings.size(), 1u);
  EXPECT_THAT(report.couplings[0], HasSubstr("warehouse and partner stop each other: orders can go no faster"));
  EXPECT_THAT(report_of(flow("", "")).couplings, IsEmpty());
}

TEST(Advice, IsNoneForASoundFlow) { EXPECT_THAT(advice(flow("", "")), IsEmpty()); }

TEST(Advice, NamesEachAntiPattern) {
  EXPECT_THAT(advice(flow("", ", breaker: { consecutive_failures: 0 }")),
              ElementsAre(HasSubstr("sinks.warehouse: no breaker")));
  EXPECT_THAT(advice(flow("", ", retry: { jitter: additive, additive_most: 0s }")),
              ElementsAre(HasSubstr("no jitter")));
  EXPECT_THAT(advice(flow("", ", retry: { budget: 100% }")), ElementsAre(HasSubstr("retry without a budget")));
  EXPECT_THAT(advice(flow("", ", on_failure: drop")), ElementsAre(HasSubstr("on_failure: drop loses")));
  EXPECT_THAT(advice(flow(", ack_timeout: 0s", "")),
              ElementsAre(HasSubstr("sources.orders: ack_timeout: 0s leaves no time")));
  EXPECT_THAT(advice(flow("", ", queue: { max_bytes: 1GiB }")), ElementsAre(HasSubstr("this bound never acts")));
  EXPECT_THAT(advice(flow("", ", queue: { max_wait: 1m }")),
              ElementsAre(HasSubstr("max_wait (1 min) is not below ack_timeout of orders (30 s)")));
  EXPECT_THAT(
      advice(
          flow("", "", "  live: { type: print, from: orders, required: false, queue: { when_full: drop_oldest } }\n")),
      ElementsAre(HasSubstr("sinks.live: optional")));
  EXPECT_THAT(advice(flow("", "", "  partner: { type: post, from: orders, rate: 100/s, queue: { max_wait: 1s } }\n")),
              ElementsAre(HasSubstr("10000 events at 100/s wait longer than max_wait (1 s). max_events: 100 would")));
}

TEST(ReportText, FitsIntoAHundredColumns) {
  const std::string long_name(64, 'n');
  const Config config =
      config_of(flow("", ", dead_letter: dead",
                     std::string(busy) + "  " + long_name + ": { type: print, from: orders, workers: 100 }\n"));
  std::istringstream page(to_text(make_report(config, fake_catalog()), false));
  for (std::string line; std::getline(page, line);) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(ReportText, ShowsTheMemoryThatAddsUp) {
  const std::string page = to_text(report_of(flow("", "")), false);
  EXPECT_THAT(page,
              HasSubstr("  source orders: connections                        1024 x 8 KiB                   8 MiB\n"));
  EXPECT_THAT(
      page,
      HasSubstr("  sink warehouse: page cache                                                       2 MiB  soft\n"));
  EXPECT_THAT(page,
              HasSubstr("  declared by parts                                                             29.2 MiB\n"));
  EXPECT_THAT(page,
              HasSubstr("  budget: what sources may fill                                                  227 MiB\n"));
}

TEST(ReportText, HasColourOnlyWhenAsked) {
  const Report report = report_of(flow("", ""));
  EXPECT_THAT(to_text(report, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(to_text(report, true), HasSubstr("\x1b[1mPromises\x1b[0m"));
}

TEST(ReportJson, EscapesWhatItQuotes) {
  Report report = report_of(flow("", ""));
  report.files = {"a\"b\n.yaml"};
  const std::string json = to_json(report);
  EXPECT_THAT(json, HasSubstr(R"("files":["a\"b\n.yaml"])"));
  EXPECT_THAT(
      json,
      HasSubstr(
          R"({"source":"orders","sink":"warehouse","required":true,"acks":"stored","path_carries":"stored","because":""})"));
}

TEST(Graph, DrawsPartsEdgesAndDeadLetters) {
  const std::string dot = to_graph(config_of(flow("", ", dead_letter: dead", busy)));
  EXPECT_THAT(dot, HasSubstr("\"warehouse\" [shape=cylinder"));
  EXPECT_THAT(dot, HasSubstr("\"orders\" -> \"live\" [label=\"10000 events\\ndrop_oldest, optional\", style=dashed];"));
  EXPECT_THAT(dot, HasSubstr("\"warehouse\" -> \"dead\" [label=\"dead letters\", style=dotted];"));
}

void expect_same_node(const Node& a, const Node& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.options, b.options) << a.name;
}

void expect_same(const Config& a, const Config& b) {
  ASSERT_EQ(a.sources.size(), b.sources.size());
  for (std::size_t i = 0; i < a.sources.size(); ++i) {
    const Source &was = a.sources[i], &is = b.sources[i];
    expect_same_node(was, is);
    EXPECT_EQ(was.acks, is.acks);
    EXPECT_EQ(was.has_priorities, is.has_priorities);
    EXPECT_EQ(was.priorities.header, is.priorities.header);
    EXPECT_EQ(was.priorities.path, is.priorities.path);
    EXPECT_EQ(was.priorities.map, is.priorities.map);
    EXPECT_EQ(was.priorities.fallback, is.priorities.fallback);
    EXPECT_EQ(was.refuse_when_full, is.refuse_when_full);
    EXPECT_EQ(was.on_malformed, is.on_malformed);
    EXPECT_EQ(was.dead_letter, is.dead_letter);
  }
  ASSERT_EQ(a.stages.size(), b.stages.size());
  for (std::size_t i = 0; i < a.stages.size(); ++i) {
    expect_same_node(a.stages[i], b.stages[i]);
    EXPECT_EQ(a.stages[i].dead_letter, b.stages[i].dead_letter);
  }
  ASSERT_EQ(a.sinks.size(), b.sinks.size());
  for (std::size_t i = 0; i < a.sinks.size(); ++i) {
    const Sink &was = a.sinks[i], &is = b.sinks[i];
    expect_same_node(was, is);
    EXPECT_EQ(was.required, is.required);
    EXPECT_EQ(was.consumer.name, is.consumer.name);
    EXPECT_EQ(was.consumer.holds, is.consumer.holds);
    EXPECT_EQ(was.workers, is.workers);
    EXPECT_EQ(was.spill, is.spill);
    EXPECT_EQ(was.batch, is.batch);
    EXPECT_EQ(was.on_failure, is.on_failure);
    EXPECT_EQ(was.dead_letter, is.dead_letter);
  }
  EXPECT_EQ(a.admin.listen, b.admin.listen);
  EXPECT_EQ(a.reactors, b.reactors);
  EXPECT_EQ(a.drain_deadline, b.drain_deadline);
  EXPECT_EQ(a.batch_bytes, b.batch_bytes);
  EXPECT_EQ(a.memory.memory, b.memory.memory);
}

TEST(Print, LoadsAgainAsTheSameFlow) {
  const Config config = config_of(flow(", priority: { from: .s, map: { 'a b': high, 'null': low, '$x': batch } }",
                                       ", password: \"a\\\"b\\\\c $$ \\x01\", tags: ['x, y', '', '- z'], queue: { "
                                       "codel: true, max_wait: 1s }, dead_letter: dead",
                                       busy));
  const std::string printed = to_yaml(config, fake_catalog());
  const Config again = config_of(printed);
  expect_same(config, again);
  EXPECT_EQ(again.sinks[0].queue, config.sinks[0].queue);
  EXPECT_EQ(again.sinks[0].destination, config.sinks[0].destination);
  EXPECT_EQ(to_yaml(again, fake_catalog()), printed);
}

TEST(Print, NeverShowsASecret) {
  const std::string yaml = flow("", ", password: file:/secret, tags: [file:/secret, b]");
  const Config config = config_of(yaml);
  EXPECT_EQ(config.sinks[0].options.text("password"), "hunter2");
  EXPECT_THAT(to_yaml(config, fake_catalog()), HasSubstr("password: <secret>\n"));
  const Report report = make_report(config, fake_catalog());
  for (const std::string& text :
       {to_yaml(config, fake_catalog()), to_text(report, false), to_json(report), to_graph(config)})
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(Print, HidesWhatATableCallsASecretWhereItMayHoldOne) {
  const Config config =
      config_of(flow("", ", headers: { Authorization: hunter2, Accept: all }, columns: { token: .token }"));
  EXPECT_THAT(to_yaml(config, fake_catalog()), HasSubstr("headers: { Authorization: <secret>, Accept: all }\n"));
  EXPECT_THAT(to_yaml(config, fake_catalog()), HasSubstr("columns: { token: .token }\n"));
}

TEST(Print, HidesThePasswordInsideAnAddress) {
  const Config config = config_of(flow("", ", password: 'db://shop:hunter2@host/orders'"));
  EXPECT_THAT(to_yaml(config, fake_catalog()), HasSubstr("password: \"db://shop:<secret>@host/orders\"\n"));
}

}  // namespace
}  // namespace weir::config
