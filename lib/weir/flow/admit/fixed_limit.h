#pragma once
/// A limit that does not move. With a WaitingRoom before it, a bulkhead: one service's slowness takes no more than this
/// many of whatever all services share.
///
/// When to choose it: the number is known (connections of a pool, licences, a database's own maximum), or the service
/// answers too seldom to be learned (less than about twenty times a second).
///
/// Thread: a value; its owner guards it. Cost: none; 4 bytes.
#include <weir/base/checked.h>
#include <weir/flow/admit/concurrency_limit.h>

namespace weir::flow {

struct FixedLimitConfig {
  std::uint32_t limit = 100;
  bool operator==(const FixedLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h): a limit from 1 to 1 000 000.
[[nodiscard]] std::optional<Unfit> check(const FixedLimitConfig& config);

class FixedLimit {
 public:
  explicit FixedLimit(const FixedLimitConfig& config) : limit_(checked(config, "fixed limit").limit) {}

  std::uint32_t limit() const { return limit_; }
  void answered(const Answer&, TimePoint) {}
  LimitFacts facts() const { return {limit_, LimitMove::none, "none", 0, 0}; }
  Duration wait_inside() const { return Duration{0}; }

 private:
  std::uint32_t limit_;
};

static_assert(ConcurrencyLimit<FixedLimit>);

}  // namespace weir::flow
