// The `guards:` block: which limits can be written, which cannot, and what `check` says about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/diff.h"
#include "config/loaded_for_test.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;
using Algorithm = flow::RateLimitConfig::Algorithm;
using async::RateUnit;

std::string flow(const std::string& source, const std::string& sink = {}) {
  return "memory: 256MiB\nsources:\n  in: { type: http, listen: '127.0.0.1:80', max_connections: 16" +
         (source.empty() ? "" : ", " + source) + " }\nsinks:\n  out: { type: post, from: in" +
         (sink.empty() ? "" : ", " + sink) + " }\n";
}

Rate rate_in(const std::string& guards) {
  const Config config = config_of(flow("guards: { rate: " + guards + " }"));
  return config.sources.empty() || config.sources[0].guards.empty() ? Rate{} : config.sources[0].guards.rates[0];
}

Rate rate_out(const std::string& guards) {
  const Config config = config_of(flow({}, "guards: { rate: " + guards + " }"));
  return config.sinks.empty() || config.sinks[0].guards.empty() ? Rate{} : config.sinks[0].guards.rates[0];
}

std::vector<std::string> wrong_in(const std::string& guards) {
  return problems(flow("guards: { rate: " + guards + " }"));
}

std::string advice_in(const std::string& source) {
  std::string all;
  for (const auto& advice : make_report(config_of(flow(source)), fake_catalog()).advice) all += advice.what + "\n";
  return all;
}

TEST(Guards, OfADoorCountRequestsAndLetAWholeWindowPassAtOnce) {
  const Rate rate = rate_in("100/s");
  EXPECT_EQ(rate.guard.per, RateUnit::requests);
  EXPECT_EQ(rate.guard.limit, (flow::RateLimitConfig{.limit = 100, .window = 1s, .burst = 100}));
  EXPECT_FALSE(rate.keyed());
  EXPECT_FALSE(rate.observe);
}

TEST(Guards, OfASinkCountEventsAndLetATenthOfASecondPassAtOnce) {
  const Rate rate = rate_out("5000/s");
  EXPECT_EQ(rate.guard.per, RateUnit::events);
  EXPECT_EQ(rate.guard.limit, (flow::RateLimitConfig{.limit = 5000, .window = 1s, .burst = 500}));
  EXPECT_EQ(rate_out("6/h").guard.limit.burst, 1u);
  EXPECT_EQ(rate_out("10MiB/s").guard.per, RateUnit::bytes);
  EXPECT_EQ(unit_of(rate_out("{ limit: 10/s, per: batches }")), "batches");
}

TEST(Guards, ReadEveryKeyOfARate) {
  const Rate rate = rate_in(
      "{ name: each, limit: 100/min, burst: 20, algorithm: leaky_bucket, per: events, key: 'header:X-Api-Key', keys: "
      "500, mode: observe }");
  EXPECT_EQ(rate.guard.name, "each");
  EXPECT_EQ(rate.guard.limit,
            (flow::RateLimitConfig{.algorithm = Algorithm::leaky_bucket, .limit = 100, .window = 60s, .burst = 20}));
  EXPECT_EQ(rate.guard.key.header, "X-Api-Key");
  EXPECT_EQ(rate.guard.keys, 500u);
  EXPECT_TRUE(rate.observe);
  EXPECT_EQ(rate_in("{ limit: 1/s, key: peer/24 }").guard.key.ipv4_bits, 24);
  EXPECT_EQ(rate_in("{ limit: 1/s, key: peer/56 }").guard.key.ipv6_bits, 56);
}

