// The `guards:` block: which limits can be written, which cannot, and what `check` says about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/diff.h"
#include "config/loaded_for_test.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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

TEST(Guards, AReloadTakesOverAllOfASinkAndTheValuesOfASource) {
  const auto in_place = [](const Config& was, const Config& is) {
    std::vector<bool> all;
    for (const auto& change : changes(was, is, fake_catalog())) all.push_back(change.in_place);
    return all;
  };
  const auto out = [](const std::string& rate) { return config_of(flow({}, "guards: { rate: " + rate + " }")); };
  EXPECT_THAT(in_place(out("5000/s"), out("6000/s")), ElementsAre(true, true)) << "limit and burst";
  EXPECT_THAT(in_place(config_of(flow({})), out("6000/s")), ::testing::Each(true));
  const auto in = [](const std::string& rate) { return config_of(flow("guards: { rate: " + rate + " }")); };
  EXPECT_THAT(in_place(in("5/s"), in("6/s")), ElementsAre(true, true)) << "limit and burst";
  for (const std::string other :
       {"{ limit: 5/s, key: peer }", "{ limit: 5/s, mode: observe }", "[5/s, 6/s]",
        "{ limit: 5/s, algorithm: fixed_window }", "{ limit: 5/s, name: mine }", "{ limit: 9/s, per: events }"})
    EXPECT_THAT(in_place(in("5/s"), in(other)), Contains(false)) << other;
  EXPECT_THAT(in_place(in("{ limit: 5/s, key: peer }"), in("{ limit: 5/s, key: peer, keys: 8 }")), Contains(false));
  EXPECT_THAT(in_place(config_of(flow({})), in("5/s")), Contains(false));
  const auto all = [](const std::string& guards) { return config_of(flow("guards: { " + guards + " }")); };
  EXPECT_THAT(in_place(all("concurrency: 5"), all("concurrency: 6")), Each(true));
  EXPECT_THAT(in_place(all("concurrency: 5"), all("concurrency: adaptive")), Each(true));
  EXPECT_THAT(in_place(all("concurrency: 5"), all("concurrency: { limit: 5, max_wait: 1s }")), Contains(false));
  EXPECT_THAT(
      in_place(all("fairness: { key: path, weights: { a: 2 } }"), all("fairness: { key: path, weights: { a: 3 } }")),
      ElementsAre(true));
  EXPECT_THAT(in_place(all("fairness: { key: path }"), all("fairness: { key: path, tenants: 9 }")), Contains(false));
  EXPECT_THAT(in_place(all("pressure: true"), all("pressure: { memory: 50% }")), Contains(false));
  const auto waits = [](const std::string& more) {
    return config_of("sources:\n  in: { type: ticker" + more + " }\nsinks:\n  out: { type: print, from: in }\n");
  };
  EXPECT_THAT(in_place(waits(""), waits(", guards: { rate: 5/s }")), Each(true));
}

TEST(Guards, AKeyOfCertificatesNeedsCertificates) {
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: tls_subject }"),
              ElementsAre(HasSubstr("sources.in.guards.rate.key: tls_subject is nobody's here")));
  EXPECT_THAT(problems(flow("guards: { fairness: { key: [path, tls_subject] } }")),
              ElementsAre(HasSubstr("sources.in.guards.fairness.key: tls_subject is nobody's here")));
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

std::optional<Concurrency> concurrency_in(const std::string& guards) {
  const Config config = config_of(flow("guards: { " + guards + " }"));
  return config.sources.empty() ? std::nullopt : config.sources[0].guards.concurrency;
}

std::vector<std::string> wrong_guards(const std::string& guards) {
  return problems(flow("guards: { " + guards + " }"));
}

