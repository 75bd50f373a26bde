#include <algorithm>

#include "config/nodes.h"

namespace weir::config {

void read_route_guards(Reader& reader, Section& route, GatewayRoute& out) {
  route.value("client_key", out.client_key, [](std::string_view text) -> Parsed<async::ClientKey> {
    if (text == "connection") return async::ClientKey{};
    if (text == "none") return std::unexpected("none tells nobody apart: write connection, header:NAME or peer");
    return parse_key(text);
  });
  read_guards(reader, route, GuardPosition::door, out.guards);
  const Yaml* guards = route.find("guards");
  if (!guards || !out.guards.concurrency) return;
  const auto is_limit = [](const YamlEntry& entry) { return entry.key == "concurrency"; };
  if (std::ranges::any_of(guards->entries, is_limit)) return;
  const async::ConcurrencyGuardConfig& shares = out.guards.concurrency->guard;
  out.fairness = Fairness{shares.tenant, shares.tenants, shares.weights};
  out.guards.concurrency.reset();
}

}  // namespace weir::config
