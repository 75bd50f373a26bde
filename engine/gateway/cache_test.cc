#include "gateway/cache.h"

#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

using namespace std::chrono_literals;
const TimePoint start{1'000s};

Cache::Kept answer(std::size_t size, std::string variant = {}, std::vector<std::string> names = {}) {
  auto kept = std::make_shared<KeptAnswer>();
  kept->body = std::string(size, 'x');
  kept->varies_by = std::move(names);
  kept->variant = std::move(variant);
  return kept;
}

TEST(Cache, IsBoundedInBytesAndTheLongestUnusedGoFirst) {
  Cache cache({.max_bytes = 64_KiB});
  for (int i = 0; i < 100; ++i) {
    cache.keep("k" + std::to_string(i), answer(5'000), start);
    EXPECT_TRUE(cache.find("k0", "")) << "it is used again and again, after " << i;
    EXPECT_LE(cache.stats().bytes, Bytes(64_KiB).count());
  }
  EXPECT_FALSE(cache.find("k50", ""));
  EXPECT_TRUE(cache.find("k99", ""));
  EXPECT_GT(cache.stats().pushed_out, 80u);
}

TEST(Cache, WhatNeverFitsPushesNobodyOut) {
  Cache cache({.max_bytes = 64_KiB});
  cache.keep("small", answer(10), start);
  cache.keep("large", answer(70'000), start);
  EXPECT_TRUE(cache.find("small", ""));
  EXPECT_FALSE(cache.find("large", ""));
}

TEST(Cache, KeepsVariantsAndNotMoreThanAFew) {
  Cache cache({});
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i);
    cache.keep("k", answer(1, "x=" + value + "\n", {"x"}), start);
    EXPECT_TRUE(cache.find("k", "X: " + value + "\r\n"));
  }
  EXPECT_EQ(cache.stats().answers, Cache::most_variants);
  EXPECT_FALSE(cache.find("k", "X: 0\r\n"));
  EXPECT_FALSE(cache.find("k", ""));
}

TEST(Cache, ANewAnswerTakesThePlaceOfTheOldOne) {
  Cache cache({});
  cache.keep("k", answer(1), start);
  const auto before = cache.stats().bytes;
  cache.keep("k", answer(1), start);
  EXPECT_EQ(cache.stats().bytes, before);
  cache.forget("k");
  EXPECT_EQ(cache.stats().bytes, 0u);
  EXPECT_EQ(cache.stats().answers, 0u);
  EXPECT_FALSE(cache.find("k", ""));
}

TEST(Cache, WhatMayNotBeKeptIsRememberedForAWhile) {
  boost::asio::io_context io;
  Cache cache({});
  const auto flight = cache.take_off(io, "k");
  EXPECT_EQ(cache.flight("k"), flight);
  cache.land("k", *flight, Cache::Landing::passes, start);
  EXPECT_TRUE(flight->over);
  EXPECT_FALSE(cache.flight("k"));
  EXPECT_TRUE(cache.passes("k", start + 9s));
  EXPECT_FALSE(cache.passes("k", start + 10s));
  EXPECT_FALSE(cache.find("k", ""));
  cache.keep("k", answer(1), start + 5s);
  EXPECT_FALSE(cache.passes("k", start + 6s)) << "it was kept after all";
}

TEST(Cache, AnAnswerIsAsOldAsItWasAndWhatHasPassedSince) {
  KeptAnswer kept;
  kept.freshness = {.age = 50s, .lifetime = 60s};
  kept.came = start;
  EXPECT_EQ(kept.age(start + 3s), 53s);
  EXPECT_EQ(kept.staleness(start + 3s), -7s);
  EXPECT_EQ(kept.staleness(start + 15s), 5s);
}

TEST(Cache, WhatIsOnItsWaySinceBeforeAChangeIsNobodysWhoComesLater) {
  boost::asio::io_context io;
  Cache cache({});
  cache.keep("k", answer(1), start);
  const auto before = cache.changes("k");
  const auto old = cache.take_off(io, "k");
  cache.changed("k");
  EXPECT_FALSE(cache.find("k", ""));
  EXPECT_NE(cache.changes("k"), before);
  EXPECT_FALSE(cache.flight("k"));
  const auto next = cache.take_off(io, "k");
  cache.land("k", *old, Cache::Landing::passes, start);
  EXPECT_TRUE(old->over);
  EXPECT_FALSE(next->over);
  EXPECT_EQ(cache.flight("k"), next);
  EXPECT_FALSE(cache.passes("k", start)) << "it was said of what there was before";
}

}  // namespace
}  // namespace weir::gateway
