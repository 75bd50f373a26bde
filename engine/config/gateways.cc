#include "config/gateways.h"

#include <weir/flow/admit/returners.h>
#include <weir/flow/admit/tenant_shares.h>

#include "config/gateway_buffers.h"

namespace weir::config {
namespace {

constexpr Bytes kernel_entries = 8_KiB;  // coroutine frames, parser, and the kernel's socket, file and epoll entries
constexpr Bytes spare_heads = 192_KiB;   // kept for the next connection; and one buffer that all read bodies through
constexpr std::size_t refusals_at_once = 16;
constexpr Bytes tls = 40_KiB;       // net::tls_footprint
constexpr Bytes log = 256_KiB * 2;  // what an access log has not written yet, twice: what is being written now

}  // namespace

Footprint footprint(const Gateway& gateway) {
  const Bytes kernel = (gateway_receive_buffer + gateway_send_buffer) * 2;
  const Bytes each = kernel + gateway_max_header * 2 + gateway_read_buffer + kernel_entries +
                     (gateway.tls_certificate.empty() ? 0_B : tls);
  Bytes caches;
  for (const GatewayRoute& route : gateway.routes) caches = caches + (route.cache ? route.cache->max_bytes : 0_B);
  return {.fixed = spare_heads + (kernel + kernel_entries) * refusals_at_once + (gateway.access_log ? log : 0_B) +
                   caches + most_grown(gateway),
          .per_unit = each,
          .max_units = gateway.max_connections,
          .unit = "connections"};
}

Footprint footprint(const Upstream& upstream) {
  const Bytes each = upstream_socket_buffer * 4 + upstream_buffer + gateway_max_header * 2 + (upstream.tls ? tls : 0_B);
  constexpr std::uint64_t one_waiting = 256, one_share = 256;
  const Bytes returners = upstream.max_wait > Duration{0} ? flow::Returners::footprint() : 0_B;
  return {.fixed = returners + Bytes(upstream.max_waiting * one_waiting +
                                     flow::TenantShares::shares_for(upstream.tenants) * one_share),
          .per_unit = each,
          .max_units = upstream.max_connections * upstream.endpoints.size(),
          .unit = "connections"};
}

}  // namespace weir::config
