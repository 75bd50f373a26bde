#pragma once
/// GET /api/tap?edge=NAME&after=N&most=N&every=N&redact=.a,b: a page of the events that pass NAME
/// (pipeline/report/tap.h), redacted. Asking turns the tap on; it turns off by itself when it is not asked for 5 s.
///
///   {"next":17,"passed":200,"missed":0,"events":[{"length":9},{"length":65536,"cut":true}]}\n   then the events' bytes
///
/// The bytes stand behind the head as they are, so an event reaches a pipe unaltered.
/// 404 there is no such edge (the body lists them) · 429 too many taps are on · 400 a parameter that is none
///
/// Thread: the admin reactor. Cost: a copy of the page. Bound: 256 events or 256 KiB a page.
#include <string_view>

#include "net/http.h"
#include "pipeline/report/tap.h"

namespace weir::observe {

net::Response tap_response(pipeline::TapBoard& taps, std::string_view query, TimePoint now);

}  // namespace weir::observe
