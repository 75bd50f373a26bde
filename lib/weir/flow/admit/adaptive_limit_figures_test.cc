// Long streams of answers of services that change: the mean of the limit and the number of its moves, as the published
// reference of the controller gives them for the same answers.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>

#include <algorithm>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

/// Answers of a service with so many slots; it changes every 5000 answers.
class Answers {
 public:
  explicit Answers(std::uint64_t seed) : rng_(seed) {}

  Answer next(std::uint32_t limit) {
    if (n_++ % 5000 == 0) change();
    now += from_seconds(2 * rng_.uniform() * mean_ / slots_);
    const double in_flight = limit, own = mean_ * (rng_.below(64) == 0 ? 8 : rng_.uniform() + rng_.uniform());
    const double queue = std::max(0.0, in_flight - slots_);
    const bool full = rng_.below(64) != 0, throughout = full && rng_.below(16) != 0;
    const double time = sharing_ ? own * std::max(1.0, in_flight / slots_) : own + queue * mean_ / slots_;
    const double behind = sharing_ ? 0 : queue + static_cast<double>(rng_.below(static_cast<std::uint64_t>(slots_)));
    return {CallEnd::answered, from_seconds(time), full ? limit : 1, static_cast<std::uint64_t>(behind), full,
            throughout};
  }
  TimePoint now{100s};

 private:
  void change() {
    slots_ = 1 + static_cast<double>(rng_.below(60));
    mean_ = 0.001 * static_cast<double>(1 + rng_.below(50));
    sharing_ = rng_.below(3) == 0;
  }
  Rng rng_;
  int n_ = 0;
  double slots_ = 1, mean_ = 0.01;
  bool sharing_ = false;
};

struct Expected {
  double mean;
  int moves;
};

TEST(AdaptiveLimitFigures, LongStreamsGiveTheLimitsOfTheReference) {
  constexpr Expected expected[]{{46.88, 199}, {56.04, 158}, {50.49, 251}, {39.55, 148},
                                {46.29, 190}, {54.81, 164}, {51.66, 183}, {47.80, 128}};
  for (std::uint64_t seed = 1; seed <= std::size(expected); ++seed) {
    AdaptiveLimit limit({.transit = 400us});
    Answers answers(seed);
    double sum = 0;
    int moves = 0;
    for (int i = 0; i < 60'000; ++i) {
      const auto was = limit.limit();
      const Answer answer = answers.next(was);
      limit.answered(answer, answers.now);
      sum += limit.limit();
      moves += limit.limit() != was;
    }
    EXPECT_NEAR(sum / 60'000, expected[seed - 1].mean, 0.01 * expected[seed - 1].mean) << "seed " << seed;
    EXPECT_NEAR(moves, expected[seed - 1].moves, 0.05 * expected[seed - 1].moves) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir::flow
