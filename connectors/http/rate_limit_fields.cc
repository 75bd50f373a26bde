#include "rate_limit_fields.h"

#include <fmt/format.h>

#include <iterator>

#include "net/problem.h"

namespace weir::http {

std::string rate_limit_fields(std::span<const async::Quota> quotas) {
  std::string policy, left;
  for (const async::Quota& quota : quotas) {
    if (!quota.of_requests) continue;
    const std::string_view comma = policy.empty() ? "" : ", ";
    fmt::format_to(std::back_inserter(policy), "{}\"{}\";q={};w={}", comma, quota.name, quota.limit,
                   net::whole_seconds(quota.window));
    fmt::format_to(std::back_inserter(left), "{}\"{}\";r={};t={}", comma, quota.name, quota.remaining,
                   net::whole_seconds(quota.reset));
  }
  if (policy.empty()) return {};
  return "RateLimit-Policy: " + policy + "\r\nRateLimit: " + left + "\r\n";
}

}  // namespace weir::http
