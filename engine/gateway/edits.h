#pragma once
/// What a route changes of a request and of its answer: header fields, the path, the host.
///
/// Fields: those that `remove` or `set` name are left out, all of them, then those of `set` and `add` follow. The path:
/// `rewrite` instead of the matched one; where both end with /** the part below is kept, and the query always.
///
/// Thread: pure. Cost: about 20 ns a field that is named.
#include <string>
#include <string_view>

#include "config/gateways.h"

namespace weir::gateway {

/// Whether a field of this name is not passed on.
bool is_left_out(const config::FieldEdits& edits, std::string_view name);
void add_fields(std::string& out, const config::FieldEdits& edits);
/// The path that is sent on.
std::string rewritten(const config::GatewayRoute& route, std::string_view path);

}  // namespace weir::gateway
