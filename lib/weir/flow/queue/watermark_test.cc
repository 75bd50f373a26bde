#include <gtest/gtest.h>
#include <weir/flow/queue/watermark.h>

namespace weir::flow {
namespace {

TEST(Watermark, PausesAtTheHighMarkAndResumesAtTheLowOne) {
  Watermark mark(0.8, 0.2);
  mark.update(0.79);
  EXPECT_FALSE(mark.paused());
  mark.update(0.8);
  EXPECT_TRUE(mark.paused());
  mark.update(0.21);
  EXPECT_TRUE(mark.paused());
  mark.update(0.2);
  EXPECT_FALSE(mark.paused());
  EXPECT_EQ(mark.pauses(), 1u);
  EXPECT_EQ(mark.resumes(), 1u);
}

TEST(Watermark, DoesNotFlipBetweenItsWatermarks) {
  Watermark mark(0.8, 0.2);
  for (int i = 0; i < 100; ++i) mark.update(i % 2 ? 0.79 : 0.21);
  EXPECT_EQ(mark.pauses(), 0u);
  mark.update(0.9);
  for (int i = 0; i < 100; ++i) mark.update(i % 2 ? 0.95 : 0.21);
  EXPECT_EQ(mark.pauses(), 1u);
  EXPECT_EQ(mark.resumes(), 0u);
}

TEST(Watermark, APauseByHandEndsAtTheLowMarkToo) {
  Watermark mark(0.8, 0.2);
  mark.update(0.1);
  mark.pause();
  EXPECT_TRUE(mark.paused());
  mark.update(0.1);
  EXPECT_FALSE(mark.paused());
}

TEST(Watermark, KeepsItsStateWhenItsWatermarksMove) {
  Watermark mark(0.8, 0.2);
  mark.update(0.5);
  mark.move(0.4, 0.1);
  EXPECT_FALSE(mark.paused());
  mark.update(0.5);
  EXPECT_TRUE(mark.paused());
  mark.move(0.9, 0.6);
  mark.update(0.5);
  EXPECT_FALSE(mark.paused());
}

}  // namespace
}  // namespace weir::flow