TEST(GuardsOnWhatIsUnderWay, AreAdaptiveOrANumberOrAMap) {
  using Limit = flow::AnyLimitConfig::Algorithm;
  const auto adaptive = concurrency_in("concurrency: adaptive")->guard;
  EXPECT_EQ(adaptive.limit.algorithm, Limit::adaptive);
  EXPECT_EQ(adaptive.limit.range, (flow::LimitRange{.start = 4, .least = 2, .most = 4096}));
  EXPECT_FALSE(adaptive.waits());
  const auto fixed = concurrency_in("concurrency: 64")->guard;
  EXPECT_EQ(fixed.limit.algorithm, Limit::fixed);
  EXPECT_EQ(fixed.limit.range.start, 64u);
  EXPECT_EQ(concurrency_in("concurrency: { limit: 8 }")->guard.limit.algorithm, Limit::fixed);
  const auto all = concurrency_in(
      "concurrency: { algorithm: vegas, limit: 10, min: 5, max: 50, max_wait: 1s, max_waiting: 20, mode: observe }");
  EXPECT_EQ(all->guard.limit.range, (flow::LimitRange{.start = 10, .least = 5, .most = 50}));
  EXPECT_EQ(all->guard.max_wait, 1s);
  EXPECT_EQ(all->guard.max_waiting, 20u);
  EXPECT_TRUE(all->observe);
  EXPECT_EQ(concurrency_in("concurrency: { max: 1 }")->guard.limit.range,
            (flow::LimitRange{.start = 1, .least = 1, .most = 1}));
}

TEST(GuardsOnWhatIsUnderWay, FairnessBringsAWaitAndALimitOfItsOwn) {
  const auto guard = concurrency_in("fairness: { key: 'header:X-Tenant', tenants: 10, weights: { gold: 4 } }")->guard;
  EXPECT_EQ(guard.limit.algorithm, flow::AnyLimitConfig::Algorithm::adaptive);
  EXPECT_EQ(guard.max_wait, 100ms);
  EXPECT_EQ(guard.tenants, 10u);
  EXPECT_EQ(guard.weights, (std::vector<std::pair<std::string, std::uint32_t>>{{"gold", 4}}));
}

TEST(GuardsOnWhatIsUnderWay, SayWhatIsWrongWithThem) {
  EXPECT_THAT(wrong_guards("concurrency: lots"), ElementsAre(HasSubstr("'lots' is no limit")));
  EXPECT_THAT(wrong_guards("concurrency: 0"), ElementsAre(HasSubstr("'0' is no limit")));
  EXPECT_THAT(wrong_guards("concurrency: { algorithm: fixed }"), ElementsAre(HasSubstr("is fixed and has no limit")));
  EXPECT_THAT(wrong_guards("concurrency: { algorithm: fixed, limit: 5, max: 9 }"),
              ElementsAre(HasSubstr("concurrency.max: a fixed limit does not move")));
  EXPECT_THAT(wrong_guards("concurrency: { min: 9, max: 5 }"), ElementsAre(HasSubstr("write min <= limit <= max")));
  EXPECT_THAT(wrong_guards("concurrency: { max_waiting: 5 }"), ElementsAre(HasSubstr("nobody waits here")));
  EXPECT_THAT(wrong_guards("concurrency: { max_wait: 1h }"), ElementsAre(HasSubstr("is above 5m")));
  EXPECT_THAT(wrong_guards("fairness: { tenants: 5 }"), ElementsAre(HasSubstr("says not who is who")));
  EXPECT_THAT(wrong_guards("fairness: { key: peer, weights: { a: 2 } }"),
              ElementsAre(HasSubstr("weights belong to a key of one header or of the path")));
  EXPECT_THAT(wrong_guards("fairness: { key: path, weights: { a: 0 } }"), ElementsAre(HasSubstr("write 1 to 1000")));
  EXPECT_THAT(wrong_guards("concurrency: { limit: 5, max_wait: 0s }, fairness: { key: path }"),
              ElementsAre(HasSubstr("there are no turns to share")));
}

TEST(GuardsOnWhatIsUnderWay, OfASinkAreOfItsDeliveriesAndMoveAmongItsWorkers) {
  const auto out = [](const std::string& guards) {
    const Config config = config_of(flow({}, "workers: 8, guards: { concurrency: " + guards + " }"));
    return config.sinks.empty() ? std::nullopt : config.sinks[0].guards.concurrency;
  };
  EXPECT_EQ(out("adaptive")->guard.limit.range, (flow::LimitRange{.start = 4, .least = 2, .most = 8}));
  EXPECT_EQ(out("3")->guard.limit.range.start, 3u);
  EXPECT_TRUE(out("{ limit: 3, mode: observe }")->observe);
  EXPECT_EQ(out("{ algorithm: aimd }")->guard.limit.range, (flow::LimitRange{.start = 8, .least = 1, .most = 8}));
  const Config config = config_of(flow({}, "workers: 8, guards: { concurrency: { algorithm: vegas, max: 6 } }"));
  const Config again = config_of(to_yaml(config, fake_catalog()));
  ASSERT_FALSE(again.sinks.empty());
  EXPECT_EQ(again.sinks[0].guards.concurrency->guard, config.sinks[0].guards.concurrency->guard);
}

