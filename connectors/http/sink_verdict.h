#pragma once
/// What an answer means for the events that were sent with it.
///
///   2xx                                 taken
///   429, 503 with Retry-After           later: a refusal; not a failure (semantics E1). A 429 without a time: 1 s
///   408, 500, 502, 503 without, 504     again: a failure; the outcome may be unknown
///   1xx, 3xx                            again: redirects are not followed, correct `url`
///   401-405, 407, 411, 415, 421, 426,   again: it is about the request, not about its events. They wait until somebody
///     431, 451                          corrects the configuration; none is given up for it
///   413                                 smaller: send less at once
///   400, 422, every other 4xx           rejected: at least one of the events is the reason
///
/// Another Weir says in its 422 which lines it did not take; then only those are rejected, and the others are sent
/// again.
///
/// Thread: pure functions. Cost: one parse of a small answer. Ref: RFC 9110 section 15; RFC 6585.
#include <weir/base/result.h>

#include <string>
#include <vector>

#include "net/http_reply.h"

namespace weir::http {

struct Verdict {
  enum class Kind : std::uint8_t { taken, again, smaller, rejected };
  Kind kind = Kind::taken;
  Error error{};     ///< of again (with retry_after: it named a time), smaller and rejected
  Duration rest{0};  ///< the pace it asks for
  struct Line {
    std::uint64_t number = 0;  ///< of the body's events, from 1
    std::string why;
  };
  std::vector<Line> lines{};  ///< of rejected, when it says which: ascending, each once
  bool all = false;           ///< of rejected: none of them will ever be taken
};

/// `events`: how many were sent; `where`: for messages.
Verdict judge(const net::HttpAnswer& answer, std::size_t events, const std::string& where, WallTime now);

}  // namespace weir::http
