// What operators are told of and when, in given time; docs/alerts.md is made here (WEIR_WRITE_DOCS=1 writes it anew).
#include "observe/alerts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <weir/base/rng.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <numbers>
#include <regex>
#include <sstream>

#include "log/log.h"

namespace weir::observe {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const config::AlertSetting& usual(const AlertRuleInfo& rule) {
  return config::usual_alerts[static_cast<std::size_t>(rule.rule)];
}

/// A flow with one sink, looked at once a second.
class AlertsOf : public testing::Test {
 protected:
  AlertsOf() {
    log::set_level(log::Level::off);
    flow_.budget = 64_MiB;
    auto& sink = flow_.sinks.emplace_back();
    sink.name = "db";
    sink.workers = 4;
    sink.pressure.bound.events = 1000;
  }
  pipeline::SinkStatus& sink() { return flow_.sinks[0]; }
  void depth(double events, double growth = 0) {
    auto& p = sink().pressure;
    p.waiting.events = static_cast<std::uint64_t>(events);
    p.fill = events / 1000;
    p.growth = PerSecond{growth};
    p.time_to_full.reset();
    if (growth > 0) p.time_to_full = from_seconds((1000 - events) / growth);
  }
  void look() {
    alerts_.look(flow_, requests_);
    clock_.advance(1s);
  }
  /// Seconds until it fires or is over; 100: neither.
  int until(AlertRule rule, bool fires, const std::function<void()>& change = [] {}) {
    for (int i = 0; i < 100; ++i) {
      change();
      look();
      if (firing(rule) == fires) return i;
    }
    return 100;
  }
  bool firing(AlertRule rule) const {
    for (const auto& alert : alerts_.state().firing)
      if (alert.rule == rule) return true;
    return false;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& alert : alerts_.state().firing) names.emplace_back(info(alert.rule).name);
    return names;
  }
  std::string text() const { return alerts_.state().firing.at(0).text; }

  ManualClock clock_;
  Context context_{clock_};
  pipeline::FlowStatus flow_;
  gateway::Status requests_;
  Alerts alerts_{context_};
};

TEST_F(AlertsOf, AQueueThatFillsFireWithinTwoSecondsAndEndWithinTen) {
  look();
  depth(300, 50);
  EXPECT_LE(until(AlertRule::queue_full_soon, true), 2);
  EXPECT_THAT(text(), AllOf(HasSubstr("its queue is full in 14"), HasSubstr("30 % of it, +50 events/s")));
  depth(300, 0);
  EXPECT_LE(until(AlertRule::queue_full_soon, false), 10);
}

TEST_F(AlertsOf, FailedAttemptsNameTheDestinationsWords) {
  sink().last_error = "connection refused";
  const auto work = [&](std::uint64_t failed) {
    return [this, failed] {
      sink().destination.attempts += 20;
      sink().destination.failures += failed;
    };
  };
  for (int i = 0; i < 60; ++i) {
    work(1)();  // 5 %, which is not more than 5 %
    look();
  }
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_LE(until(AlertRule::errors, true, work(8)), 2);
  EXPECT_THAT(text(), HasSubstr("attempts failed in 5"));
  EXPECT_THAT(text(), HasSubstr("connection refused"));
  EXPECT_LE(until(AlertRule::errors, false, work(0)), 10);
}

TEST_F(AlertsOf, AnOpenBreakerIsToldOnceHoweverLongItIsOpen) {
  look();
  sink().destination.breaker = flow::BreakerState::open;
  sink().why = "breaker open, next probe in 3 s";
  EXPECT_EQ(until(AlertRule::breaker_open, true), 0);
  for (int i = 0; i < 100; ++i) look();
  EXPECT_EQ(alerts_.state().fired[static_cast<std::size_t>(AlertRule::breaker_open)], 1u);
  EXPECT_GE(alerts_.state().firing.at(0).lasts, 100s);
}

