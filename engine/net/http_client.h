#pragma once
/// A blocking HTTP client for commands that ask a running Weir's admin listener (`weir top`, `weir why`). It speaks
/// HTTP/1.0 with close, so an answer is what arrives until the server closes: no chunk framing, no kept connections.
/// With a `tls` it speaks HTTPS, and the server must show a certificate for the host of the address.
///
/// Not for sinks: no pool, no retries. Thread: any; it blocks the caller for at most `timeout`. Cost: one
/// connection a call. Bound: a reply above 64 MiB is an error.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <string>

#include "net/tls.h"

namespace weir::net {

struct HttpReply {
  int status = 0;
  std::string body{};
};

/// Any status is a reply; an Error means that there was none. `body` is sent as application/json when not empty, a
/// `token` as `Authorization: Bearer` when not empty.
Result<HttpReply> http_request(const std::string& method, const std::string& address, const std::string& path,
                               const std::string& body, Duration timeout, const std::string& token = {},
                               const TlsContext* tls = nullptr);

/// The body of a 2xx reply; any other status is an Error that quotes the reply's first line, of kind unsupported for
/// 401.
Result<std::string> http_get(const std::string& address, const std::string& path, Duration timeout,
                             const std::string& token = {}, const TlsContext* tls = nullptr);

}  // namespace weir::net
