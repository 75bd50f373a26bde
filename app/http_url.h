#pragma once
/// A target as people write it: http://host:port/path?query.
///
/// Thread: pure functions. Ref: RFC 3986.
#include <weir/base/result.h>

#include <string>
#include <string_view>

namespace weir::app {

struct HttpUrl {
  std::string address;       ///< host:port, as it is dialled
  std::string host, target;  ///< target: path and query
  bool tls = false;
};
/// `what` names it in the error ("--to"); `path` is taken when it has none.
Result<HttpUrl> parse_http_url(std::string_view what, std::string_view text, std::string_view path);

}  // namespace weir::app
