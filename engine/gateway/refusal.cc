#include "gateway/refusal.h"

#include <fmt/format.h>

#include "net/problem.h"

namespace weir::gateway {
namespace {

/// All who are refused for it would come back at the same moment, if nothing spread them; the others have a calendar.
bool at_one_moment(Reason reason) {
  return reason == Reason::breaker_open || reason == Reason::upstream_unreachable || reason == Reason::shutting_down;
}

}  // namespace

boost::asio::awaitable<Ending> refuse(net::Exchange& exchange, const Context& context, Rejection rejection,
                                      std::string_view sentence, std::string_view more_fields) {
  const bool later = rejection.retry_after > Duration{0};
  if (later && at_one_moment(rejection.reason))
    rejection.retry_after += from_seconds(seconds(rejection.retry_after) * context.rng().uniform());
  const auto& row = info(rejection.reason);
  std::string fields = "Weir-Reason: ";
  fields.append(row.key).append("\r\n").append(more_fields);
  net::Response answer{.status = row.http_status,
                       .content_type = "application/problem+json",
                       .body = net::problem_body(rejection, sentence),
                       .close = rejection.reason == Reason::bad_request,
                       .extra_headers = fields};
  if (later) answer.retry_after = rejection.retry_after;
  const bool told = co_await exchange.respond(std::move(answer));
  co_return told ? Ending::refused(rejection.reason) : Ending::abandoned(Reason::client_gone);
}

boost::asio::awaitable<Ending> stand_in(Request& request, const config::Degraded& degraded, Reason reason) {
  const std::string fields = fmt::format("Weir-Degraded: {}\r\nCache-Control: no-store\r\n", info(reason).key);
  net::Response answer{
      .status = degraded.status, .content_type = degraded.content_type, .body = degraded.body, .extra_headers = fields};
  request.own_status = degraded.status;
  const bool told = co_await request.exchange.respond(std::move(answer));
  co_return told ? Ending::refused(reason) : Ending::abandoned(Reason::client_gone);
}

}  // namespace weir::gateway
