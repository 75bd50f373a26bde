#include "log/repeats.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::log {
namespace {

using namespace std::chrono_literals;

struct RepeatsTest : testing::Test {
  std::optional<std::uint64_t> say(const std::string& text, std::uint64_t place = 1) {
    return repeats.admit(key_of_line(text), place, limits, now);
  }
  Repeats repeats;
  RepeatLimits limits;
  TimePoint now{1h};
};

TEST_F(RepeatsTest, TwoNamesThatAlternateAreEachSaidOnceAWindow) {
  int said = 0;
  for (int i = 0; i < 400; ++i, now += 100ms)
    for (const auto name : {"a.log", "b.log"}) said += say(std::string(name) + " is no regular file").has_value();
  EXPECT_EQ(said, 2) << "40 s of a window of 60";
}

TEST_F(RepeatsTest, TheNextWindowTellsHowManyWereLeftOut) {
  EXPECT_EQ(say("no"), 0u);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(say("no"), std::nullopt);
  now += limits.window;
  EXPECT_EQ(say("no"), 7u);
  now += limits.window;
  EXPECT_EQ(say("no"), 0u) << "what was told is not told again";
}

TEST_F(RepeatsTest, NumbersAloneMakeNoOtherLine) {
  EXPECT_TRUE(say("3 events wait"));
  EXPECT_FALSE(say("1041 events wait"));
  EXPECT_TRUE(say("3 letters wait"));
}

TEST_F(RepeatsTest, OnePlaceIsLimitedWhateverItsTextIs) {
  int said = 0;
  const auto text = [](int i) {
    return std::string(1, static_cast<char>('a' + i % 26)) + static_cast<char>('a' + i / 26);
  };
  for (int i = 0; i < 200; ++i) said += say(text(i)).has_value();
  EXPECT_EQ(said, 30);
  EXPECT_TRUE(say("somebody else", 2)) << "another place has its own";
  EXPECT_EQ(repeats.take_left_out(), 170u);
  EXPECT_EQ(repeats.take_left_out(), 0u);
}

TEST_F(RepeatsTest, ATableThatIsFullForgetsTheOldestAndNoCount) {
  limits.most = 4;
  std::uint64_t told = 0, out = 0, said = 0;
  for (int i = 0; i < 1000; ++i, now += 1ms) {
    const auto answer =
        say("speaker " + std::string(static_cast<std::size_t>(i % 7), 'x'), static_cast<std::uint64_t>(i % 9));
    told += answer.value_or(0);
    ++(answer ? said : out);
  }
  EXPECT_EQ(told + repeats.take_left_out(), out);
  EXPECT_EQ(said + out, 1000u);
}

}  // namespace
}  // namespace weir::log
