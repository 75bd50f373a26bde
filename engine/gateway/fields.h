#pragma once
/// The header fields that a proxy passes on, and those that it does not.
///
/// Not passed on, each way: what concerns one connection only (Connection and every field it names, Keep-Alive,
/// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings), Content-Length, which is written anew
/// from what was understood, and Expect, which the gateway answers itself. Fields the gateway adds (X-Forwarded-*, Via)
/// stay whatever Connection names.
///
///   to an upstream   Host as the client sent it; X-Forwarded-For, continued by the client's address;
///                    X-Forwarded-Proto and X-Forwarded-Host, as the gateway sees them; Via, continued
///   to a client      Via, continued
///
/// Thread: pure. Cost: about 40 ns a field. Ref: RFC 9110 sections 7.6.1, 7.6.3, 10.1.1.
#include <optional>
#include <string>
#include <string_view>

#include "net/answer_parser.h"
#include "net/client_connection.h"
#include "net/http.h"

namespace weir::gateway {

/// Where a request comes from, for the fields that say so.
struct Origin {
  std::string_view peer;  ///< an address without its port
  bool tls = false;
};

/// The whole head of the request to the upstream, empty line included. Nothing: the request has fields that may not be
/// passed on as they are (a line that cannot be read).
std::optional<std::string> request_head(const net::Head& head, const Origin& origin, net::BodyFraming framing);
net::BodyFraming framing_of(const net::Head& head);

/// The header lines of the answer to the client: whole lines, without framing.
std::string answer_fields(const net::AnswerHead& head);

}  // namespace weir::gateway
