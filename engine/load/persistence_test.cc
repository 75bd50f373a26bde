#include "load/persistence.h"

#include <gtest/gtest.h>

namespace weir::load {
namespace {

using namespace std::chrono_literals;
using Kind = Persistence::Kind;

TEST(PersistenceTest, OneThatAsksOnceGivesUp) {
  Rng rng(1);
  EXPECT_FALSE(Persistence{.kind = Kind::none}.again(1, 1s, rng));
}

TEST(PersistenceTest, ANaiveClientAsksAgainAtOnceUntilItsTriesAreOver) {
  Rng rng(1);
  const Persistence naive{.kind = Kind::naive, .tries = 3};
  EXPECT_EQ(naive.again(1, 5s, rng), Duration{0});
  EXPECT_EQ(naive.again(2, 5s, rng), Duration{0});
  EXPECT_FALSE(naive.again(3, 5s, rng));
}

TEST(PersistenceTest, AnObedientClientComesWhenToldAndNotAtAllWhenToldNothing) {
  Rng rng(1);
  const Persistence obeys{.kind = Kind::retry_after};
  EXPECT_EQ(obeys.again(1, 3s, rng), Duration{3s});
  EXPECT_FALSE(obeys.again(1, 0s, rng));
}

TEST(PersistenceTest, BackoffIsSpreadOverTwiceAsMuchEachTimeUpToItsCap) {
  Rng rng(1);
  const Persistence backoff{.kind = Kind::backoff, .tries = 50, .base = 100ms, .cap = 1s};
  for (const auto& [tried, most] : {std::pair(1, 0.1), {2, 0.2}, {3, 0.4}, {5, 1.0}, {40, 1.0}}) {
    double sum = 0, longest = 0;
    for (int i = 0; i < 2000; ++i) {
      const double wait = seconds(*backoff.again(tried, 0s, rng));
      sum += wait;
      longest = std::max(longest, wait);
    }
    EXPECT_LE(longest, most);
    EXPECT_NEAR(sum / 2000, most / 2, most / 20);
  }
}

TEST(PersistenceTest, AnImpatientClientWaitsForAShareOfItsDeadlineEachTime) {
  Rng rng(1);
  const Persistence impatient{.kind = Kind::impatient, .tries = 4};
  EXPECT_EQ(impatient.patience(1s), Duration{250ms});
  EXPECT_EQ(impatient.again(1, 3s, rng), Duration{0});
  EXPECT_EQ(Persistence{.kind = Kind::naive}.patience(1s), Duration{1s});
}

TEST(PersistenceTest, NamesAreThoseOfTheTable) {
  EXPECT_EQ(Persistence::parse("retry-after").value(), Kind::retry_after);
  EXPECT_FALSE(Persistence::parse("polite"));
}

}  // namespace
}  // namespace weir::load
