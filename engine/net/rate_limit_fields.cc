#include "net/rate_limit_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "net/problem.h"

namespace weir::net {
namespace {

double part_left(const async::Quota& quota) {
  return static_cast<double>(quota.remaining) / static_cast<double>(std::max<std::uint64_t>(1, quota.limit));
}

std::string older_form(std::span<const async::Quota> quotas) {
  const async::Quota* least = nullptr;
  for (const async::Quota& quota : quotas)
    if (quota.of_requests && (!least || part_left(quota) < part_left(*least))) least = &quota;
  if (!least) return {};
  return fmt::format("X-RateLimit-Limit: {}\r\nX-RateLimit-Remaining: {}\r\nX-RateLimit-Reset: {}\r\n", least->limit,
                     least->remaining, whole_seconds(least->reset));
}

}  // namespace

std::string rate_limit_fields(std::span<const async::Quota> quotas, RateLimitForms forms) {
  const std::string older = forms.x_ratelimit ? older_form(quotas) : std::string();
  if (!forms.ratelimit) return older;
  std::string policy, left;
  for (const async::Quota& quota : quotas) {
    if (!quota.of_requests) continue;
    const std::string_view comma = policy.empty() ? "" : ", ";
    fmt::format_to(std::back_inserter(policy), "{}\"{}\";q={};w={}", comma, quota.name, quota.limit,
                   whole_seconds(quota.window));
    fmt::format_to(std::back_inserter(left), "{}\"{}\";r={};t={}", comma, quota.name, quota.remaining,
                   whole_seconds(quota.reset));
  }
  if (policy.empty()) return older;
  return "RateLimit-Policy: " + policy + "\r\nRateLimit: " + left + "\r\n" + older;
}

std::string words_of(const async::Quota& quota) {
  return fmt::format("{} lets {} pass in {} s", quota.name, quota.limit, seconds(quota.window));
}

}  // namespace weir::net
