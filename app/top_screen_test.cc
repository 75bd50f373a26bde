#include "top_screen.h"
#include "top_numbers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::app {
namespace {

TopData parsed(const std::string& json) {
  simdjson::dom::parser parser;
  return top_data(parser.parse(json));
}

std::string page(const TopData& data, const TopView& view) {
  std::string out;
  for (const std::string& line : top_screen(data, view)) out += line + "\n";
  return out;
}

const std::string graph = R"({"uptime_s":10,"memory":{"budget":1048576,"used":524288},"ledger":{"worst_difference":0},
  "sources":[{"name":"in","in":1000,"paused":true,"why":"sink out: queue 80/100 events"}],
  "sinks":[{"name":"out","stored":900,"waiting":80,"bound":100,"fill":0.8,"breaker":"open","required":true,
            "last_error":"\u001b]0;owned\u0007 refused\nby \u202epeer"}]})";

TEST(TopScreen, ShowsWhatIsHeldUpAndWhy) {
  const std::string text = page(parsed(graph), {});
  EXPECT_NE(text.find("paused <- sink out: queue 80/100 events"), std::string::npos);
  EXPECT_NE(text.find("breaker open"), std::string::npos);
  EXPECT_NE(text.find(" 80%"), std::string::npos);
  EXPECT_NE(text.find("512 KiB of 1.0 MiB budget"), std::string::npos);
}

TEST(TopScreen, ShowsWhatFiresWarningsFirstAndCountsTheRest) {
  std::string alerts;
  for (const char* severity : {"info", "warning", "info", "info", "info"})
    alerts += std::string(alerts.empty() ? "" : ",") + R"({"rule":"r_)" + severity + R"(","severity":")" + severity +
              R"(","kind":"sink","node":"db","lasts_s":12,"text":"facts\u001b[2J"})";
  const std::string text = page(parsed(R"({"alerts":[)" + alerts + "]}"), {.columns = 100});
  EXPECT_LT(text.find("alert  r_warning sink db for 12 s: facts\\x1b[2J"), text.find("r_info")) << text;
  EXPECT_NE(text.find("and 2 more: /api/alerts"), std::string::npos) << text;
}

TEST(TopScreen, ShowsGatewaysAndUpstreamsAndNoTablesOfAFlowThatIsNotThere) {
  const TopData before =
      parsed(R"({"uptime_s":8,"gateways":[{"name":"edge","in":600,"refused":{"rate_limited":10}}]})");
  TopData data = parsed(R"({"uptime_s":10,"gateways":[{"name":"edge","address":"127.0.0.1:8000","in":1000,
      "answered":{"2xx":700,"5xx":3},"refused":{"rate_limited":20,"not_found":10},"in_flight":4,
      "guarded":[{"path":"/a","why":""},{"path":"/b/**","why":"its guards (5 requests/s) refuse who is above that"}]}],
      "upstreams":[{"name":"shop","limit":8,"in_flight":7,"waiting":2,"breaker":"closed","why":"7 in flight",
      "endpoints":[{"address":"h:1","unwell":true},{"address":"h:2","unwell":false}]}]})");
  add_rates(data, before);
  EXPECT_EQ(data.gateways[0].refused_rate, 10);
  const std::string text = page(data, {.columns = 120});
  EXPECT_NE(text.find("refuses <- /b/**: its guards (5 requests/s)"), std::string::npos) << text;
  EXPECT_NE(text.find("1/2  held up <- 7 in flight"), std::string::npos) << text;
  EXPECT_EQ(text.find("SINK"), std::string::npos) << text;
  ASSERT_EQ(top_rows(data), 2);
  EXPECT_NE(page(data, {.interactive = true, .details = true}).find("703; now"), std::string::npos);
  EXPECT_NE(page(data, {.interactive = true, .details = true, .selected = 1}).find("7 of at most 8 requests"),
            std::string::npos);
}

TEST(TopScreen, SaysHowLongEventsTakeAmongTheDetails) {
  const std::string json =
      R"({"sinks":[{"name":"out","breaker":"closed","latency":{"sentence":"p50 3 ms\u001b[2J"}}]})";
  const std::string text = page(parsed(json), {.interactive = true, .details = true});
  EXPECT_NE(text.find("latency         p50 3 ms\\x1b[2J"), std::string::npos) << text;
}

TEST(TopScreen, ShowsHostileErrorsAsTextOfOneLine) {
  const std::string text = page(parsed(graph), {.columns = 200});
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.find('\a'), std::string::npos);
  EXPECT_NE(text.find("\\x1b]0;owned"), std::string::npos);
  EXPECT_NE(text.find("\\n"), std::string::npos);
}

