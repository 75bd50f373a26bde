#pragma once
/// Which route a request takes: the first whose path, host, header fields and method match. A path is one path, all
/// below one (/orders/**), or a template (/orders/{id}/lines).
///
/// A path is compared as it will be sent on, and decided on nothing else. So one that others could read differently
/// matches no route and is refused: a "." or ".." segment, an encoded slash, backslash or NUL, an encoded dot segment,
/// an empty segment ("//"), a raw backslash, a fragment, what is not ASCII. An upstream that normalises such paths then
/// sees none.
///
/// Hosts are compared in lower case, without the port and a final dot.
///
/// Thread: immutable. Cost: a comparison a route.
#include <weir/base/result.h>

#include <string_view>
#include <vector>

#include "config/gateways.h"
#include "net/http.h"

namespace weir::gateway {

class Routes {
 public:
  explicit Routes(const std::vector<config::GatewayRoute>& routes) : routes_(routes) {}

  /// The number of the route, or: bad_request (a path that can be read in two ways), not_found, method_not_allowed.
  Admitted<std::size_t> find(const net::Head& head) const;

 private:
  std::vector<config::GatewayRoute> routes_;
};

/// Whether everybody reads this path as the same one.
bool is_plain_path(std::string_view path);

}  // namespace weir::gateway