TEST_F(AlertsOf, BusyWorkersAreToldOfWhenTheyWereBusyForFiveSeconds) {
  const auto busy = [&](double share) {
    return [this, share] { sink().busy_ns += static_cast<std::uint64_t>(share * 4e9); };
  };
  EXPECT_EQ(until(AlertRule::utilisation, true, busy(0.75)), 100);
  EXPECT_LE(until(AlertRule::utilisation, true, busy(0.95)), 4);
  EXPECT_LE(until(AlertRule::utilisation, false, busy(0.5)), 10);
}

TEST_F(AlertsOf, ALagThatIsOldOrGrowsAllTheTime) {
  auto& journal = flow_.journals.emplace_back();
  journal.name = "log";
  auto& consumer = journal.consumers.emplace_back();
  consumer.name = "db";
  EXPECT_LE(until(AlertRule::lag_growth, true, [&] { consumer.lag_events += 100; }), 40);
  EXPECT_THAT(text(), HasSubstr("more than 30"));
  EXPECT_LE(until(AlertRule::lag_growth, false), 20);
  consumer.lag = 6min;
  EXPECT_LE(until(AlertRule::lag, true), 2);
  EXPECT_EQ(alerts_.state().firing.at(0).node, "log:db");
}

TEST_F(AlertsOf, FiveTimesTheUsualDepthIsToldAndAnHourOfItDoesNotMakeItUsual) {
  depth(100);
  for (int i = 0; i < 120; ++i) look();
  depth(480);
  EXPECT_EQ(until(AlertRule::queue_depth, true), 100) << "below five times";
  depth(900);
  EXPECT_LE(until(AlertRule::queue_depth, true), 2);
  for (int i = 0; i < 3600; ++i) look();
  EXPECT_TRUE(firing(AlertRule::queue_depth));
  depth(100);
  EXPECT_LE(until(AlertRule::queue_depth, false), 10);
}

TEST_F(AlertsOf, TheFlowItselfAndItsGateways) {
  auto& gateway = requests_.gateways.emplace_back();
  gateway.name = "edge";
  auto& upstream = requests_.upstreams.emplace_back();
  upstream.name = "shop";
  upstream.limit.limit.limit = 10;
  upstream.limit.in_flight = 8;
  for (int i = 0; i < 20; ++i) look();
  EXPECT_THAT(names(), IsEmpty()) << "four fifths is not more than that";
  upstream.limit.in_flight = 9;
  flow_.budget_used = 60_MiB;
  EXPECT_LE(until(AlertRule::pool, true), 2);
  EXPECT_THAT(names(), ElementsAre("memory", "pool"));
  EXPECT_LE(
      until(AlertRule::errors, true,
            [&] { gateway.requests.in += 9, gateway.requests.answered[5] += 1, gateway.requests.answered[2] += 8; }),
      4);
  ++gateway.requests.in;  // nobody knows where that one is
  EXPECT_EQ(until(AlertRule::ledger, true), 10);
}

TEST_F(AlertsOf, WhatIsGoneEndsItsAlerts) {
  requests_.upstreams.emplace_back().name = "shop";
  requests_.upstreams[0].destination.breaker = flow::BreakerState::open;
  EXPECT_EQ(until(AlertRule::breaker_open, true), 0);
  requests_.upstreams.clear();
  EXPECT_LE(until(AlertRule::breaker_open, false), 10);
}

TEST_F(AlertsOf, AnHourOfNoisyHealthyLoadIsSilent) {
  Rng rng(7);
  double waiting = 100;
  for (int i = 0; i < 3600; ++i) {
    const double before = waiting;
    waiting = std::clamp(waiting + 60 * (rng.uniform() - 0.5) + 0.1 * (100 - waiting), 0.0, 250.0);
    depth(waiting, (waiting - before) / 4);
    sink().destination.attempts += 50;
    sink().destination.failures += rng.uniform() < 0.3 ? 1 : 0;
    sink().busy_ns += static_cast<std::uint64_t>((0.3 + 0.4 * rng.uniform()) * 4e9);
    look();
    ASSERT_THAT(names(), IsEmpty()) << "after " << i << " s: " << alerts_.state().firing.at(0).text;
  }
}

