#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/report.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Config config_of(const std::string& yaml) {
  auto result = load_text(yaml, "weir.yaml", fake_catalog(), fake_options());
  for (const Problem& problem : result.problems) ADD_FAILURE() << problem.text();
  return result.config.value_or(Config{});
}

std::string flow(const std::string& source = {}, const std::string& sink = {}, const std::string& rest = {}) {
  return "sources:\n  orders: { type: http, listen: '127.0.0.1:80'" + source +
         " }\nsinks:\n  store: { type: store, path: p, from: orders" + sink + " }\n" + rest;
}

std::vector<std::string> texts(const Config& from, const Config& to, bool in_place) {
  std::vector<std::string> out;
  for (const auto& change : changes(from, to, fake_catalog()))
    if (change.in_place == in_place) out.push_back(change.text);
  return out;
}
/// What needs a new process.
std::vector<std::string> differences(const std::string& from, const std::string& to) {
  return texts(config_of(from), config_of(to), false);
}
std::vector<std::string> applied(const std::string& from, const std::string& to) {
  return texts(config_of(from), config_of(to), true);
}

TEST(Reload, TakesOverPolicyValues) {
  EXPECT_THAT(differences(flow(), flow(", when_full: block",
                                       ", queue: { max_events: 7, max_wait: 1s, pause_at: 50% }, batch: { max_events: "
                                       "9 }, breaker: { open: 1s }, retry: { base: 1s }")),
              IsEmpty());
}

TEST(Reload, SaysOfEveryValueItTakesOverWhatItIsAndWas) {
  EXPECT_THAT(
      applied(flow(), flow(", when_full: block", ", queue: { max_events: 7, codel: true }, retry: { budget: 10% }",
                           "drain_deadline: 5s\n")),
      ElementsAre("drain_deadline: 5s, was 30s", "sources.orders.when_full: block, was reject",
                  "sinks.store.queue.max_events: 7, was 10000", "sinks.store.retry.budget.ratio: 10%, was 20%",
                  "sinks.store.queue.codel.target: 5ms, was nothing",
                  "sinks.store.queue.codel.interval: 100ms, was nothing"));
  EXPECT_THAT(applied(flow(), flow()), IsEmpty());
}

TEST(Reload, TokensOfASourceAndOfAdminAreTakenOverAndNeverShown) {
  const auto with = [](const std::string& token, const std::string& rest = "") {
    const std::string text = flow(", auth_bearer: [file:/token, other]", rest,
                                  "admin: { auth_bearer: 'file:/token', auth_basic: { ops: x } }\n");
    auto result = load_text(text, "weir.yaml", fake_catalog(), fake_options({{"/token", token}}));
    for (const Problem& problem : result.problems) ADD_FAILURE() << problem.text();
    return result.config.value_or(Config{});
  };
  EXPECT_THAT(texts(with("old"), with("new"), true),
              ElementsAre("sources.orders.auth_bearer: has another value, which is not shown",
                          "admin.auth_bearer: has another value, which is not shown"));
  EXPECT_THAT(texts(with("old"), with("new"), false), IsEmpty());
  for (const auto& change : changes(with("old"), with("new"), fake_catalog())) EXPECT_TRUE(change.from_file);
  for (const auto& change : changes(with("old"), with("old", ", queue: { max_events: 7 }"), fake_catalog()))
    EXPECT_FALSE(change.from_file) << change.text;
  EXPECT_EQ(with("hunter2").secret_files.size(), 2u);
  EXPECT_EQ(to_yaml(with("hunter2"), fake_catalog()).find("hunter2"), std::string::npos);
  EXPECT_EQ(to_yaml(with("hunter2"), fake_catalog()).find("other"), std::string::npos);
}

TEST(Reload, WhetherAnybodyIsAskedNeedsANewProcess) {
  EXPECT_THAT(differences(flow(), flow(", auth_bearer: [x]")),
              ElementsAre("sources.orders.auth_bearer: <secret>, was nothing"));
  EXPECT_THAT(differences(flow("", "", "admin: { auth_bearer: x }\n"), flow()),
              ElementsAre("admin.auth_bearer: nothing, was <secret>"));
}

