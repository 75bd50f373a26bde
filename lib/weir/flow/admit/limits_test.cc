// The published vectors of AIMD, Vegas and Gradient2, and what all limits have in common.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/aimd_limit.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/gradient2_limit.h>
#include <weir/flow/admit/vegas_limit.h>
#include <weir/flow/admit/windowed_limit.h>
#include <weir/flow/checks_for_test.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint now{100s};

template <ConcurrencyLimit L>
std::uint32_t after(L& limit, Duration time, std::uint32_t in_flight, CallEnd end = CallEnd::answered) {
  limit.answered({end, time, in_flight, 0, false, false}, now);
  return limit.limit();
}

TEST(AimdLimitTest, GivesThePublishedVectors) {
  AimdLimit down({.range = {.start = 30}});
  EXPECT_EQ(after(down, 0ms, 0, CallEnd::failed), 27u);
  AimdLimit up({.range = {.start = 20, .most = 21}});
  EXPECT_EQ(after(up, 1ms, 10), 21u);
  EXPECT_EQ(after(up, 1ms, 10), 21u) << "at most";
  AimdLimit slow({.range = {.start = 30}});
  EXPECT_EQ(after(slow, 5001ms, 30), 27u);
  AimdLimit unused({.range = {.start = 30}});
  EXPECT_EQ(after(unused, 1ms, 14), 30u);
}

VegasLimit vegas(std::uint32_t start, std::uint32_t most) {
  return VegasLimit({.range = {.start = start, .least = 1, .most = most}}, 1);
}

