#include <gtest/gtest.h>
#include <weir/flow/admit/sliding_log.h>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(SlidingLog, LetsTheNextPassWhenTheOldestHasLeftTheWindow) {
  SlidingLog log({3, 10s});
  for (const double t : {0.0, 4.0, 5.0}) EXPECT_EQ(passes(log, t), 0) << t;
  EXPECT_EQ(passes(log, 9.999), std::nullopt);
  EXPECT_EQ(log.ready_in(1, at(9)), 1s);
  EXPECT_EQ(log.ready_in(2, at(9)), 5s);
  EXPECT_EQ(log.ready_in(4, at(9)), Duration::max());
  EXPECT_EQ(passes(log, 10), 0);
  EXPECT_EQ(quota(log, 10), (Quota{0, 10}));
  EXPECT_EQ(quota(log, 14.5), (Quota{1, 5.5}));
  EXPECT_EQ(quota(log, 20), (Quota{3, 0}));
}

TEST(SlidingLog, ThatIsFullCountsSomeForLongerAndNoneForShorter) {
  SlidingLog log({10, 10s}, 2);
  for (const double t : {0.0, 1.0, 2.0, 3.0}) EXPECT_EQ(passes(log, t), 0) << t;
  EXPECT_EQ(quota(log, 10), (Quota{7, 3})) << "those of 1, 2 and 3 s leave together, at 13 s";
}

TEST(SlidingLog, GivesBackTheNewest) {
  SlidingLog log({3, 10s});
  EXPECT_EQ(passes(log, 0), 0);
  EXPECT_EQ(passes(log, 5, 2), 0);
  log.give_back(2, at(5));
  EXPECT_EQ(quota(log, 5), (Quota{2, 5}));
  log.give_back(5, at(5));
  EXPECT_EQ(quota(log, 5), (Quota{3, 0}));
}

TEST(SlidingLog, RefusesALogWithoutEntries) { EXPECT_THROW(SlidingLog({1, 1s}, 0), std::invalid_argument); }

}  // namespace
}  // namespace weir::flow
