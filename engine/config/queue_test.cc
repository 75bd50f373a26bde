// The keys of a queue that say what it does to the order, and what becomes of what it sheds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loaded_for_test.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string flow(const std::string& sink, const std::string& more = {}) {
  return "memory: 256MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80' }\nsinks:\n"
         "  warehouse: { type: store, path: p, from: orders, " +
         sink + " }\n" + more;
}

std::string sentence(const std::string& yaml) {
  for (const auto& answer : make_report(config_of(yaml), fake_catalog()).answers)
    if (answer.location == "sinks.warehouse") return answer.sentence;
  return {};
}

std::vector<std::string> advice(const std::string& yaml) {
  std::vector<std::string> out;
  for (const auto& advice : make_report(config_of(yaml), fake_catalog()).advice) out.push_back(advice.what);
  return out;
}

TEST(QueueOrder, IsFifoUnlessAskedForAndReadsBackAsItIsPrinted) {
  EXPECT_EQ(config_of(flow("workers: 1")).sinks.at(0).queue.order, flow::Order::fifo);
  const Config config = config_of(flow("queue: { order: adaptive_lifo }"));
  EXPECT_EQ(config.sinks.at(0).queue.order, flow::Order::adaptive_lifo);
  EXPECT_EQ(config_of(to_yaml(config, fake_catalog())).sinks.at(0).queue, config.sinks.at(0).queue);
  EXPECT_THAT(problems(flow("queue: { order: lifo }")),
              ElementsAre("weir.yaml:5:68: sinks.warehouse.queue.order: 'lifo' is unknown; did you mean fifo?"));
}

TEST(QueueOrder, CheckSaysThatAdaptiveLifoDoesNotKeepIt) {
  EXPECT_THAT(sentence(flow("queue: { order: adaptive_lifo }")),
              HasSubstr("from 80 % until 20 % the newest goes first, so order is not kept"));
  EXPECT_THAT(sentence(flow("workers: 1")), Not(HasSubstr("order is not kept")));
}

TEST(QueueOrder, AdviceAsksForAnEndOfOldWorkUnderAdaptiveLifo) {
  EXPECT_THAT(advice(flow("queue: { order: adaptive_lifo }")), ElementsAre(HasSubstr("Set queue.expire_after")));
  EXPECT_THAT(advice(flow("queue: { order: adaptive_lifo, expire_after: 1s }")), IsEmpty());
  EXPECT_THAT(advice(flow("queue: { order: adaptive_lifo, codel: true }")), IsEmpty());
  EXPECT_THAT(advice(flow("queue: { order: adaptive_lifo, when_full: drop_oldest }")), IsEmpty());
}

const char* const dead_letters = "  dead: { type: store, path: d }\n";

TEST(DeadLetterShed, IsNoneUnlessAskedForAndReadsBackAsItIsPrinted) {
  EXPECT_EQ(config_of(flow("dead_letter: dead", dead_letters)).sinks.at(0).queue.dead_letter_shed, 0.0);
  const Config config =
      config_of(flow("dead_letter: dead, queue: { when_full: drop_oldest, dead_letter_shed: 10% }", dead_letters));
  EXPECT_EQ(config.sinks.at(0).queue.dead_letter_shed, 0.1);
  EXPECT_EQ(config_of(to_yaml(config, fake_catalog())).sinks.at(0).queue, config.sinks.at(0).queue);
}

TEST(DeadLetterShed, NeedsADeadLetter) {
  EXPECT_THAT(problems(flow("queue: { when_full: drop_oldest, dead_letter_shed: 100% }")),
              ElementsAre("weir.yaml:5:103: sinks.warehouse.queue.dead_letter_shed: copies what is dropped to "
                          "dead_letter, but no dead_letter is named: add dead_letter: and the name of a sink"));
}

TEST(DeadLetterShed, CheckSaysWhereCopiesGoAndAdviceThatThereAreNone) {
  const std::string some = flow("dead_letter: dead, queue: { expire_after: 5s, dead_letter_shed: 10% }", dead_letters);
  EXPECT_THAT(sentence(some), HasSubstr("10 % of what is dropped is copied to dead while that has room"));
  EXPECT_THAT(advice(some), IsEmpty());
  EXPECT_THAT(advice(flow("dead_letter: dead, queue: { dead_letter_shed: 10% }", dead_letters)),
              ElementsAre(HasSubstr("it drops nothing")));
}

}  // namespace
}  // namespace weir::config