TEST(Guards, AreReadBackAsTheyArePrinted) {
  const std::string all =
      "[{ name: all, limit: 1000/s }, { name: each, limit: 100/min, burst: 20, key: 'header:X-Api-Key' }, "
      "{ name: net, limit: 10MiB/s, per: bytes, key: peer/24 }]";
  const Config config = config_of(flow("guards: { rate: " + all + " }", "guards: { rate: 5000/s }"));
  const Config again = config_of(to_yaml(config, fake_catalog()));
  ASSERT_EQ(again.sources.at(0).guards.rates.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(again.sources[0].guards.rates[i].guard, config.sources[0].guards.rates[i].guard) << i;
  EXPECT_EQ(again.sinks.at(0).guards.rates.at(0).guard, config.sinks[0].guards.rates[0].guard);
}

TEST(Guards, AChangeOfOneRateOfSeveralIsNoticed) {
  const auto with = [](const std::string& second) {
    return config_of(flow("guards: { rate: [10/s, " + second + "] }"));
  };
  EXPECT_THAT(changes(with("20/s"), with("20/s"), fake_catalog()), IsEmpty());
  std::vector<std::string> all;
  for (const auto& change : changes(with("20/s"), with("30/s"), fake_catalog())) all.push_back(change.text);
  EXPECT_THAT(all, Contains("sources.in.guards.rate[1].limit: 30/s, was 20/s"));
}

TEST(Guards, OfASinkAreTakenOverByAReloadAndOfASourceNot) {
  const auto in_place = [](const Config& was, const Config& is) {
    std::vector<bool> all;
    for (const auto& change : changes(was, is, fake_catalog())) all.push_back(change.in_place);
    return all;
  };
  const auto out = [](const std::string& rate) { return config_of(flow({}, "guards: { rate: " + rate + " }")); };
  EXPECT_THAT(in_place(out("5000/s"), out("6000/s")), ElementsAre(true, true)) << "limit and burst";
  EXPECT_THAT(in_place(config_of(flow({})), out("6000/s")), ::testing::Each(true));
  const auto in = [](const std::string& rate) { return config_of(flow("guards: { rate: " + rate + " }")); };
  EXPECT_THAT(in_place(in("5/s"), in("6/s")), ElementsAre(false, false));
}

TEST(Guards, ALimitThatCannotBeIsAnErrorAtItsPlace) {
  EXPECT_THAT(wrong_in("0/s"), ElementsAre("weir.yaml:3:82: sources.in.guards.rate: is 0: write 1 or more"));
  EXPECT_THAT(wrong_in("-5/s"), ElementsAre(HasSubstr("'-5/s' is not a number in a time")));
  EXPECT_THAT(wrong_in("inf/s"), ElementsAre(HasSubstr("'inf/s' is not a number in a time")));
  EXPECT_THAT(wrong_in("100"), ElementsAre(HasSubstr("'100' is not a number in a time")));
  EXPECT_THAT(wrong_in("{ limit: 2000000000/s }"),
              ElementsAre(HasSubstr("sources.in.guards.rate.limit: is above 1000000000/s: write less")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, burst: 0 }"),
              ElementsAre(HasSubstr("sources.in.guards.rate.burst: is 0: write 1 or more")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, algorithm: fixed_window, burst: 9 }"),
              ElementsAre(HasSubstr("a fixed_window has none: its limit may pass at once")));
  EXPECT_THAT(wrong_in("{ burst: 5 }"), ElementsAre(HasSubstr("sources.in.guards.rate: has no limit")));
}

TEST(Guards, AKeyThatCannotBeIsAnError) {
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: 'header:' }"), ElementsAre(HasSubstr("'header:' is no key")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: 'header:X Y' }"), ElementsAre(HasSubstr("is no key")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: peer/0 }"), ElementsAre(HasSubstr("is no key")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: peer/129 }"), ElementsAre(HasSubstr("is no key")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, keys: 100 }"), ElementsAre(HasSubstr("counts keys, but there is no key")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: peer, keys: 0 }"),
              ElementsAre(HasSubstr("out of range: write 8 to 1000000")));
  EXPECT_THAT(problems(flow({}, "guards: { rate: { limit: 5/s, key: peer } }")),
              ElementsAre(HasSubstr("sinks.out.guards.rate.key: nobody is told apart here")));
}

