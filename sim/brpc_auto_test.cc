#include "brpc_auto.h"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

TEST(BrpcAutoTest, IsLittlesLawAndSomeMore) {
  BrpcAuto limit(1);
  TimePoint now{100s};
  for (int i = 0; i < 200; ++i) limit.answered({flow::CallEnd::answered, 10ms, 1, 0, false, false}, now += 1ms);
  // 200 answers in 199 ms: 1005 a second x 10 ms x 1.3
  EXPECT_EQ(limit.limit(), 13u);
}

TEST(BrpcAutoTest, BelowAHundredAnswersASecondItNeverAdapts) {
  BrpcAuto limit(1);
  TimePoint now{100s};
  for (int i = 0; i < 2000; ++i) limit.answered({flow::CallEnd::answered, 10ms, 1, 0, false, false}, now += 20ms);
  EXPECT_EQ(limit.limit(), 40u);
}

}  // namespace
}  // namespace weir::sim
