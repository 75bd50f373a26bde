#include <weir/base/rng.h>

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

TEST(Rng, ReproducesTheReferenceSequence) {
  Rng rng(1234567);  // the published vector of SplitMix64
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(rng.next(), expected);
}

TEST(Rng, ReplaysFromItsSeed) {
  Rng a(5), b(5), c(6);
  for (int i = 0; i < 100; ++i) {
    const auto drawn = a.next();
    EXPECT_EQ(drawn, b.next());
    EXPECT_NE(drawn, c.next());
  }
}

TEST(Rng, IsUniformWithinItsBounds) {
  Rng rng(1);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
}

TEST(Rng, DrawsEveryNumberBelowNEquallyOften) {
  Rng rng(2);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen.at(rng.below(seen.size()));
  for (const int n : seen) EXPECT_NEAR(n, 10'000, 500);
}

}  // namespace
}  // namespace weir
