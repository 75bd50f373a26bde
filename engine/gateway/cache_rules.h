#pragma once
/// What a shared cache may keep, for how long it is fresh, and for whom (RFC 9111).
///
/// Kept is a whole answer to GET with one of the statuses 200, 203, 301, 308, 404, 410, unless: no-store on either
/// side, private, Set-Cookie, `Vary: *`, or an Authorization in the request without public, s-maxage or must-revalidate
/// in the answer. An answer that says nothing of how long it is fresh is kept, and fresh for no time: it can be asked
/// for again with its ETag, and stand in for an error where the route says so. Nothing is guessed from Last-Modified.
///
///   lifetime = s-maxage, or max-age, or Expires - Date
///   age      = max(Date to its arrival, Age + the time it took) + time since
///
/// Thread: pure. Cost: about 1 us an answer. Ref: RFC 9111 sections 3, 3.5, 4.1, 4.2, 5.1.
#include <weir/base/units.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/cache_control.h"
#include "net/http.h"

namespace weir::gateway {

/// Whether a request may be answered from a cache, or its answer kept.
bool may_use_cache(const net::Head& request);
bool may_keep(const net::Head& request, int status, std::string_view answer);

/// Of an answer: its age when it came, and how long it is fresh from its beginning on.
struct Freshness {
  Duration age{0}, lifetime{0};
};
/// `took`: from the request to the answer.
Freshness freshness(std::string_view answer, WallTime now, Duration took);

/// Of the first field of that name; "": it is not there.
std::string_view first_value(std::string_view fields, std::string_view name);
/// All values of a field, joined by ", "; nothing: it is not there.
std::optional<std::string> joined(std::string_view fields, std::string_view name);
/// The names that Vary lists, in lower case and in order.
std::vector<std::string> varies_by(std::string_view answer);
/// Two requests with the same text get the same variant.
std::string variant_of(std::string_view request_fields, const std::vector<std::string>& names);

/// Whether one of the tags of If-None-Match is this one, compared weakly; or "*".
bool matches_tag(std::string_view list, std::string_view tag);

}  // namespace weir::gateway
