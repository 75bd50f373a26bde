#include <algorithm>

#include "config/nodes.h"

namespace weir::config {

void read_route_guards(Reader& reader, Section& route, GatewayRoute& out) {
  read_guards(reader, route, GuardPosition::door, out.guards);
  const Yaml* guards = route.find("guards");
  if (!guards || !out.guards.concurrency) return;
  const auto is_limit = [](const YamlEntry& entry) { return entry.key == "concurrency"; };
  if (std::ranges::any_of(guards->entries, is_limit)) return;
  const async::ConcurrencyGuardConfig& shares = out.guards.concurrency->guard;
  if (!shares.weights.empty())
    reader.error_at(route.path("guards.fairness.weights"), "belong to a limit of the route's own",
                    "remove them, or add concurrency: adaptive");
  out.fairness = Fairness{shares.tenant, shares.tenants};
  out.guards.concurrency.reset();
}

}  // namespace weir::config
