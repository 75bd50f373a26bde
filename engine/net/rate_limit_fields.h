#pragma once
/// What a client is told of its quotas, so that it can keep to them instead of being refused:
///
///   RateLimit-Policy: "rate";q=100;w=1     so many requests in so many seconds
///   RateLimit: "rate";r=42;t=1             so many are left; after so many seconds the quota is whole, or, where none
///                                          is left, the next one passes
///
/// and in the older form, of the rate that has the least part left:
///
///   X-RateLimit-Limit: 100, X-RateLimit-Remaining: 42, X-RateLimit-Reset: 1 (seconds from now, as `t`)
///
/// Seconds are whole, rounded up. Only rates of requests are told: clients take the numbers for requests.
///
/// Thread: a pure function. Cost: a string of about 80 bytes a rate. Ref: draft-ietf-httpapi-ratelimit-headers-10,
/// RFC 9651. What our own clients make of it:
/// connectors/http/sink_pacing.h.
#include <weir/async/guard.h>

#include <span>
#include <string>

namespace weir::net {

struct RateLimitForms {
  bool ratelimit = true, x_ratelimit = false;
};

/// Whole header lines, each ended by CR LF; empty: there is nothing to tell.
std::string rate_limit_fields(std::span<const async::Quota> quotas, RateLimitForms forms = {});

/// For the one whom it has refused: "rate lets 100 pass in 1 s".
std::string words_of(const async::Quota& quota);

}  // namespace weir::net
