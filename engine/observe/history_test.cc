// What is kept of the last hour, in given time.
#include "observe/history.h"

#include <gmock/gmock.h>

#include "config/memory.h"
#include "log/log.h"

namespace weir::observe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HistoryOf : public testing::Test {
 protected:
  HistoryOf() {
    log::set_level(log::Level::off);
    flow_.sinks.emplace_back().name = "db";
  }
  void look() { history_.look(flow_, {}, now_); }
  std::string sink() const { return history_.json("sink/db", now_); }

  pipeline::FlowStatus flow_;
  History history_;
  TimePoint now_{1h};
};

TEST_F(HistoryOf, ALevelIsKeptAsItIsAndACountAsItsGrowthASecond) {
  flow_.sinks[0].pressure.waiting.events = 7;
  look();
  now_ += 10s;
  flow_.sinks[0].pressure.waiting.events = 9;
  flow_.sinks[0].node.in = 50;
  look();
  EXPECT_THAT(sink(), HasSubstr(R"({"name":"waiting","unit":"events","points":[null,)"));
  EXPECT_THAT(sink(), HasSubstr("null,7,9]}"));
  EXPECT_THAT(sink(), HasSubstr(R"("name":"in","unit":"events/s")"));
  EXPECT_THAT(sink(), HasSubstr("null,5]}"));
}

TEST_F(HistoryOf, OneLookAStepIsEnough) {
  look();
  now_ += 9s;
  flow_.sinks[0].pressure.waiting.events = 3;
  look();
  EXPECT_THAT(sink(), HasSubstr("null,0]}"));
}

TEST_F(HistoryOf, ATimeAtWhichNobodyLookedIsAGapAndNotAZero) {
  flow_.sinks[0].pressure.waiting.events = 4;
  look();
  now_ += 35s;
  look();
  EXPECT_THAT(sink(), HasSubstr("null,4,null,null,4]}"));
}

TEST_F(HistoryOf, ACountThatBeganAnewIsAGap) {
  flow_.sinks[0].node.in = 100;
  look();
  now_ += 10s;
  flow_.sinks[0].node.in = 20;
  look();
  EXPECT_THAT(sink(), Not(HasSubstr("-8")));
  EXPECT_THAT(sink(), HasSubstr(R"("name":"in","unit":"events/s","points":[null,)"));
}

TEST_F(HistoryOf, WhatIsGoneIsForgottenAndWhatNeverWasIsNotKnown) {
  look();
  EXPECT_THAT(history_.json("sink/other", now_), IsEmpty());
  flow_.sinks.clear();
  now_ += 10s;
  look();
  EXPECT_THAT(sink(), IsEmpty());
}

TEST_F(HistoryOf, IsOfABoundedNumberOfPartsAndOfAnHour) {
  for (int i = 0; i < 400; ++i) flow_.stages.emplace_back().name = std::to_string(i);
  for (int i = 0; i < 800; ++i, now_ += 10s) look();
  EXPECT_EQ(history_.parts(), config::most_with_history);
  const std::string text = history_.json("stage/0", now_);
  EXPECT_EQ(std::ranges::count(text.substr(0, text.find(']')), ','), 4 + 359);
}

}  // namespace
}  // namespace weir::observe
