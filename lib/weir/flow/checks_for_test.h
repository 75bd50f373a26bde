#pragma once
/// Every value that no policy may be made of, put into one field after the other.
///
/// Thread: as gtest. Cost: none.
#include <weir/base/checked.h>

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

namespace weir::flow {

inline std::vector<Duration> wrong_durations(Zero zero = Zero::refused) {
  std::vector<Duration> all{Duration{-1}, Duration::min(), Duration::max()};
  if (zero == Zero::refused) all.push_back(Duration{0});
  return all;
}

inline std::vector<double> wrong_numbers(Zero zero) {
  using limits = std::numeric_limits<double>;
  std::vector<double> all{-1.0, limits::quiet_NaN(), limits::infinity(), -limits::infinity()};
  if (zero == Zero::refused) all.push_back(0.0);
  return all;
}

/// `config` has a wrong value in `field`: check says so, and `make(config)` makes no policy of it.
template <typename Config, typename Make>
void expect_refused(std::string_view field, Config config, Make make) {
  const auto unfit = check(config);
  ASSERT_TRUE(unfit) << field;
  EXPECT_EQ(unfit->field, field);
  EXPECT_THROW(make(config), std::invalid_argument) << field;
}

}  // namespace weir::flow