TEST(Guards, UnitsThatContradictEachOtherAreAnError) {
  EXPECT_THAT(wrong_in("{ limit: 5/s, per: bytes }"),
              ElementsAre(HasSubstr("bytes are counted, but the limit is no size")));
  EXPECT_THAT(wrong_in("{ limit: 5MiB/s, per: events }"), ElementsAre(HasSubstr("the limit is a size")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, per: batches }"),
              ElementsAre(HasSubstr("'batches' is unknown; did you mean bytes?")));
  EXPECT_THAT(problems(flow({}, "guards: { rate: { limit: 5/s, per: requests } }")),
              ElementsAre(HasSubstr("'requests' is none of")));
}

TEST(Guards, TwoRatesOfOneNameAreAnError) {
  EXPECT_THAT(wrong_in("[{ limit: 5/s, name: a }, { limit: 6/s, name: a }]"),
              ElementsAre(HasSubstr("a is the name of another rate here")));
}

TEST(Guards, CheckSaysTheOrderTheLimitAndWhatOneKeyCanGet) {
  const auto report =
      make_report(config_of(flow("guards: { rate: { limit: 100/s, burst: 20, key: 'header:X-Api-Key', keys: 1000 } }",
                                 "guards: { rate: 5000/s }")),
                  fake_catalog());
  ASSERT_EQ(report.guards.size(), 2u);
  EXPECT_EQ(report.guards[0].location, "sources.in");
  EXPECT_EQ(report.guards[0].order, "key, rate, door");
  EXPECT_EQ(
      report.guards[0].sentence,
      "rate: each header X-Api-Key gets 100 requests/s at most, 1000 of them are told apart, those beyond share; who "
      "has none shares one with all who have none; at most 20 requests at once (token_bucket); above it a request is "
      "answered 429 with Retry-After");
  EXPECT_EQ(report.guards[1].sentence,
            "rate: the destination gets 5000 events/s; at most 500 events at once (token_bucket); above it the events "
            "wait, nothing is refused or lost");
  const auto slow = make_report(config_of(flow({}, "guards: { rate: 10/s }")), fake_catalog());
  ASSERT_EQ(slow.guards.size(), 1u);
  EXPECT_THAT(slow.guards[0].sentence, HasSubstr("at most 1 event at once"));
  EXPECT_THAT(to_text(report, false), HasSubstr("sources.in: key, rate, door"));
  EXPECT_THAT(to_json(report), HasSubstr(R"("guards":[{"place":"sources.in")"));
}

TEST(Guards, TheMemoryOfAKeyTableIsDeclared) {
  const Config config = config_of(flow("guards: { rate: { limit: 100/s, key: peer, keys: 100000 } }"));
  const auto row = std::ranges::find(config.memory.rows, "source in: guard rate: keys", &MemoryRow::part);
  ASSERT_NE(row, config.memory.rows.end());
  EXPECT_LE(row->footprint.fixed, 32_MiB) << "100 000 keys";
  EXPECT_GE(row->footprint.fixed, 1_MiB);
}

TEST(Guards, AdviceNamesARequestThatIsLargerThanTheBurstAndAKeyTableThatIsTooSmall) {
  EXPECT_THAT(advice_in("guards: { rate: { limit: 1MiB/s, burst: 256KiB, per: bytes } }"),
              HasSubstr("one request may bring 1 MiB, and 256 KiB pass at once"));
  EXPECT_THAT(advice_in("guards: { rate: { limit: 5/s, key: peer, keys: 8 } }"),
              HasSubstr("8 keys are told apart, and 32 clients can be connected"));
  EXPECT_THAT(advice_in("guards: { rate: { limit: 5/s, key: peer, keys: 1000 } }"),
              ::testing::Not(HasSubstr("rate rate")));
}

TEST(Guards, AdviceNamesAQueueThatASlowRateKeepsLongerThanSendersWait) {
  std::string all;
  for (const auto& advice :
       make_report(config_of(flow("acks: stored", "guards: { rate: 100/s }, queue: { max_events: 10000 }")),
                   fake_catalog())
           .advice)
    all += advice.what + "\n";
  EXPECT_THAT(all, HasSubstr("10000 events at 100 events/s wait 100 s, which is not below ack_timeout of in (30 s)"));
}

}  // namespace
}  // namespace weir::config