TEST(GuardsOnWhatIsUnderWay, AreRefusedWhereTheyMakeNoSenseAndSayWhy) {
  const auto at = [](const std::string& guards, const std::string& more = "workers: 8, ") {
    return problems(flow({}, more + "guards: { " + guards + " }"));
  };
  EXPECT_THAT(
      at("concurrency: adaptive", ""),
      ElementsAre(HasSubstr("sinks.out.guards.concurrency: has nothing to find: one worker makes one delivery")));
  EXPECT_THAT(at("fairness: { key: path }"),
              ElementsAre(HasSubstr("sinks.out.guards.fairness: is for sources whose clients are answered")));
  EXPECT_THAT(at("concurrency: { limit: 4, max_wait: 1s }"),
              ElementsAre(HasSubstr("sinks.out.guards.concurrency.max_wait: is for sources: here nobody is refused")));
  for (const std::string guards : {"concurrency: 4", "fairness: { key: path }"})
    EXPECT_THAT(problems("sources:\n  in: { type: ticker, guards: { " + guards +
                         " } }\nsinks:\n  out: { type: print, from: in }\n"),
                ElementsAre(HasSubstr("this one reads no more while its queues have no room")))
        << guards;
}

TEST(GuardsOnWhatIsUnderWay, CheckSaysWhatASinkSendsAtOnceAndWhatIsNeverReached) {
  const auto report = [](const std::string& sink) {
    const auto all = make_report(config_of(flow({}, sink)), fake_catalog());
    std::string said;
    for (const auto& guard : all.guards) said += guard.order + ": " + guard.sentence + "\n";
    for (const auto& advice : all.advice) said += advice.what + "\n";
    return said;
  };
  EXPECT_THAT(
      report("workers: 8, guards: { rate: 50/s, concurrency: adaptive }"),
      HasSubstr("rate, concurrency, then hold, breaker and retry budget: concurrency: the destination gets 2 to "
                "8 deliveries at once, as their times say (adaptive), of 8 workers; above it a worker waits"));
  EXPECT_THAT(report("workers: 8, guards: { concurrency: 8 }"), HasSubstr("8 at once never acts: there are 8 workers"));
  EXPECT_THAT(report("workers: 8, guards: { concurrency: 7 }"), Not(HasSubstr("never acts")));
}

TEST(Guards, CheckAdvisesAgainstLimitsThatRegretFollows) {
  const auto advice = [](const std::string& source, const std::string& sink = {}) {
    std::string all;
    for (const auto& one : make_report(config_of(flow(source, sink)), fake_catalog()).advice) all += one.what + "\n";
    return all;
  };
  EXPECT_THAT(advice("guards: { rate: { limit: 100/s, burst: 1 } }"),
              HasSubstr("rate rate has no burst: of two requests that come together one is refused"));
  EXPECT_THAT(advice("guards: { rate: { limit: 100/s, algorithm: leaky_bucket } }"), HasSubstr("has no burst"));
  EXPECT_THAT(advice("guards: { rate: 100/s }"), Not(HasSubstr("burst")));
  EXPECT_THAT(advice({}, "guards: { rate: { limit: 100/s, burst: 1 } }"), HasSubstr("each delivery is one event"));
  EXPECT_THAT(advice("guards: { rate: 200/s }", "guards: { rate: 100/s }"),
              HasSubstr("rate rate: 200 requests/s is more than out lets out (100 events/s)"));
  EXPECT_THAT(advice("guards: { rate: { limit: 200/s, key: peer } }", "guards: { rate: 100/s }"),
              HasSubstr("200 requests/s for each address is more than out lets out"));
  EXPECT_THAT(advice("guards: { rate: 100/s }", "guards: { rate: 100/s }"), Not(HasSubstr("lets out")));
  EXPECT_THAT(advice("acks: stored, priority: { from: 'header:X-Priority' }, guards: { concurrency: 4 }"),
              HasSubstr("a critical request that finds no place is refused as any other"));
  EXPECT_THAT(
      advice("acks: stored, priority: { from: 'header:X-P' }, guards: { concurrency: { limit: 4, max_wait: 1s } }"),
      Not(HasSubstr("is refused as any other")));
  EXPECT_THAT(advice("guards: { fairness: { key: path, tenants: 2, weights: { a: 1, b: 1, c: 2 } } }"),
              HasSubstr("2 tenants have a share of their own, and 3 have a weight"));
  EXPECT_THAT(advice("acks: stored, guards: { concurrency: 14 }", "queue: { max_events: 9 }"),
              HasSubstr("14 requests at once are more than the queue of out holds (9 events)"));
}

