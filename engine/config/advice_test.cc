// What tends to go wrong later, one case each; and what cannot go wrong because it cannot be written.
#include <gmock/gmock.h>

#include "config/load.h"
#include "config/report.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Loaded load_sink(const std::string& source, const std::string& sink) {
  return load_text("memory: 256MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80'" + source +
                       " }\nsinks:\n  partner: { type: post, from: orders" + sink + " }\n",
                   "weir.yaml", fake_catalog(), fake_options());
}

std::vector<std::string> told(const Loaded& result) {
  std::vector<std::string> out;
  if (!result.config) return {"does not load: " + (result.problems.empty() ? "" : result.problems[0].text())};
  for (const Report::Advice& advice : advice_of(*result.config, fake_catalog()))
    out.push_back(advice.location + ": " + advice.what);
  return out;
}

std::vector<std::string> told(const std::string& source, const std::string& sink) {
  return told(load_sink(source, sink));
}

std::vector<std::string> told_of_ticker(const std::string& rate, const std::string& sink) {
  return told(load_text("memory: 256MiB\nsources:\n  ticks: { type: ticker, rate: " + rate +
                            " }\nsinks:\n  partner: { type: post, from: ticks" + sink + " }\n",
                        "weir.yaml", fake_catalog(), fake_options()));
}

std::string refused(const std::string& source, const std::string& sink) {
  const Loaded result = load_sink(source, sink);
  return result.config || result.problems.empty() ? "it loads" : result.problems[0].text();
}