TEST_F(AlertsOf, ADayWithItsRhythmIsSilent) {
  for (int second = 0; second < 2 * 86400; second += 5) {
    depth(150 * (1 + std::cos(2 * std::numbers::pi * second / 86400)));
    alerts_.look(flow_, requests_);
    clock_.advance(5s);
    ASSERT_THAT(names(), IsEmpty()) << "after " << second << " s";
  }
}

TEST_F(AlertsOf, TheApiTellsThemWithWhatToDo) {
  sink().destination.breaker = flow::BreakerState::open;
  sink().why = "breaker \"open\"";
  look();
  EXPECT_THAT(
      alerts_json(alerts_.state()),
      AllOf(
          HasSubstr(
              R"({"firing":[{"rule":"breaker_open","severity":"warning","kind":"sink","node":"db","lasts_s":1.0,"text":"breaker \"open\"","advice":")"),
          HasSubstr(R"("fired":{"queue_full_soon":0,)"), HasSubstr(R"("breaker_open":1)")));
}

TEST(Lately, CountsTheWindowAndBeginsAnewWhenTheCounterDoes) {
  Lately lately(5s);
  TimePoint t{100s};
  for (std::uint64_t n = 0; n <= 100; n += 10, t += 1s) lately.look(n, t);
  EXPECT_EQ(lately.growth(), 50u);
  EXPECT_EQ(lately.watched(), 5s);
  lately.look(3, t);
  EXPECT_EQ(lately.growth(), 0u);
  for (int i = 0; i < 1000; ++i) lately.look(3 + static_cast<std::uint64_t>(i), t += 1ms);
  EXPECT_LE(lately.growth(), 64u) << "bounded, however often it is looked at";
}

std::string page() {
  std::string out =
      "# Alerts\n\n"
      "A running Weir tells operators once when one of these begins and once when it is over: in the log, at\n"
      "`GET /api/alerts` of the admin listener, and as `weir_alert_firing` and `weir_alerts_fired_total` in\n"
      "[`/metrics`](metrics.md); `weir top` shows them, `weir alerts` lists them. For a Prometheus that scrapes many,\n"
      "`weir alerts --prometheus` prints the same as rules. Nothing has to be configured. It looks once a second; an "
      "alert ends when its "
      "condition was\n"
      "not the case for 5 s. Those of severity `info` are worth knowing and no fault.\n\n"
      "`usual` for the depth of a queue is learned: the mean of the first minute, then slowly. What is above three "
      "times\n"
      "the usual raises it by 10 % an hour only, so that an incident does not become normal, and a quiet night lowers "
      "it\n"
      "by half at the most (`lib/weir/flow/signal/baseline.h`). `weir_queue_level` says the level of each queue: "
      "warning\n"
      "when it will be full within 60 s or its readers are paused, critical within 15 s or when it is full.\n\n"
      "## Other thresholds, other receivers\n\n"
      "```yaml\n"
      "alerts:\n"
      "  rules:                  # each alert below; `above` where `when` has a number that can be another one\n"
      "    lag: { above: 10m, for: 30s, severity: info }\n"
      "    queue_depth: { above: 3 }         # times the usual\n"
      "    utilisation: off\n"
      "  repeat: 1m              # what still fires is told again; 0s: never\n"
      "  receivers:              # sinks that are told of alerts and of nothing else, at most 8\n"
      "    ops: { type: http, url: 'http://127.0.0.1:9093/api/v2/alerts', format: json_array }  # an Alertmanager\n"
      "    chat: { type: http, url: 'https://hooks.example/x', headers: { Authorization: 'file:/run/secrets/hook' } }\n"
      "```\n\n"
      "A receiver is any type of sink with its options; what it gets are objects as Alertmanager's API (v2) takes "
      "them, "
      "with `status`\n"
      "`firing` or `resolved`, `labels` (`alertname`, `severity`, `kind`, `node`, `instance`), `annotations` "
      "(`summary`: "
      "the facts when it\n"
      "began, `advice`), `startsAt` and `endsAt`. Each has a thread of its own; of each alert the last change alone is "
      "kept for it, so one\n"
      "that is down costs no memory and is told the latest when it is back, tried again after 1 s up to 1 min. "
      "`/api/alerts`,\n"
      "`weir_alert_deliveries_total` and `weir_alerts_untold` say how it fares. A change of `alerts:` takes a new "
      "process.\n\n"
      "## All of them\n\n"
      "This page is checked against the program by `engine/observe/alerts_test.cc`.\n\n"
      "| alert | severity | of | when | for | what to do |\n|---|---|---|---|---|---|\n";
  for (const AlertRuleInfo& rule : alert_rules())
    out += fmt::format("| `{}` | {} | {} | {} | {:.0f} s | {} |\n", rule.name, usual(rule).warns ? "warning" : "info",
                       rule.of, rule.when, seconds(usual(rule).hold), rule.advice);
  return out;
}

