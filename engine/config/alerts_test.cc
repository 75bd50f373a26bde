// What the configuration says of alerts.
#include "config/alerts.h"

#include <gmock/gmock.h>

#include "config/diff.h"
#include "config/loaded_for_test.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string flow(const std::string& alerts) {
  return "memory: 256MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80' }\nsinks:\n"
         "  warehouse: { type: store, path: p, from: orders }\n" +
         (alerts.empty() ? "" : "alerts: { " + alerts + " }\n");
}
const AlertSetting& of(const Config& config, AlertRule rule) {
  return config.alerts.rules[static_cast<std::size_t>(rule)];
}

TEST(AlertsConfig, IsTheUsualOneWhenTheFileSaysNothing) {
  EXPECT_EQ(config_of(flow("")).alerts.rules, usual_alerts);
  EXPECT_THAT(to_yaml(config_of(flow("")), fake_catalog()), ::testing::Not(HasSubstr("alerts:")));
}

TEST(AlertsConfig, ChangesWhatItNamesAndPrintsItAsItIs) {
  const auto all =
      "rules: { lag: { above: 10m, for: 30s, severity: info }, errors: { above: 10% }, queue_depth: { above: 3 }, "
      "lag_growth: { above: 50 }, latency: off }, repeat: 5m, receivers: { ops: { type: store, path: x } }";
  const Config config = config_of(flow(all));
  EXPECT_EQ(of(config, AlertRule::lag), (AlertSetting{true, 600, std::chrono::seconds(30), false}));
  EXPECT_DOUBLE_EQ(of(config, AlertRule::errors).above, 0.1);
  EXPECT_DOUBLE_EQ(of(config, AlertRule::queue_depth).above, 3);
  EXPECT_FALSE(of(config, AlertRule::latency).on);
  EXPECT_EQ(of(config, AlertRule::memory), usual_alerts[static_cast<std::size_t>(AlertRule::memory)]);
  EXPECT_EQ(config.alerts.repeat, std::chrono::minutes(5));
  ASSERT_EQ(config.alerts.receivers.size(), 1u);
  EXPECT_EQ(config.alerts.receivers[0].options.text("path"), "x");
  const Config again = config_of(to_yaml(config, fake_catalog()));
  EXPECT_EQ(again.alerts.rules, config.alerts.rules);
  EXPECT_EQ(again.alerts.repeat, config.alerts.repeat);
  EXPECT_EQ(again.alerts.receivers.at(0).options, config.alerts.receivers[0].options);
}

TEST(AlertsConfig, AReceiverTakesItsPartOfTheMemory) {
  std::vector<std::string> parts;
  for (const auto& row : config_of(flow("receivers: { ops: { type: store, path: x } }")).memory.rows)
    parts.push_back(row.part);
  EXPECT_THAT(parts, Contains(StartsWith("alert receiver ops")));
}

TEST(AlertsConfig, AChangeTakesANewProcess) {
  const Config was = config_of(flow("rules: { lag: off }")), is = config_of(flow("rules: { lag: { above: 1m } }"));
  for (const auto& change : changes(was, is, fake_catalog())) EXPECT_FALSE(change.in_place) << change.path;
  EXPECT_FALSE(changes(was, is, fake_catalog()).empty());
}

TEST(AlertsConfig, MistakesNameTheirPlace) {
  const auto said = [](const std::string& alerts) { return problems(flow(alerts)); };
  EXPECT_THAT(said("rules: { lags: off }"),
              ElementsAre(HasSubstr("alerts.rules.lags: is no alert; did you mean lag?")));
  EXPECT_THAT(said("rules: { zebra: off }"), ElementsAre(HasSubstr("known: queue_full_soon, queue_depth")));
  EXPECT_THAT(said("rules: { lag: never }"),
              ElementsAre(HasSubstr("alerts.rules.lag: 'never' is neither off nor a map")));
  EXPECT_THAT(said("rules: { lag: { above: 5 } }"), ElementsAre(HasSubstr("alerts.rules.lag.above: ")));
  EXPECT_THAT(said("rules: { queue_depth: { above: 0 } }"), ElementsAre(HasSubstr("alerts.rules.queue_depth.above: ")));
  EXPECT_THAT(said("rules: { ledger: { above: 5 } }"),
              ElementsAre(HasSubstr("alerts.rules.ledger.above: unknown key")));
  EXPECT_THAT(said("rules: { lag: { for: 25h } }"), ElementsAre(HasSubstr("alerts.rules.lag.for: 25h is too long")));
  EXPECT_THAT(said("repeat: 10ms"), ElementsAre(HasSubstr("alerts.repeat: is less than a second")));
  EXPECT_THAT(said("receivers: { ops: { type: nothing } }"),
              ElementsAre(HasSubstr("alerts.receivers.ops.type: 'nothing' is no type of sink")));
  EXPECT_THAT(said("receivers: { ops: { type: store } }"), ElementsAre(HasSubstr("alerts.receivers.ops")));
}

}  // namespace
}  // namespace weir::config
