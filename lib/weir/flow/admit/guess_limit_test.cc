#include <weir/flow/admit/guess_limit.h>

#include <gtest/gtest.h>
#include <weir/base/rng.h>

#include <stdexcept>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

struct GuessLimitTest : testing::Test {
  GuessLimit limit{{.peers = 64, .most = 3, .window = 60s}};
  TimePoint now{1000s};
  std::uint64_t made = 0;

  void guess(std::uint64_t peer, int times) {
    for (int i = 0; i < times; ++i) limit.wrong(peer, ++made, now);
  }
};

TEST_F(GuessLimitTest, WhoIsNeverWrongIsNeverRefused) {
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.arrive(1, now));
  EXPECT_FALSE(limit.remembers(now));
}

TEST_F(GuessLimitTest, AfterSoManyWrongOnesTheRestOfTheWindowIsTold) {
  EXPECT_FALSE(limit.wrong(1, ++made, now));
  now += 10s;
  EXPECT_FALSE(limit.wrong(1, ++made, now));
  EXPECT_TRUE(limit.arrive(1, now));
  EXPECT_TRUE(limit.wrong(1, ++made, now)) << "the last one it had";
  now += 5s;
  const auto refused = limit.arrive(1, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::too_many_guesses);
  EXPECT_EQ(refused.error().retry_after, 45s);
  EXPECT_EQ(limit.refused(), 1u);
  EXPECT_TRUE(limit.arrive(2, now)) << "another peer";
}

TEST_F(GuessLimitTest, WhoComesWhenToldHasAllGuessesAgain) {
  guess(1, 3);
  now += limit.arrive(1, now).error().retry_after;
  EXPECT_TRUE(limit.arrive(1, now));
  EXPECT_FALSE(limit.remembers(now));
  guess(1, 2);
  EXPECT_TRUE(limit.arrive(1, now));
}

TEST_F(GuessLimitTest, WrongOnesThatAreFarApartAreForgotten) {
  for (int i = 0; i < 100; ++i, now += 31s) {
    EXPECT_TRUE(limit.arrive(1, now));
    limit.wrong(1, ++made, now);
  }
}

TEST_F(GuessLimitTest, NoPeerHasMoreThanItsGuessesInAnyWindow) {
  Rng rng(7);
  std::vector<TimePoint> heard;
  for (int i = 0; i < 20'000; ++i, now += Duration(rng.below(2'000'000'000))) {
    if (!limit.arrive(1, now)) continue;
    limit.wrong(1, ++made, now);
    heard.push_back(now);
  }
  ASSERT_GT(heard.size(), 100u);
  // Windows begin with a guess: two of them meet in any stretch as long as one.
  for (std::size_t i = 6; i < heard.size(); ++i) EXPECT_GT(heard[i] - heard[i - 6], 60s);
}

TEST_F(GuessLimitTest, ThoseWhoAreRefusedStaySoWhoeverElseIsWrong) {
  guess(1, 3);
  for (std::uint64_t peer = 100; peer < 100'000; ++peer) guess(peer, 1);
  EXPECT_FALSE(limit.arrive(1, now));
}

TEST_F(GuessLimitTest, TheSameOneAgainIsNoNewGuess) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limit.wrong(1, 77, now));
  EXPECT_TRUE(limit.arrive(1, now));
  guess(1, 2);
  EXPECT_FALSE(limit.arrive(1, now));
}

TEST_F(GuessLimitTest, GuessesAtAnotherSecretAreForgotten) {
  guess(1, 3);
  limit.forget();
  EXPECT_TRUE(limit.arrive(1, now));
  guess(1, 2);
  EXPECT_TRUE(limit.arrive(1, now));
}

TEST_F(GuessLimitTest, ItsTableIsWhatItsFootprintSays) {
  EXPECT_EQ(GuessLimit::footprint({.peers = 1000}), Bytes(1024 * 32));
}

TEST_F(GuessLimitTest, ValuesThatWouldBoundNothingAreRefused) {
  EXPECT_EQ(check(GuessLimitConfig{.most = 0})->field, "most");
  EXPECT_EQ(check(GuessLimitConfig{.window = Duration{0}})->field, "window");
  EXPECT_THROW(GuessLimit({.window = -1s}), std::invalid_argument);
}

}  // namespace
}  // namespace weir::flow
