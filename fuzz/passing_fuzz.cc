/// A request that was understood, as it is written anew for an upstream: whatever a client has sent, the upstream reads
/// one request, with the same method, path and framing, and the fields that the gateway writes are there once.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/base/result.h>
#include "gateway/deadline_field.h"
#include "gateway/fields.h"
#include "gateway/request_id.h"
#include "gateway/routes.h"
#include "net/field_lines.h"
#include "net/http_parser.h"

namespace {

using namespace weir;

std::size_t count(std::string_view fields, std::string_view name) {
  std::size_t n = 0;
  while (const auto field = net::next_field(fields)) n += net::same_word(field->name, name) ? 1 : 0;
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  net::RequestParser parser(Bytes(8192));
  if (parser.parse_head(text) != net::RequestParser::Status::done) return 0;
  const net::Head& head = parser.head();
  if (!gateway::is_plain_path(head.target) || head.authority.empty())
    return 0;  // no route; and HTTP/1.0 without a host
  config::GatewayRoute route;
  route.deadline_header = "grpc-timeout";
  const std::string id = gateway::request_id(head.header("X-Request-Id"), Rng(size));
  (void)gateway::said_deadline(route.deadline_header, head.header(route.deadline_header));
  (void)gateway::trace_id(head.header("traceparent"));
  const auto framing = gateway::framing_of(head);
  const auto out = gateway::request_head(head, {.peer = "10.0.0.9", .style = config::Forwarded::both}, framing,
                                         {.route = &route, .request_id = id, .upgrade = gateway::asked_upgrade(head)});
  if (!out) return 0;
  net::RequestParser again(Bytes(64 << 10));
  WEIR_CHECK(again.parse_head(*out) == net::RequestParser::Status::done);
  WEIR_CHECK(again.head_size() == out->size());
  WEIR_CHECK(again.head().method == head.method);
  WEIR_CHECK(again.head().target == head.target);
  WEIR_CHECK(again.head().query == head.query);
  WEIR_CHECK(again.head().chunked == head.chunked);
  WEIR_CHECK(again.head().content_length == head.content_length);
  for (const char* name : {"Host", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Request-Id"})
    WEIR_CHECK(count(again.head().fields, name) == 1);
  WEIR_CHECK(count(again.head().fields, "Transfer-Encoding") == (head.chunked ? 1u : 0u));
  WEIR_CHECK(again.head().header("X-Forwarded-For") == "10.0.0.9");
  return 0;
}