TEST(TopScreen, RatesComeFromTheTimeBetweenTwoAnswers) {
  TopData before = parsed(R"({"uptime_s":8,"sources":[{"name":"in","in":600}]})"), now = parsed(graph);
  add_rates(now, before);
  EXPECT_EQ(now.sources[0].rate, 200);
  EXPECT_EQ(now.sinks[0].rate, 0) << "what was not there before has no rate yet";
  before.uptime = 11;  // it was started again
  now.sources[0].rate = 0;
  add_rates(now, before);
  EXPECT_EQ(now.sources[0].rate, 0);
}

TEST(TopScreen, CutsNoWordOnATerminalOfEightyColumns) {
  const std::string why =
      "sink warehouse-primary: sink queue 512/512 events <- breaker open, next probe in 3 s <- connection to server at "
      "10.20.30.40, port 5432 failed: Connection refused, is the server running on that host";
  const TopData data = parsed(
      R"({"uptime_s":10,"sources":[{"name":"orders","in":1000,"paused":true,"why":")" + why +
      R"("}],"sinks":[{"name":"warehouse-primary","stored":900,"waiting":512,"bound":512,"fill":1,"breaker":"open",)" +
      R"("blocked_for_s":3,"required":true,"why":")" + why + R"(","last_error":"Connection refused by its host"}]})");
  for (const bool details : {false, true}) {
    const auto lines =
        top_screen(data, {.columns = 80, .rows = 24, .interactive = true, .details = details, .selected = 1});
    std::string all;
    for (const std::string& line : lines) all += line + " ";
    EXPECT_NE(all.find("is the server running on that host"), std::string::npos) << "it goes on in the next line\n"
                                                                                 << all;
    EXPECT_NE(all.find(details ? "next probe in 3 s" : "breaker open"), std::string::npos) << all;
    EXPECT_NE(all.find("warehouse-primary"), std::string::npos);
    for (const std::string& line : lines) {
      if (!line.ends_with("…")) continue;
      const std::string last =
          line.substr(line.rfind(' ') + 1, line.size() - line.rfind(' ') - 1 - std::string("…").size());
      EXPECT_NE((" " + why + " ").find(" " + last + " "), std::string::npos) << "a cut word: " << line;
    }
  }
}

TEST(TopScreen, SaysOfASinkThatIsHeldUpWhatHoldsIt) {
  const TopData data = parsed(
      R"({"sinks":[{"name":"out","breaker":"closed","waiting":9,"held_up_by":"destination_stalled"},)"
      R"({"name":"log","breaker":"closed","held_up_by":"journal_full"},{"name":"well","breaker":"closed","held_up_by":null}]})");
  const std::string all = page(data, {.columns = 120, .rows = 20});
  EXPECT_NE(all.find("held up: destination_stalled"), std::string::npos) << all;
  EXPECT_NE(all.find("held up: journal_full"), std::string::npos) << all;
  EXPECT_NE(all.find("idle"), std::string::npos) << all;
}

TEST(TopScreen, NeverDrawsMoreThanTheScreenHolds) {
  TopData data = parsed(graph);
  data.sources.resize(50, data.sources[0]);
  for (const int rows : {1, 3, 10})
    EXPECT_LE(top_screen(data, {.columns = 60, .rows = rows, .interactive = true}).size(),
              static_cast<std::size_t>(rows));
}

TEST(TopScreen, KeepsTheSelectedRowOnTheScreen) {
  TopData data = parsed(graph);
  data.sources.resize(50, data.sources[0]);
  EXPECT_NE(page(data, {.columns = 60, .rows = 10, .interactive = true, .selected = 45}).find("> in"),
            std::string::npos);
}

TEST(TopScreen, SortsTheFullestSinkFirst) {
  TopData data = parsed(R"({"sinks":[{"name":"a","fill":0.1},{"name":"b","fill":0.9}]})");
  sort_rows(data, TopView::Sort::fill);
  EXPECT_EQ(data.sinks[0].name, "b");
}

TEST(ShortCount, HasAtMostSixCharacters) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(0.5), "0.5");
  EXPECT_EQ(short_count(1234), "1234");
  EXPECT_EQ(short_count(12345), "12.3k");
  EXPECT_EQ(short_count(999600), "1.0M");
  EXPECT_EQ(short_count(123456789), "123M");
}

}  // namespace
}  // namespace weir::app
