#include "config/scenarios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

LoadedScenarios read_all(const std::string& scenarios, const std::vector<Setting>& settings = {}) {
  return load_with_scenarios({"weir.yaml"}, fake_catalog(),
                             fake_options({{"weir.yaml",
                                            "sources:\n  in: { type: ticker }\n"
                                            "sinks:\n  out: { type: print, from: [in] }\n" +
                                                scenarios}}),
                             settings);
}

/// The only problem of the scenario whose inside this is.
std::string problem_of(const std::string& inside) {
  const auto all = read_all("scenarios:\n  s: { " + inside + " }\n");
  std::string text;
  std::size_t errors = 0;
  for (const auto& each : all.loaded.problems)
    if (!each.warning) ++errors, text = each.text();
  return errors == 1 ? text : std::to_string(errors) + " problems";
}

std::string fault_problem(const std::string& faults) {
  return problem_of("for: 60s, loads: { in: { rate: 1/s } }, faults: [ " + faults + " ]");
}

TEST(Scenarios, AreReadWithTheirLoadsServicesAndFaults) {
  const auto all = read_all(
      "scenarios:\n  rush:\n    for: 30s\n    seed: 7\n"
      "    loads: { in: { rate: 800/s, burst: { at: 10s, for: 5s, rate: 3000/s }, arrivals: constant, event: { a: 1 } "
      "} }\n"
      "    services: { out: { time: 'lognormal:4ms,0.5', rate: 1000/s, knee: 8 } }\n"
      "    faults: [ { sink: out, at: 20s, for: 2s, slow: 3 }, { sink: out, at: 20s, for: 2s, errors: 20% } ]\n");
  for (const auto& each : all.loaded.problems) EXPECT_TRUE(each.warning) << each.text();
  ASSERT_EQ(all.scenarios.size(), 1u);
  const Scenario& s = all.scenarios[0];
  EXPECT_EQ(s.name, "rush");
  EXPECT_EQ(s.length, 30s);
  EXPECT_EQ(s.seed, 7u);
  const ScenarioLoad& load = s.loads.at(0);
  EXPECT_EQ(load.event, R"({"a":1})");
  EXPECT_EQ(load.arrivals, ArrivalKind::constant);
  ASSERT_EQ(load.phases.size(), 3u);
  EXPECT_EQ(load.phases[1].from, 10s);
  EXPECT_EQ(load.phases[1].rate, 3000);
  EXPECT_EQ(load.phases[2].from, 15s);
  EXPECT_EQ(load.phases[2].rate, 800);
  EXPECT_NEAR(s.services.at(0).per_event, 0.001, 1e-12);
  EXPECT_EQ(s.services[0].knee, 8u);
  EXPECT_EQ(s.services[0].time.kind, ServiceTime::Kind::lognormal);
  ASSERT_EQ(s.faults.size(), 2u);
  EXPECT_EQ(s.faults[0].kind, ScenarioFault::Kind::slow);
  EXPECT_EQ(s.faults[0].amount, 3);
  EXPECT_EQ(s.faults[1].kind, ScenarioFault::Kind::errors);
  EXPECT_EQ(s.faults[1].end(), 22s);
}

TEST(Scenarios, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(problem_of("loads: { inn: { rate: 1/s } }"),
              AllOf(HasSubstr("weir.yaml:6"), HasSubstr("did you mean in?")));
  EXPECT_THAT(problem_of("for: 1s"), HasSubstr("nothing would arrive"));
  EXPECT_THAT(problem_of("for: 0s, loads: { in: { rate: 1/s } }"), HasSubstr("for"));
  EXPECT_THAT(problem_of("for: 25h, loads: { in: { rate: 1/s } }"), HasSubstr("longer than a day"));
  EXPECT_THAT(problem_of("loads: { in: { rate: 0/s } }"), HasSubstr("more than 0"));
  EXPECT_THAT(problem_of("loads: { in: { profile: '0:0' } }"), HasSubstr("nothing would arrive"));
  EXPECT_THAT(problem_of("for: 5s, loads: { in: { profile: '9:10' } }"), HasSubstr("nothing would arrive"));
  EXPECT_THAT(problem_of("loads: { in: {} }"), HasSubstr("either a rate or a profile"));
  EXPECT_THAT(problem_of("loads: { in: { rate: 1/s, profile: '0:1' } }"), HasSubstr("either a rate or a profile"));
  EXPECT_THAT(problem_of("loads: { in: { rate: 1/s, burst: { at: 1s, rate: 2/s } } }"), HasSubstr("not whole"));
  EXPECT_THAT(problem_of("loads: { in: { rate: 1/s, burst: { at: 61s, for: 1s, rate: 2/s } } }"),
              HasSubstr("after the end"));
  EXPECT_THAT(problem_of("loads: { in: { profile: '0:1', burst: { at: 1s, for: 1s, rate: 2/s } } }"),
              HasSubstr("belongs to a rate"));
  const auto service = [](const std::string& text) {
    return problem_of("loads: { in: { rate: 1/s } }, services: { " + text + " }");
  };
  EXPECT_THAT(service("outt: { rate: 1/s }"), HasSubstr("did you mean out?"));
  EXPECT_THAT(service("out: {}"), HasSubstr("how long a delivery takes"));
  EXPECT_THAT(service("out: { time: 10ms }"), HasSubstr("is no time"));
  EXPECT_THAT(service("out: { rate: 1/s, per_event: 1ms }"), HasSubstr("say the same"));
  EXPECT_THAT(service("out: { rate: 1/s, knee: 0 }"), HasSubstr("knee"));
}

TEST(Scenarios, SayWhatIsWrongWithFaults) {
  EXPECT_THAT(fault_problem("{ sink: outt, at: 1s, for: 1s, stall: true }"), HasSubstr("did you mean out?"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, stall: true }"), HasSubstr("does not say `for`"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 0s, stall: true }"), HasSubstr("for"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 60s, for: 1s, stall: true }"), HasSubstr("after the end"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s }"), HasSubstr("not one fault"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s, stall: true, refuse: true }"), HasSubstr("not one fault"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s, stall: false }"), HasSubstr("not one fault"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s, slow: 1 }"), HasSubstr("is no factor"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s, capacity: 0% }"), HasSubstr("more than 0"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 2s, slow: 2 }, { sink: out, at: 2s, for: 2s, slow: 3 }"),
              HasSubstr("overlaps another slow"));
  EXPECT_THAT(fault_problem("{ sink: out, at: 1s, for: 1s, slow: 2, ofr: 1s }"), HasSubstr("did you mean for?"));
}

TEST(Scenarios, SettingsAreReadAsIfTheyStoodInTheFile) {
  const std::string file = "scenarios:\n  s: { loads: { in: { rate: 1/s } } }\n";
  const auto set = read_all(file, {{"sinks.out.workers", "3"}, {"scenarios.s.loads.in.rate", "5/s"}});
  ASSERT_TRUE(set.loaded.config);
  EXPECT_EQ(set.loaded.config->sinks.at(0).workers, 3);
  EXPECT_EQ(set.scenarios.at(0).loads.at(0).phases.at(0).rate, 5);
  const auto wrong = read_all(file, {{"sinks.out.wrokers", "3"}});
  ASSERT_FALSE(wrong.loaded.config);
  EXPECT_THAT(wrong.loaded.problems.at(0).text(), AllOf(HasSubstr("--set"), HasSubstr("did you mean workers?")));
  EXPECT_FALSE(read_all(file, {{"sinks.out.workers", "[1"}}).loaded.config);
}

}  // namespace
}  // namespace weir::config