TEST(Reload, AQueueDoesNotBeginToSpillWhileItRuns) {
  EXPECT_THAT(applied(flow("", ", queue: { when_full: reject }"), flow("", ", queue: { when_full: block }")),
              ElementsAre("sinks.store.queue.when_full: block, was reject"));
  EXPECT_THAT(differences(flow(), flow("", ", queue: { when_full: spill }")),
              ::testing::Contains("sinks.store.queue.when_full: spill, was block"));
}

TEST(Reload, ATableOfAComponentIsNoSectionOfTheConfiguration) {
  EXPECT_THAT(differences(flow(), flow("", ", columns: { batch.max_events: x }")),
              ElementsAre("sinks.store.columns.batch.max_events: x, was nothing"));
}

TEST(Reload, ASecretOfASinkThatStandsInAFileIsTakenOverAndNeverShown) {
  const auto with = [](const std::string& password) {
    Config config = config_of(flow("", ", password: x"));
    config.sinks.front().options.set("password", password);
    config.secrets = {"sinks.store.password"};
    return config;
  };
  const std::string said = "sinks.store.password: has another value, which is not shown";
  EXPECT_THAT(texts(with("old"), with("new"), true), ElementsAre(said));
  EXPECT_THAT(texts(with("old"), with("old"), true), IsEmpty());
  Config written = with("new");
  written.secrets.clear();
  EXPECT_THAT(texts(with("old"), written, false), ElementsAre(::testing::StartsWith("sinks.store.password: ")));
}

TEST(Reload, AValueOfATableThatStandsInAFileIsASecretWhateverItsName) {
  const auto with = [](const std::string& plan) {
    Config config = config_of(flow("", ", columns: { plan: x }"));
    config.sinks.front().options.set("columns", Options::Table{{"plan", plan}});
    config.secrets = {"sinks.store.columns.plan"};
    return config;
  };
  EXPECT_EQ(to_yaml(with("gold"), fake_catalog()).find("gold"), std::string::npos);
  EXPECT_THAT(texts(with("gold"), with("tin"), true),
              ElementsAre("sinks.store.columns: has another value, which is not shown"));
}

TEST(Reload, NamesPartsThatCameAndWent) {
  EXPECT_THAT(differences(flow() + "  old: { type: print, from: orders }\n",
                          flow() + "  more: { type: print, from: orders }\n"),
              ElementsAre("sinks.old is gone", "sinks.more is new"));
}

TEST(Reload, NamesWhatElseDiffers) {
  EXPECT_THAT(
      differences(flow(", acks: stored"), flow(", acks: processed, max_body: 2MiB, priority: { from: .s, map: {} }")),
      ElementsAre("sources.orders.acks: processed, was stored", "sources.orders.max_body: 2MiB, was 1MiB",
                  "sources.orders.priority.from: .s, was nothing",
                  "sources.orders.priority.default: normal, was nothing"));
  EXPECT_THAT(
      differences(flow(), flow("", ", on_failure: drop", "admin: { listen: '[::1]:1' }\nreactors: 1\nmemory: 1GiB\n")),
      ElementsAre("memory: 1GiB, was auto", "reactors: 1, was 2", "sinks.store.on_failure: drop, was fail",
                  "admin.listen: [::1]:1, was 127.0.0.1:9600"));
}

TEST(Reload, RefusesToDeclareMoreMemoryThanWasSetAside) {
  EXPECT_THAT(differences(flow(), flow("", ", batch: { max_bytes: 3MiB }")),
              ElementsAre("memory: parts would declare 31.2 MiB, and 29.2 MiB are set aside"));
  EXPECT_THAT(differences(flow("", ", batch: { max_bytes: 3MiB }"), flow()), IsEmpty());
}

}  // namespace
}  // namespace weir::config
