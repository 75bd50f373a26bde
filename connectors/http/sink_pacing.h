#pragma once
/// What an answer says about when to come back and how often: Retry-After, and the limits a server advertises.
///
///   Retry-After: 7 | Sun, 06 Nov 1994 08:49:37 GMT
///   RateLimit: "default";r=50;t=30            RateLimit-Policy: "default";q=100;w=60
///   RateLimit: limit=100, remaining=50, reset=30
///   RateLimit-Limit: 100   RateLimit-Remaining: 50   RateLimit-Reset: 30     (and the same with X-)
///
/// A client that sends until it is refused alternates between a burst and nothing. Instead the remaining requests are
/// spread over what is left of the window: rest = reset / remaining, computed anew from every answer, so clients that
/// share a limit share it fairly. With nothing left the rest is the whole wait. Of several limits the strictest counts.
/// A reset of 0 s is taken for 1 s (servers round), and times beyond an hour for an hour, so that a server cannot stop
/// the sink for ever.
///
/// Thread: pure functions. Cost: a scan of the head. Ref: draft-ietf-httpapi-ratelimit-headers (07 and 10), RFC 9110
/// section 10.2.3 and 5.6.7, RFC 9651 (only what the draft needs).
#include <weir/base/units.h>

#include <optional>

#include "net/http_reply.h"

namespace weir::http {

/// Nothing: the header is missing or says nothing that can be understood.
std::optional<Duration> retry_after(const net::HttpAnswer& answer, WallTime now);

struct Advertised {
  double remaining = 0;
  Duration reset{0};
};
/// The strictest limit of this answer.
std::optional<Advertised> advertised(const net::HttpAnswer& answer, WallTime now);

/// How long after one request the next one keeps within it.
Duration rest(const Advertised& limit);

}  // namespace weir::http