TEST(GuardsOnWhatIsUnderWay, AreReadBackAsTheyArePrinted) {
  for (const std::string guards :
       {"concurrency: adaptive", "concurrency: 64",
        "rate: 5/s, concurrency: { algorithm: aimd, too_slow: 2s, max_wait: 50ms }",
        "fairness: { key: ['header:X-Tenant', path], tenants: 10 }",
        "concurrency: 5, fairness: { key: 'header:X-Tenant', weights: { gold: 4, 'a \"b\"': 2 } }"}) {
    const Config config = config_of(flow("guards: { " + guards + " }"));
    ASSERT_FALSE(config.sources.empty()) << guards;
    const Config again = config_of(to_yaml(config, fake_catalog()));
    ASSERT_FALSE(again.sources.empty()) << to_text(config.sources[0].guards);
    EXPECT_EQ(again.sources[0].guards.concurrency->guard, config.sources[0].guards.concurrency->guard) << guards;
  }
}

TEST(GuardsOnWhatIsUnderWay, CheckSaysTheOrderTheLimitAndWhatIsAboveIt) {
  const auto said = [](const std::string& guards) {
    std::string all;
    for (const auto& guard : make_report(config_of(flow("guards: { " + guards + " }")), fake_catalog()).guards)
      all += guard.order + ": " + guard.sentence + "\n";
    return all;
  };
  EXPECT_THAT(
      said("rate: 5/s, concurrency: 64"),
      HasSubstr("key, rate, concurrency, door: concurrency: 64 requests at once, from their admission until they "));
  EXPECT_THAT(said("concurrency: 64"), HasSubstr("above it a request is answered 503 with Retry-After at once"));
  EXPECT_THAT(said("fairness: { key: 'header:X-Tenant' }"),
              HasSubstr("turns go round by header X-Tenant, so while others wait each gets its share"));
  EXPECT_THAT(advice_in("guards: { concurrency: 5000 }"), HasSubstr("so a limit of 5000 refuses nobody"));
}

std::optional<Pressure> pressure_in(const std::string& guards) {
  const Config config = config_of(flow("guards: { " + guards + " }"));
  return config.sources.empty() ? std::nullopt : config.sources[0].guards.pressure;
}

TEST(GuardsOnTheMachine, AreOnOrHaveThresholds) {
  EXPECT_EQ(pressure_in("pressure: true")->machine, flow::MachinePressureConfig{});
  EXPECT_FALSE(pressure_in("pressure: false"));
  const auto all = pressure_in(
      "pressure: { memory: 80%, cpu: 0.5, run_queue: 4, descriptors: 0, reactor_lag: 100ms, mode: observe }");
  EXPECT_EQ(all->machine.thresholds, (std::array<double, 5>{0.8, 0.5, 4, 0, 0.1}));
  EXPECT_TRUE(all->observe);
  EXPECT_THAT(wrong_guards("pressure: { memory: 3 }"), ElementsAre(HasSubstr("sources.in.guards.pressure.memory")));
  EXPECT_THAT(wrong_guards("pressure: { reactor_lag: 5 }"),
              ElementsAre(HasSubstr("sources.in.guards.pressure.reactor_lag")));
  EXPECT_THAT(wrong_guards("pressure: { disk: 80% }"), ElementsAre(HasSubstr("unknown key")));
  EXPECT_THAT(problems(flow({}, "guards: { pressure: true }")), ElementsAre(HasSubstr("nobody could be refused")));
  const Config config = config_of(
      flow("guards: { pressure: { memory: 80%, cpu: 0.5, run_queue: 4, descriptors: 0, reactor_lag: 1500us } }"));
  EXPECT_EQ(config_of(to_yaml(config, fake_catalog())).sources.at(0).guards.pressure->machine.thresholds,
            config.sources.at(0).guards.pressure->machine.thresholds);
  EXPECT_THAT(
      make_report(config, fake_catalog()).guards.at(0).sentence,
      HasSubstr("above 80 % of memory, 50 % of the time waiting for a CPU, 4 running tasks for each CPU, 1.5 ms "
                "of lateness of a reactor the lowest priority is answered 503"));
}

