#include "observe/request_json.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "observe/guard_json.h"
#include "observe/json_list.h"

namespace weir::observe {
namespace {

std::string by_reason(const std::array<std::uint64_t, gateway::reason_count>& counts) {
  std::string out = "{";
  for (std::size_t r = 0; r < counts.size(); ++r)
    if (counts[r])
      out += fmt::format(R"({}"{}":{})", out.size() > 1 ? "," : "", name(static_cast<Reason>(r)), counts[r]);
  return out + "}";
}

std::string by_status(const std::array<std::uint64_t, 6>& counts) {
  return fmt::format(R"({{"1xx":{},"2xx":{},"3xx":{},"4xx":{},"5xx":{}}})", counts[1], counts[2], counts[3], counts[4],
                     counts[5]);
}

std::string route_row(const gateway::RouteStatus& r) {
  return fmt::format(R"({{"path":{},"why":{},"guards":{}}})", json_text(r.path), json_text(r.why),
                     guard_rows(r.guards));
}

std::string gateway_row(const gateway::GatewayStatus& g) {
  return fmt::format(
      R"({{"name":{},"address":{},"in":{},"answered":{},"refused":{},"abandoned":{},"in_flight":{},"connections":{},"switched":{},"degraded":{},"log_dropped":{},"cache":{{"hits":{},"validated":{},"stale":{},"coalesced":{},"kept":{},"pushed_out":{},"answers":{},"bytes":{}}},"refused_connections":{},"malformed":{},"guarded":{},"difference":{}}})",
      json_text(g.name), json_text(g.address), g.requests.in, by_status(g.requests.answered),
      by_reason(g.requests.refused), by_reason(g.requests.abandoned), g.in_flight, g.connections, g.switched,
      g.requests.degraded, g.log_dropped, g.cache.hits, g.cache.validated, g.cache.stale, g.cache.coalesced,
      g.cache.kept, g.cache.pushed_out, g.cache.answers, g.cache.bytes, g.refused_connections, g.malformed,
      list(g.guarded, route_row), g.difference());
}

std::string endpoint_row(const gateway::EndpointStatus& e) {
  return fmt::format(
      R"({{"address":{},"in_flight":{},"connections":{},"opened":{},"reused":{},"unwell":{},"level":{:.2f},"left_alone_s":{:.3f},"last_error":{}}})",
      json_text(e.address), e.in_flight, e.connections, e.opened, e.reused, e.unwell, e.level, seconds(e.left_alone),
      json_text(e.last_error));
}

std::string upstream_row(const gateway::UpstreamStatus& u) {
  return fmt::format(
      R"({{"name":{},"limit":{},"in_flight":{},"waiting":{},"breaker":"{}","retries":{},"repeated":{},"hedges":{{"sent":{},"won":{},"no_place":{},"no_budget":{},"no_endpoint":{}}},"why":{},"endpoints":{}}})",
      json_text(u.name), u.limit.limit.limit, u.limit.in_flight, u.room.waiting, name(u.destination.breaker),
      u.destination.retries, u.repeated, u.hedges.sent, u.hedges.won, u.hedges.no_place, u.hedges.no_budget,
      u.hedges.no_endpoint, json_text(u.why), list(u.endpoints, endpoint_row));
}

}  // namespace

std::string request_members(const gateway::Status& status) {
  return fmt::format(R"("gateways":{},"upstreams":{})", list(status.gateways, gateway_row),
                     list(status.upstreams, upstream_row));
}

}  // namespace weir::observe
