#pragma once
/// What a client reads when the gateway answers by itself: the status of the Reason, its key in `Weir-Reason`, a body
/// of application/problem+json (RFC 9457), and Retry-After where coming back later helps.
///
/// Thread: the gateway's reactor. Cost: about 1 us.
#include <weir/base/context.h>

#include "gateway/request.h"

namespace weir::gateway {

/// `sentence`: what exactly. `more_fields`: whole lines, each ended by CR LF.
boost::asio::awaitable<Ending> refuse(net::Exchange& exchange, const Context& context, Rejection rejection,
                                      std::string_view sentence = {}, std::string_view more_fields = {});

/// What stands in for an answer: the route's own status and body, the reason in `Weir-Degraded`, and not to be kept by
/// caches. It counts as a refusal.
boost::asio::awaitable<Ending> stand_in(Request& request, const config::Degraded& degraded, Reason reason);

}  // namespace weir::gateway