TEST(AlertSettings, AnotherThresholdHoldAndSeverityCount) {
  log::set_level(log::Level::off);
  config::AlertSettings settings = config::usual_alerts;
  const auto of = [&](AlertRule rule) -> config::AlertSetting& { return settings[static_cast<std::size_t>(rule)]; };
  of(AlertRule::memory) = {.on = true, .above = 0.5, .hold = 3s, .warns = false};
  of(AlertRule::breaker_open).on = false;
  ManualClock clock;
  const Context context(clock);
  Alerts alerts(context, settings);
  pipeline::FlowStatus flow;
  flow.budget = 100_MiB;
  flow.budget_used = 60_MiB;
  auto& sink = flow.sinks.emplace_back();
  sink.name = "db";
  sink.workers = 1;
  sink.destination.breaker = flow::BreakerState::open;
  std::vector<AlertNews> news;
  for (int i = 0; i < 3; ++i) {
    news = alerts.look(flow, {});
    EXPECT_THAT(news, IsEmpty()) << i;
    clock.advance(1s);
  }
  news = alerts.look(flow, {});
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].firing);
  EXPECT_FALSE(news[0].warns);
  EXPECT_EQ(info(news[0].rule).name, "memory");
  EXPECT_THAT(alerts_json(alerts.state()), HasSubstr(R"("rule":"memory","severity":"info")"));
}

TEST(PrometheusRules, AskForMetricsThatThereAre) {
  std::ifstream file(WEIR_SOURCE_DIR "/docs/metrics.md");
  std::stringstream page;
  page << file.rdbuf();
  int asked = 0;
  for (const AlertRuleInfo& rule : alert_rules()) {
    const std::string query(rule.query);
    const std::regex name("weir_[a-z_]+");
    for (std::sregex_iterator one(query.begin(), query.end(), name), end; one != end; ++one, ++asked)
      EXPECT_THAT(page.str(), HasSubstr("`" + one->str() + "`")) << rule.name;
    EXPECT_THAT(prometheus_rules(),
                HasSubstr("alert: weir_" + std::string(rule.name) + "\n    expr: |-\n      " + query + "\n"));
  }
  EXPECT_GT(asked, 20);
}

TEST(AlertsPage, SaysWhatTheProgramDoes) {
  const std::string path = WEIR_SOURCE_DIR "/docs/alerts.md";
  if (std::getenv("WEIR_WRITE_DOCS")) std::ofstream(path) << page();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), page()) << "run this test with WEIR_WRITE_DOCS=1";
}

}  // namespace
}  // namespace weir::observe
