#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/unsent_events.h>

#include <algorithm>
#include <set>

namespace weir {
namespace {

using testing::ElementsAre;
using Added = UnsentEvents::Added;

std::vector<Batch> group_of(std::vector<std::uint32_t> sizes) {
  std::vector<Batch> group;
  for (const auto size : sizes) {
    BatchBuilder builder({});
    for (std::uint32_t i = 0; i < size; ++i) builder.add("x", nullptr);
    group.push_back(builder.seal({}));
  }
  return group;
}

struct UnsentEventsTest : testing::Test {
  ~UnsentEventsTest() override {
    for (Batch& batch : group) batch.dissolve();
  }
  /// Up to `most` events of the next range.
  std::vector<std::uint32_t> gather(std::size_t most = SIZE_MAX) {
    std::size_t n = 0;
    unsent.gather([&](std::uint32_t, UnsentEvents::Index) { return n++ < most ? Added::yes : Added::full; });
    return {unsent.part().begin(), unsent.part().end()};
  }
  std::vector<Batch> group = group_of({2, 3});
  UnsentEvents unsent;
};

TEST_F(UnsentEventsTest, NumbersTheEventsOverAllBatches) {
  unsent.begin(group);
  EXPECT_THAT(gather(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(unsent.index_of(2).batch, 1u);
  EXPECT_EQ(unsent.index_of(2).event, 0u);
  unsent.done();
  EXPECT_TRUE(unsent.empty());
}

TEST_F(UnsentEventsTest, WhatDoesNotFitComesNext) {
  unsent.begin(group);
  EXPECT_THAT(gather(3), ElementsAre(0, 1, 2));
  unsent.done();
  EXPECT_THAT(gather(3), ElementsAre(3, 4));
}

TEST_F(UnsentEventsTest, APartThatWasNotFinishedIsGatheredAgain) {
  unsent.begin(group);
  gather(2);
  EXPECT_THAT(gather(2), ElementsAre(0, 1));
}

TEST_F(UnsentEventsTest, WhatWasRefusedIsNeverGatheredAgainAndToldInOrder) {
  unsent.begin(group);
  gather();
  unsent.refuse(3, "late");
  unsent.refuse(1, "odd");
  EXPECT_THAT(gather(), ElementsAre(0, 2, 4));
  unsent.done();
  const auto refused = unsent.take_refused();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].why, "odd");
  EXPECT_EQ(refused[1].batch, 1u);
  EXPECT_EQ(refused[1].event, 1u);
}

TEST_F(UnsentEventsTest, WhenEveryEventOfARangeIsRefusedTheRangeIsGone) {
  unsent.begin(group);
  unsent.gather([&](std::uint32_t number, UnsentEvents::Index) {
    unsent.refuse(number, "no");
    return Added::no;
  });
  EXPECT_TRUE(unsent.part().empty());
  EXPECT_TRUE(unsent.empty());
  EXPECT_EQ(unsent.take_refused().size(), 5u);
}

TEST_F(UnsentEventsTest, ABadEventIsAloneAfterTwoLogNPartsAndAllOthersGoOnce) {
  for (Batch& batch : group) batch.dissolve();
  group = group_of({100, 28});
  for (std::uint32_t bad = 0; bad < 128; ++bad) {
    unsent.begin(group);
    std::multiset<std::uint32_t> arrived;
    int refusals = 0;
    while (!unsent.empty()) {
      const auto part = gather();
      if (std::ranges::find(part, bad) == part.end()) {
        arrived.insert(part.begin(), part.end());
        unsent.done();
      } else if (++refusals; part.size() > 1) {
        unsent.halve();
      } else {
        unsent.refuse(bad, "bad");
        unsent.done();
      }
    }
    EXPECT_EQ(arrived.size(), 127u);
    EXPECT_EQ(std::set(arrived.begin(), arrived.end()).size(), 127u);
    EXPECT_LE(refusals, 8) << bad;
    EXPECT_EQ(unsent.take_refused().size(), 1u);
  }
}

}  // namespace
}  // namespace weir