TEST(VegasLimitTest, GivesThePublishedVectors) {
  auto up = vegas(10, 20);
  EXPECT_EQ(after(up, 10ms, 10), 10u);
  EXPECT_EQ(after(up, 10ms, 11), 16u);
  auto down = vegas(10, 20);
  EXPECT_EQ(after(down, 10ms, 10), 10u);
  EXPECT_EQ(after(down, 50ms, 11), 9u);
  auto within = vegas(10, 20);
  EXPECT_EQ(after(within, 10ms, 10), 10u);
  EXPECT_EQ(after(within, 14ms, 14), 10u);
  auto large = vegas(10'000, 20'000);
  EXPECT_EQ(after(large, 10s, 5000), 10'000u);
  EXPECT_EQ(after(large, 10s, 6000), 10'024u);
}

TEST(VegasLimitTest, GivesThePublishedVectorsOfADecreaseByHalf) {
  const auto shrinking = [](double smoothing) {
    return VegasLimit({.range = {.start = 100, .least = 1, .most = 200}, .smoothing = smoothing, .shrink = 0.5}, 1);
  };
  auto smooth = shrinking(0.5);
  EXPECT_EQ(after(smooth, 10ms, 100), 100u);
  EXPECT_EQ(after(smooth, 20ms, 100), 75u);
  EXPECT_EQ(after(smooth, 20ms, 100), 56u);
  auto plain = shrinking(1);
  EXPECT_EQ(after(plain, 10ms, 100), 100u);
  EXPECT_EQ(after(plain, 20ms, 100), 50u);
  EXPECT_EQ(after(plain, 20ms, 100), 25u);
}

TEST(VegasLimitTest, AProbeTakesTheLeastTimeSinceTheLastOneAndNotWhateverComesNext) {
  auto limit = vegas(10, 10);
  after(limit, 10ms, 10);
  for (int i = 0; i < 1000; ++i) after(limit, i % 10 == 0 ? 20ms : 80ms, 10);
  // usual is 20 ms now, and never 80: no queue is seen at 20 ms
  after(limit, 20ms, 10);
  EXPECT_EQ(limit.facts().seen, 0);
  after(limit, 80ms, 10);
  EXPECT_GE(limit.facts().seen, 1);
}

TEST(Gradient2LimitTest, GrowsByAPartOfItsQueueAsLongAsItIsNotSlowerThanTolerated) {
  Gradient2Limit limit({.range = {.start = 20, .least = 1, .most = 200}});
  EXPECT_EQ(after(limit, 10ms, 20), 20u);  // 0.8 x 20 + 0.2 x 24 = 20.8
  EXPECT_EQ(after(limit, 10ms, 20), 21u);  // 21.6
  EXPECT_EQ(after(limit, 10ms, 20), 22u);  // 22.4
  EXPECT_EQ(after(limit, 10ms, 5), 22u) << "not in use";
}

TEST(Gradient2LimitTest, ShrinksByTheRatioOfTheTimes) {
  Gradient2Limit limit({.range = {.start = 100, .least = 1, .most = 200}});
  for (int i = 0; i < 10; ++i) after(limit, 10ms, 1);
  // usual 10.1 ms, gradient clamped to 0.5: 0.8 x 100 + 0.2 x (50 + 4)
  EXPECT_EQ(after(limit, 40ms, 100), 90u);
  EXPECT_EQ(limit.facts().moved, LimitMove::contention);
}

TEST(Gradient2LimitTest, ATimeThatIsLessThanHalfTheUsualPullsItDown) {
  Gradient2Limit limit({});
  for (int i = 0; i < 10; ++i) after(limit, 100ms, 1);
  for (int i = 0; i < 40; ++i) after(limit, 10ms, 1);
  EXPECT_GT(limit.facts().seen, 0.45) << "usual came down to less than twice the present time";
}

TEST(WindowedLimitTest, TellsTheMeanOfAWindowAndThatOneFailed) {
  WindowedLimit limit({.window = 1s, .answers = 3}, AimdLimit({.range = {.start = 40}, .too_slow = 20ms}));
  TimePoint when = now;
  const auto answer = [&](Duration time, CallEnd end = CallEnd::answered) {
    limit.answered({end, time, 30, 0, false, false}, when += 400ms);
    return limit.limit();
  };
  EXPECT_EQ(answer(5ms), 40u);
  EXPECT_EQ(answer(45ms), 40u);
  EXPECT_EQ(answer(9ms), 40u) << "0.8 s are over";
  EXPECT_EQ(answer(10ms), 41u) << "17 ms in the mean, the limit in use";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answer(99us), 41u) << "a cache's";
  EXPECT_EQ(answer(5ms, CallEnd::failed), 41u);
  EXPECT_EQ(answer(5ms), 41u);
  EXPECT_EQ(answer(5ms), 36u) << "one of three failed";
}

/// A service whose right limit is small is protected: failures bring the limit below the 20 others stop at.
template <ConcurrencyLimit L>
void expect_falls_to_least(L limit) {
  for (int i = 0; i < 2000; ++i) after(limit, 1s, limit.limit(), CallEnd::failed);
  EXPECT_LE(limit.limit(), 2u);
  EXPECT_EQ(limit.facts().moved, LimitMove::failures);
}

TEST(ConcurrencyLimits, FailuresAloneBringThemDownToProtectASmallService) {
  expect_falls_to_least(AimdLimit({}));
  expect_falls_to_least(VegasLimit({}, 1));
  expect_falls_to_least(Gradient2Limit({}));
  expect_falls_to_least(AdaptiveLimit({}));
}

template <ConcurrencyLimit L>
void expect_in_range(L limit, std::uint32_t least, std::uint32_t most) {
  Rng rng(11);
  TimePoint when = now;
  for (int i = 0; i < 20'000; ++i) {
    const auto time = Duration(static_cast<Duration::rep>(rng.next() >> (rng.below(40) + 20)));
    const auto end = rng.below(4) == 0 ? CallEnd::failed : CallEnd::answered;
    const bool full = rng.below(2) == 0;
    limit.answered({end, time, static_cast<std::uint32_t>(rng.below(2 * limit.limit())), rng.below(100), full, full},
                   when += 1ms);
    ASSERT_GE(limit.limit(), least);
    ASSERT_LE(limit.limit(), most);
    ASSERT_EQ(limit.facts().limit, limit.limit());
  }
}

TEST(ConcurrencyLimits, StayInTheirRangeWhateverComes) {
  const LimitRange range{.start = 5, .least = 3, .most = 60};
  expect_in_range(FixedLimit({7}), 7, 7);
  expect_in_range(AimdLimit({.range = range}), 3, 60);
  expect_in_range(VegasLimit({.range = range}, 1), 3, 60);
  expect_in_range(Gradient2Limit({.range = range}), 3, 60);
  expect_in_range(AdaptiveLimit({.range = range}), 3, 60);
  expect_in_range(WindowedLimit({}, Gradient2Limit({.range = range})), 3, 60);
}

TEST(ConcurrencyLimitChecks, RefuseARangeThatIsNone) {
  const auto make = [](const AdaptiveLimitConfig& c) { const AdaptiveLimit limit(c); };
  expect_refused("least", AdaptiveLimitConfig{.range = {.start = 4, .least = 0, .most = 9}}, make);
  expect_refused("most", AdaptiveLimitConfig{.range = {.start = 4, .least = 4, .most = 3}}, make);
  expect_refused("most", AdaptiveLimitConfig{.range = {.start = 4, .least = 4, .most = 1'000'001}}, make);
  expect_refused("start", AdaptiveLimitConfig{.range = {.start = 1, .least = 2, .most = 9}}, make);
  for (const Duration wrong : wrong_durations(Zero::allowed))
    expect_refused("transit", AdaptiveLimitConfig{.transit = wrong}, make);
  EXPECT_FALSE(check(AdaptiveLimitConfig{}));
}

TEST(ConcurrencyLimitChecks, RefuseParametersThatAreNone) {
  expect_refused("limit", FixedLimitConfig{0}, [](const FixedLimitConfig& c) { const FixedLimit limit(c); });
  expect_refused("limit", FixedLimitConfig{1'000'001}, [](const FixedLimitConfig& c) { const FixedLimit limit(c); });
  for (double wrong : wrong_numbers(Zero::refused)) {
    expect_refused("backoff", AimdLimitConfig{.backoff = wrong},
                   [](const AimdLimitConfig& c) { const AimdLimit l(c); });
    expect_refused("smoothing", VegasLimitConfig{.smoothing = wrong},
                   [](const VegasLimitConfig& c) { const VegasLimit l(c, 1); });
    expect_refused("probe", VegasLimitConfig{.probe = wrong},
                   [](const VegasLimitConfig& c) { const VegasLimit l(c, 1); });
    expect_refused("tolerance", Gradient2LimitConfig{.tolerance = wrong},
                   [](const Gradient2LimitConfig& c) { const Gradient2Limit l(c); });
  }
  expect_refused("backoff", AimdLimitConfig{.backoff = 1}, [](const AimdLimitConfig& c) { const AimdLimit l(c); });
  expect_refused("beta", VegasLimitConfig{.alpha = 4, .beta = 3},
                 [](const VegasLimitConfig& c) { const VegasLimit l(c, 1); });
  for (const Duration wrong : wrong_durations())
    expect_refused("too_slow", AimdLimitConfig{.too_slow = wrong},
                   [](const AimdLimitConfig& c) { const AimdLimit l(c); });
}

}  // namespace
}  // namespace weir::flow