TEST(Advice, SaysWhereItStands) {
  const Loaded result = load_sink("", ", retry: { budget: 100% }");
  const Report report = make_report(*result.config, fake_catalog());
  ASSERT_EQ(report.advice.size(), 1u);
  EXPECT_EQ(report.advice[0].at.line, 5);
  EXPECT_THAT(to_text(report, false), HasSubstr("  sinks.partner  weir.yaml:5:3\n    retry without a budget"));
  EXPECT_THAT(to_json(report), HasSubstr(R"("place":"sinks.partner","at":"weir.yaml:5:3","what":"retry without)"));
}

TEST(Advice, IsNotAboutABoundThatNobodyWrote) {
  const auto with = [](const std::string& queue) {
    return told(
        load_text("memory: 48MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80' }\nsinks:\n  partner: "
                  "{ type: post, from: orders" +
                      queue + " }\n",
                  "weir.yaml", fake_catalog(), fake_options()));
  };
  EXPECT_THAT(with(""), IsEmpty());
  EXPECT_THAT(with(", queue: { max_bytes: 64MiB }"), ElementsAre(HasSubstr("this bound never acts")));
}

TEST(Advice, NamesAnAnswerThatComesBeforeTheEventIsStored) {
  EXPECT_THAT(told(", acks: accepted", ""),
              ElementsAre(HasSubstr("sources.orders: acks: accepted answers before any event has its fate")));
  EXPECT_THAT(told(", acks: processed", ""), IsEmpty());
  EXPECT_THAT(
      told(load_text("memory: 256MiB\nsources:\n  log: { type: tail, path: p, acks: accepted }\nsinks:\n  partner: "
                     "{ type: post, from: log }\n",
                     "weir.yaml", fake_catalog(), fake_options())),
      ElementsAre(HasSubstr("moves its position on before any event has its fate")));
  EXPECT_THAT(told_of_ticker("10/s", ""), IsEmpty()) << "it can do no more";
}

TEST(Advice, NamesWorkersThatCanNeverAllHaveWork) {
  EXPECT_THAT(told("", ", workers: 16, queue: { max_events: 8 }"),
              ElementsAre(HasSubstr("16 workers share a queue of at most 8 events")));
  EXPECT_THAT(told("", ", workers: 16, queue: { max_events: 512, max_wait: 1s }"),
              ElementsAre(HasSubstr("max_wait never acts: it leaves 16 workers a batch of 64 each, and max_events is "
                                    "only 512")));
  EXPECT_THAT(told("", ", workers: 16, queue: { max_events: 2000, max_wait: 1s }"), IsEmpty());
}

TEST(Advice, NamesAPoolThatIsOversized) {
  const std::string yaml =
      "memory: 1GiB\nsources:\n  ticks: { type: ticker }\nsinks:\n  screen: { type: print, from: ticks, workers: "
      "WORKERS }\n";
  const auto with = [&](const std::string& workers) {
    std::string text = yaml;
    text.replace(text.find("WORKERS"), 7, workers);
    return told(load_text(text, "weir.yaml", fake_catalog(), fake_options()));
  };
  EXPECT_THAT(with("64"), IsEmpty());
  EXPECT_THAT(with("65"), ElementsAre(HasSubstr("65 workers: more than most destinations serve well")));
}

TEST(Advice, NamesABoundAboveTheSendersDeadline) {
  EXPECT_THAT(
      told("", ", rate: 100/s, queue: { max_events: 3000 }"),
      ElementsAre(HasSubstr("3000 events at 100/s wait 30 s, which is not below ack_timeout of orders (30 s): its "
                            "senders give up on work that is still waiting. Keep max_events below 3000.")));
  EXPECT_THAT(told("", ", rate: 100/s, queue: { max_events: 2999 }"), IsEmpty());
  EXPECT_THAT(told(", acks: accepted", ", rate: 100/s"), ElementsAre(HasSubstr("acks: accepted"))) << "nobody waits";
}

TEST(Advice, NamesAnExpiryThatComesTooLateOrTooEarly) {
  EXPECT_THAT(told("", ", queue: { expire_after: 30s }"),
              ElementsAre(HasSubstr("expire_after (30 s) is not below ack_timeout of orders (30 s)")));
  EXPECT_THAT(told("", ", queue: { expire_after: 1s, max_wait: 2s }"),
              ElementsAre(HasSubstr("work waits up to 2 s and expires after 1 s: at its bound the queue holds what is "
                                    "dropped before its turn. Set queue.max_wait to 1 s or less.")));
  EXPECT_THAT(told("", ", queue: { expire_after: 2s, max_wait: 2s }"), IsEmpty());
}

TEST(Advice, NamesALingerThatUsesUpTheTime) {
  EXPECT_THAT(told("", ", batch: { linger: 40s }"),
              ElementsAre(HasSubstr("batch.linger (40 s) is not below ack_timeout of orders (30 s)")));
  EXPECT_THAT(told("", ", batch: { linger: 1s }, queue: { max_wait: 1s }"),
              ElementsAre(HasSubstr("batch.linger (1 s) is not below max_wait (1 s)")));
  EXPECT_THAT(told("", ", batch: { linger: 50ms }, queue: { max_wait: 1s }"), IsEmpty());
}

TEST(Advice, NamesASinkThatWaitsLongerForOneAttemptThanItsSendersWait) {
  EXPECT_THAT(told("", ", timeout: 31s"),
              ElementsAre(HasSubstr("timeout (31 s) is above ack_timeout of orders (30 s): when it hangs, its senders "
                                    "are told 504 before it gives up and anything is tried again. Lower timeout, or "
                                    "raise ack_timeout.")));
  EXPECT_THAT(told(", ack_timeout: 31s", ", timeout: 31s"), IsEmpty());
  EXPECT_THAT(told("", ", required: false, timeout: 31s"), ElementsAre(HasSubstr("optional"))) << "nobody waits for it";
}

TEST(Advice, WarnsAboveEightyPercentUtilisation) {
  EXPECT_THAT(told_of_ticker("80/s", ", rate: 100/s"), IsEmpty());
  EXPECT_THAT(
      told_of_ticker("90/s", ", rate: 100/s"),
      ElementsAre(HasSubstr("90 % of what it can serve comes: at random arrivals an event takes 10 x its service "
                            "time, at 80 % 5 x")));
  EXPECT_THAT(told_of_ticker("200/s", ", rate: 100/s"),
              ElementsAre(HasSubstr("200/s come and 100/s are served: the queue fills and stays full, in 100 s")));
}

TEST(Report, SaysFromWhichRateOnMaxWaitHolds) {
  const Loaded result = load_sink("", ", workers: 4, queue: { max_wait: 200ms }");
  EXPECT_EQ(make_report(*result.config, fake_catalog()).edges[0].worst_wait, "200 ms (max_wait, >= 1280/s)")
      << "4 workers x 64 events / 0.2 s";
}

TEST(AntiPatterns, ThatCannotBeWrittenAreErrors) {
  EXPECT_THAT(refused("", ", queue: { max_events: unlimited }"), HasSubstr("max_events: 'unlimited' is not a whole"));
  EXPECT_THAT(refused("", ", queue: { max_events: 0 }"), HasSubstr("max_events: '0' is out of range"));
  EXPECT_THAT(refused("", ", queue: { max_bytes: 0B }"), HasSubstr("max_bytes: "));
  EXPECT_THAT(refused("", ", workers: 0"), HasSubstr("workers: '0' is out of range"));
  EXPECT_THAT(refused("", ", workers: 100000"), HasSubstr("workers: '100000' is out of range"));
  EXPECT_THAT(refused("", ", workers: 17"), HasSubstr("17 workers, but a sink of type post can have 16"));
  EXPECT_THAT(refused("", ", retry: { jitter: none }"), HasSubstr("retry.jitter: "));
  EXPECT_THAT(refused(", acks: stored", ", queue: { when_full: drop_oldest }"),
              HasSubstr("asks for acks: stored, but"));
}

}  // namespace
}  // namespace weir::config
