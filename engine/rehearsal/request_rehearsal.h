#pragma once
/// A case of `tests:` about gateways, played against the gateways that the configuration describes: their routes,
/// guards, caches, limits, breakers and retries, as they run. What is replaced: gateways and upstreams are on loopback
/// ports of their own and speak no TLS, upstreams do what the case says, nobody checks their health, nothing is hedged,
/// and there is no access log.
///
/// Requests go one after the other, each to its end. Time is given: it moves by `advance`, and by what an upstream is
/// told to take, from one moment at which something can happen (an answer is due, a deadline passes) to the next.
///
/// Thread: the caller's, and two reactors. Cost: a few milliseconds a request, however long the given times are. Bound:
/// a request that has not ended after a minute of the machine's time is a difference of its own.
#include <optional>
#include <string>
#include <vector>

#include "config/tests.h"
#include "rehearsal/expectations.h"
#include "rehearsal/rehearsed_upstream.h"

namespace weir::pipeline {

/// What came of a request.
struct RehearsedRequest {
  int status = 0;  ///< 0: no whole answer
  std::string fields, body;
  std::string end, route, endpoint, reason;  ///< as in the access log
  int attempts = 0;
  std::optional<SentRequest> sent;  ///< the last that an upstream has read of it
};

/// One for each step that is a request. An Error: the rehearsal itself could not go on, with the reason.
Result<std::vector<RehearsedRequest>> rehearse_requests(const config::Config& config, const config::TestCase& test);

/// Empty: the case has passed.
std::vector<DiffLine> differences(const config::TestCase& test, const std::vector<RehearsedRequest>& requests);

}  // namespace weir::pipeline
