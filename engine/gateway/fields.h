#pragma once
/// The header fields that a proxy passes on, and those that it does not.
///
/// Not passed on, each way: what concerns one connection only (Connection and every field it names, Keep-Alive,
/// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings), Content-Length, which is written anew
/// from what was understood, and Expect, which the gateway answers itself. Fields the gateway adds (X-Forwarded-*, Via,
/// X-Request-Id, the deadline) stay whatever Connection names.
///
///   to an upstream   Host as the client sent it, or the route's (a client of HTTP/1.0 need not send one: then it is left
///                    out here, and written for each endpoint); who has asked (forwarded.h); X-Request-Id; Via,
///                    continued; what the route changes (edits.h); the protocol to switch to, where the route allows it
///   to a client      Via, continued; what the route changes
///
/// Thread: pure. Cost: about 40 ns a field. Ref: RFC 9110 sections 7.6.1, 7.6.3, 7.8, 10.1.1.
#include <optional>
#include <string>
#include <string_view>

#include "gateway/forwarded.h"
#include "net/answer_parser.h"
#include "net/client_connection.h"
#include "net/http.h"

namespace weir::gateway {

/// What becomes of a request on its way, besides the fields every proxy changes.
struct Passage {
  const config::GatewayRoute* route = nullptr;  ///< its edits, rewrite and host; null: none
  std::string_view request_id{};                ///< "": none is sent
  std::string_view conditions{};  ///< whole lines instead of the client's If-None-Match and -Modified-Since
  std::string_view upgrade{};     ///< the protocol that may be switched to; "": none
};

/// The whole head of the request to the upstream, empty line included. Nothing: the request has fields that may not be
/// passed on as they are (a line that cannot be read).
std::optional<std::string> request_head(const net::Head& head, const Origin& origin, net::BodyFraming framing,
                                        const Passage& passage = {});
net::BodyFraming framing_of(const net::Head& head);

/// The protocol that a request asks to switch to: one token, named in Connection too, of a GET without a body in
/// HTTP/1.1. "": none, or several.
std::string_view asked_upgrade(const net::Head& head);

/// The header lines of the answer to the client: whole lines, without framing.
std::string answer_fields(const net::AnswerHead& head, const config::FieldEdits& edits = {});

}  // namespace weir::gateway