TEST(Guards, AFieldOfTheEventsIsAKeyWhereEventsAreKnown) {
  const Rate in = rate_in("{ limit: 10/s, key: .customer.tenant }");
  EXPECT_EQ(in.guard.key, (async::ClientKey{.of = async::ClientKey::Of::field, .field = ".customer.tenant"}));
  EXPECT_EQ(in.guard.per, RateUnit::events) << "a request may bring events of many keys";
  EXPECT_THAT(wrong_in("{ limit: 10/s, key: .tenant, per: requests }"),
              ElementsAre(HasSubstr("sources.in.guards.rate.per: a request may bring events of many keys")));
  EXPECT_EQ(rate_in("{ limit: 10/s, key: ['header:X-Region', .tenant] }").guard.per, RateUnit::events);
  for (const std::string path : {".", ".a b", ".a.", "field:tenant"})
    EXPECT_EQ(wrong_in("{ limit: 10/s, key: '" + path + "' }").size(), 1u) << path;
  EXPECT_THAT(problems(flow({}, "guards: { rate: { limit: 5/s, key: .tenant } }")),
              ElementsAre(HasSubstr("sinks.out.guards.rate.key: nobody is told apart here")));
  EXPECT_THAT(
      wrong_guards("fairness: { key: .tenant }"),
      ElementsAre(HasSubstr("sources.in.guards.fairness.key: a field of the body is nobody's here: turns are")));
}

TEST(Guards, AFieldIsAllThatTellsEventsApartWhereNobodyIsAnswered) {
  const auto waits = [](const std::string& key) {
    return "sources:\n  in: { type: ticker, guards: { rate: { limit: 5/s, key: " + key +
           " } } }\nsinks:\n  out: { type: print, from: in }\n";
  };
  const Config config = config_of(waits("[.tenant, '.\"odd key\"']"));
  EXPECT_EQ(config_of(to_yaml(config, fake_catalog())).sources.at(0).guards.rates.at(0).guard,
            config.sources.at(0).guards.rates.at(0).guard)
      << to_yaml(config, fake_catalog());
  EXPECT_THAT(problems(waits("peer")), ElementsAre(HasSubstr("only fields of the events tell them apart")));
  EXPECT_THAT(problems(waits("[.tenant, path]")), ElementsAre(HasSubstr("only fields of the events")));
  EXPECT_THAT(
      make_report(config_of(waits(".tenant")), fake_catalog()).guards.at(0).sentence,
      HasSubstr("rate: each field .tenant gets 5 events/s, 10000 of them are told apart, those beyond share; "));
}

TEST(Guards, CheckSaysThatAFieldIsAskedAfterTheBodyAndRefusesAllOfARequest) {
  const auto report = make_report(
      config_of(flow("guards: { rate: [100/s, { name: each, limit: 10/s, key: .tenant }] }")), fake_catalog());
  ASSERT_EQ(report.guards.size(), 2u);
  EXPECT_EQ(report.guards[1].order, "key, rate, door, body, rate of events");
  EXPECT_THAT(
      report.guards[1].sentence,
      HasSubstr("above it the whole request is answered 429 with Retry-After when it has been read, and none of "
                "its events is taken"));
}

TEST(Guards, AKeyMayBeJoinedOfSeveral) {
  const Rate rate = rate_in("{ limit: 5/s, key: ['header:X-Tenant', path] }");
  EXPECT_EQ(words_of(rate.guard.key), "header X-Tenant and path");
  ASSERT_EQ(rate.guard.key.with.size(), 1u);
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: [] }"), ElementsAre(HasSubstr("joins 0 keys")));
  EXPECT_THAT(wrong_in("{ limit: 5/s, key: [path, none] }"), ElementsAre(HasSubstr("none tells nobody apart")));
}

}  // namespace
}  // namespace weir::config
