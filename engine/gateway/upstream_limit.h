#pragma once
/// The limit on what is in flight at an upstream: found out, or a number that is known. One type for both, so that the
/// rest does not care which.
///
/// Thread: a value. Cost: that of the limit.
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/fixed_limit.h>

#include <variant>

#include "config/gateways.h"

namespace weir::gateway {

class UpstreamLimit {
 public:
  explicit UpstreamLimit(const config::Upstream& config) : limit_(made(config)) {}

  std::uint32_t limit() const {
    return std::visit([](const auto& l) { return l.limit(); }, limit_);
  }
  void answered(const flow::Answer& answer, TimePoint now) {
    std::visit([&](auto& l) { l.answered(answer, now); }, limit_);
  }
  flow::LimitFacts facts() const {
    return std::visit([](const auto& l) { return l.facts(); }, limit_);
  }
  Duration wait_inside() const {
    return std::visit([](const auto& l) { return l.wait_inside(); }, limit_);
  }

 private:
  using Any = std::variant<flow::AdaptiveLimit, flow::FixedLimit>;
  static Any made(const config::Upstream& config) {
    if (config.concurrency) return flow::FixedLimit({.limit = *config.concurrency});
    flow::AdaptiveLimitConfig adaptive;
    adaptive.range.most = static_cast<std::uint32_t>(config.max_connections);
    return flow::AdaptiveLimit(adaptive);
  }
  Any limit_;
};

static_assert(flow::ConcurrencyLimit<UpstreamLimit>);

}  // namespace weir::gateway
