#include "offsets.h"

#include <gtest/gtest.h>

namespace weir::kafka {

TEST(KafkaOffsets, MoveOverWhatSettledInOrder) {
  Offsets offsets;
  offsets.begin(100);
  const auto a = offsets.take(100, 110, 1), b = offsets.take(110, 120, 2);
  offsets.settle(a);
  EXPECT_EQ(offsets.settled_to(), 110);
  offsets.settle(b);
  EXPECT_EQ(offsets.settled_to(), 120);
  EXPECT_EQ(offsets.next(), 120);
}

TEST(KafkaOffsets, NeverMoveOverAGap) {
  Offsets offsets;
  offsets.begin(100);
  const auto a = offsets.take(100, 110, 1), b = offsets.take(110, 120, 2), c = offsets.take(120, 130, 3);
  offsets.settle(c);
  offsets.settle(b);
  EXPECT_EQ(offsets.settled_to(), 100);
  offsets.settle(a);
  EXPECT_EQ(offsets.settled_to(), 130);
  EXPECT_EQ(offsets.open(), 0u);
}

TEST(KafkaOffsets, WithoutACommittedPlaceBeginWhereTheFirstRangeDoes) {
  Offsets offsets;
  EXPECT_EQ(offsets.settled_to(), unknown_offset);
  offsets.begin(unknown_offset);
  const auto a = offsets.take(42, 43, 1);
  EXPECT_EQ(offsets.settled_to(), 42);
  offsets.settle(a);
  EXPECT_EQ(offsets.settled_to(), 43);
}

TEST(KafkaOffsets, OffsetsThatAreNotThereNeedNobody) {
  Offsets offsets;
  offsets.begin(0);
  const auto a = offsets.take(0, 5, 1), b = offsets.take(90, 95, 2);  // 5 to 89 were compacted away
  offsets.settle(a);
  offsets.settle(b);
  EXPECT_EQ(offsets.settled_to(), 95);
}

TEST(KafkaOffsets, MoveOverTheEndWhereNothingIsLeftToRead) {
  Offsets offsets;
  offsets.begin(0);
  const auto a = offsets.take(0, 5, 1);
  offsets.nothing_until(7);  // 5 and 6 are control records
  EXPECT_EQ(offsets.next(), 7);
  EXPECT_EQ(offsets.settled_to(), 0) << "not before what was read";
  offsets.settle(a);
  EXPECT_EQ(offsets.settled_to(), 7);
  offsets.nothing_until(9);
  EXPECT_EQ(offsets.settled_to(), 9);
  offsets.nothing_until(8);
  EXPECT_EQ(offsets.settled_to(), 9);
  Offsets fresh;
  fresh.begin(unknown_offset);
  fresh.nothing_until(3);
  EXPECT_EQ(fresh.settled_to(), 3);
}

TEST(KafkaOffsets, WhatWasTakenBeforeANewBeginningMovesNothing) {
  Offsets offsets;
  offsets.begin(0);
  const auto before = offsets.take(0, 10, 1);
  offsets.begin(0);
  const auto after = offsets.take(0, 10, 1);
  offsets.settle(before);
  EXPECT_EQ(offsets.settled_to(), 0);
  offsets.settle(after);
  offsets.settle(after);
  EXPECT_EQ(offsets.settled_to(), 10);
}

TEST(KafkaOffsets, TellHowOldTheOldestUnsettledEventIs) {
  Offsets offsets;
  offsets.begin(0);
  const auto a = offsets.take(0, 1, 1000);
  offsets.take(1, 2, 2000);
  EXPECT_EQ(offsets.oldest_ms(), 1000);
  offsets.settle(a);
  EXPECT_EQ(offsets.oldest_ms(), 2000);
}

}  // namespace weir::kafka
