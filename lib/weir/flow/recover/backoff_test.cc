#include <weir/flow/recover/backoff.h>

#include <gtest/gtest.h>

#include <limits>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Jitter = BackoffConfig::Jitter;

Backoff make(Jitter jitter) { return Backoff({.base = 100ms, .cap = 10s, .jitter = jitter, .additive_most = 50ms}); }

struct Drawn {
  Duration least = Duration::max(), most{0};
  double mean = 0;
};

Drawn draw(const Backoff& backoff, int n, Duration previous = 0ns) {
  Rng rng(11);
  Drawn out;
  constexpr int times = 20'000;
  for (int i = 0; i < times; ++i) {
    const auto d = backoff.delay(n, previous, rng);
    out.least = std::min(out.least, d);
    out.most = std::max(out.most, d);
    out.mean += seconds(d) / times;
  }
  return out;
}

TEST(Backoff, DoublesUpToItsCap) {
  const auto b = make(Jitter::full);
  EXPECT_EQ(b.ceiling(0), 100ms);
  EXPECT_EQ(b.ceiling(1), 200ms);
  EXPECT_EQ(b.ceiling(6), 6400ms);
  EXPECT_EQ(b.ceiling(7), 10s);
  EXPECT_EQ(b.ceiling(-3), 100ms);
}

TEST(Backoff, DoesNotOverflowForHugeAttempts) {
  for (const int n : {61, 62, 63, 64, 65, 1000, std::numeric_limits<int>::max()})
    for (const auto jitter : {Jitter::additive, Jitter::full, Jitter::equal, Jitter::decorrelated}) {
      const auto d = draw(make(jitter), n);
      EXPECT_GE(d.least, 0ns);
      EXPECT_LE(d.most, 10s + 50ms);
    }
}

TEST(Backoff, DoesNotOverflowForHugeCaps) {
  Rng rng(1);
  for (const auto jitter : {Jitter::additive, Jitter::full, Jitter::equal, Jitter::decorrelated}) {
    const Backoff b({.base = 1s, .cap = longest_duration, .jitter = jitter, .additive_most = 1s});
    for (int n = 0; n < 200; ++n) EXPECT_GE(b.delay(n, Duration::max(), rng), 0ns);
  }
}

TEST(Backoff, DecorrelatedDoesNotWrapAroundForHugeWaits) {
  const Backoff b({.base = 1s, .cap = longest_duration, .jitter = Jitter::decorrelated, .additive_most = 0ns});
  EXPECT_GT(draw(b, 1, Duration::max() / 2).most, 24h);
}

TEST(Backoff, AdditiveAddsAtMostItsJitter) {
  const auto d = draw(make(Jitter::additive), 2);
  EXPECT_GE(d.least, 400ms);
  EXPECT_LE(d.most, 450ms);
  EXPECT_NEAR(d.mean, 0.425, 0.001);
  EXPECT_GT(draw(make(Jitter::additive), 30).most, 10s) << "the article's formula caps before it adds";
}

TEST(Backoff, FullIsUniformFromZeroWithHalfTheCapAsMean) {
  const auto d = draw(make(Jitter::full), 30);
  EXPECT_LT(d.least, 10ms);
  EXPECT_GT(d.most, 9990ms);
  EXPECT_LE(d.most, 10s);
  EXPECT_NEAR(d.mean, 5, 0.05);
}

TEST(Backoff, EqualNeverWaitsLessThanHalf) {
  const auto d = draw(make(Jitter::equal), 30);
  EXPECT_GE(d.least, 5s);
  EXPECT_LE(d.most, 10s);
  EXPECT_NEAR(d.mean, 7.5, 0.05);
}

TEST(Backoff, DecorrelatedDrawsUpToThreeTimesThePrevious) {
  const auto d = draw(make(Jitter::decorrelated), 1, 1s);
  EXPECT_GE(d.least, 100ms);
  EXPECT_LT(d.least, 120ms);
  EXPECT_LE(d.most, 3s);
  EXPECT_GT(d.most, 2980ms);
  EXPECT_NEAR(d.mean, 1.55, 0.02);
}

TEST(Backoff, DecorrelatedStopsAtItsCap) {
  const auto d = draw(make(Jitter::decorrelated), 1, 10s);
  EXPECT_EQ(d.most, 10s);
  EXPECT_NEAR(d.mean, 10 * 2 / 3.0 + 10.0 / 3 / 2, 0.1) << "two thirds of the draws are above the cap";
}

TEST(Backoff, DecorrelatedWithoutAPreviousWaitIsDistributedAsAChain) {
  const auto b = make(Jitter::decorrelated);
  Rng rng(5);
  double mean = 0;
  constexpr int times = 20'000;
  for (int i = 0; i < times; ++i) {
    Duration wait = b.delay(0, 100ms, rng);
    for (int n = 1; n <= 4; ++n) wait = b.delay(n, wait, rng);
    mean += seconds(wait) / times;
  }
  EXPECT_NEAR(draw(b, 4).mean, mean, 0.03 * mean);
  EXPECT_LE(draw(b, 0).most, 300ms);
}

TEST(Backoff, ReplaysFromItsSeed) {
  Rng a(3), b(3);
  for (int n = 0; n < 20; ++n) EXPECT_EQ(make(Jitter::full).delay(n, 0ns, a), make(Jitter::full).delay(n, 0ns, b));
}

}  // namespace
}  // namespace weir::flow
