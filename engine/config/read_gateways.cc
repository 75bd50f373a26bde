// The sections `gateways` and `upstreams`.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/nodes.h"
#include "config/read_gateway_parts.h"

namespace weir::config {
namespace {

constexpr std::size_t most_named = most_gateways, most_routes = 1024, most_endpoints = 64;
constexpr std::uint64_t most_connections = 100'000;
constexpr Duration longest_wait = std::chrono::seconds(60), longest_connect = std::chrono::seconds(10);

/// "/orders/{id}/lines": each part is plain, or a name in braces that stands for one part of any text.
bool is_template(std::string_view text) {
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find('/'));
    const bool braces = part.find_first_of("{}") != part.npos;
    if (braces && (part.size() < 3 || !part.starts_with('{') || part.find_first_of("{}*", 1) != part.size() - 1))
      return false;
    text.remove_prefix(part.size());
  }
  return true;
}

Parsed<std::string> parse_path(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("{} {}: write /orders for one path, or /orders/** for all below it", quote(text), why));
  };
  if (!text.starts_with('/')) return wrong("does not begin with /");
  const std::string_view plain = text.ends_with("/**") ? text.substr(0, text.size() - 3) : text;
  if (plain.find('{') != plain.npos && !is_template(text)) return wrong("has braces that are no part of their own");
  if (plain.find_first_of("*?#% ") != plain.npos) return wrong("has characters that are no part of a plain path");
  if (plain.find("//") != plain.npos) return wrong("has an empty part");
  return std::string(text);
}

Parsed<std::string> parse_host(std::string_view text) {
  std::string host;
  for (const char c : text) host += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  if (host.empty() || host.find_first_of("/ *") != host.npos || (host.find(':') != host.npos && !host.starts_with('[')))
    return std::unexpected(fmt::format("{} is no host name: write shop.example, without a port", quote(text)));
  return host;
}

std::string read_address(Reader& reader, Section& section, const char* help) {
  OptionSpec spec{.name = "listen", .kind = OptionKind::address, .required = true, .help = help};
  Options options;
  return read_options(reader, section, {spec}, options) ? options.text("listen") : std::string();
}

void read_methods(Reader& reader, Section& match, std::vector<std::string>& out) {
  out = read_list(reader, match, "methods");
  for (const std::string& method : out)
    if (method.empty() || method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != method.npos)
      reader.error_at(match.path("methods"), fmt::format("{} is no method", quote(method)), "write GET, POST, ...");
}

void read_route_priority(Reader& reader, Section& route, GatewayRoute& out) {
  const Yaml* node = route.find("priority");
  if (!node) return;
  Section section(reader, node, route.path("priority"));
  section.value("from", out.priority_header, [](std::string_view text) -> Parsed<std::string> {
    constexpr std::string_view header = "header:";
    if (!text.starts_with(header) || text.size() == header.size())
      return std::unexpected(fmt::format("{} names no header: write header:X-Priority", quote(text)));
    return std::string(text.substr(header.size()));
  });
  section.choice<Priority>("default", out.priority,
                           {{"critical", Priority::critical},
                            {"high", Priority::high},
                            {"normal", Priority::normal},
                            {"low", Priority::low},
                            {"batch", Priority::batch}});
  section.finish();
}

GatewayRoute read_route(Reader& reader, const Yaml& node, const std::string& path) {
  GatewayRoute route;
  Section section(reader, &node, path);
  const Yaml* match_node = section.find("match");
  Section match(reader, match_node, section.path("match"));
  if (!match.value("path", route.path, parse_path) && !match.find("path"))
    reader.error_at(section.path("match"), "names no path", "write match: { path: /** } for all of them");
  match.value("host", route.host, parse_host);
  read_methods(reader, match, route.methods);
  read_match_headers(reader, match, route);
  match.finish();
  if (!section.name("to", route.to) && !section.find("to"))
    reader.error_at(path, "leads nowhere", "add to: and the name of an upstream");
  section.duration("deadline", route.deadline, least_time);
  read_route_priority(reader, section, route);
  read_route_parts(reader, section, route);
  read_route_guards(reader, section, route);
  section.finish();
  return route;
}

void read_routes(Reader& reader, Section& section, Gateway& out) {
  const Yaml* node = section.find("routes");
  if (!node || node->kind != Yaml::Kind::list || node->items.empty())
    return reader.error_at(section.path("routes"), "has no routes",
                           "write routes: and a list of { match: { path: /** }, to: UPSTREAM }");
  if (node->items.size() > most_routes)
    return reader.error_at(section.path("routes"), fmt::format("more than {} routes", most_routes));
  for (const Yaml& item : node->items) {
    const std::string path = fmt::format("{}[{}]", section.path("routes"), out.routes.size());
    reader.note(path, item.location);
    out.routes.push_back(read_route(reader, item, path));
  }
}

/// Keys of limits, and of who comes back when told.
void refuse_bodies(Reader& reader, const std::string& gateway, std::size_t number, const GatewayRoute& route) {
  const std::string why = "a route decides before the body comes, and sends it on as it comes";
  for (const Rate& rate : route.guards.rates) refuse_fields(reader, rate.guard.key, rate.path + ".key", why);
  refuse_fields(reader, route.client_key, fmt::format("gateways.{}.routes[{}].client_key", gateway, number), why);
}

/// Keys of limits: without certificates of clients all of them would be one.
void refuse_unknown_subjects(Reader& reader, const Gateway& gateway) {
  for (std::size_t i = 0; i < gateway.routes.size(); ++i) {
    const GatewayRoute& route = gateway.routes[i];
    for (const Rate& rate : route.guards.rates) refuse_subjects(reader, rate.guard.key, rate.path + ".key");
    refuse_subjects(reader, route.client_key, fmt::format("gateways.{}.routes[{}].client_key", gateway.name, i));
    const std::string fairness = fmt::format("gateways.{}.routes[{}].guards.fairness.key", gateway.name, i);
    if (route.fairness) refuse_subjects(reader, route.fairness->key, fairness);
    if (route.guards.concurrency) refuse_subjects(reader, route.guards.concurrency->guard.tenant, fairness);
  }
}

Gateway read_gateway(Reader& reader, const YamlEntry& entry) {
  Gateway gateway{.name = entry.key};
  Section section(reader, &entry.value, "gateways." + entry.key);
  gateway.listen = read_address(reader, section, "write listen: 127.0.0.1:8000");
  section.count("max_connections", gateway.max_connections, 1, most_connections);
  section.choice<bool>("half_close", gateway.serve_half_closed, {{"left", false}, {"serve", true}});
  read_routes(reader, section, gateway);
  read_gateway_parts(reader, section, gateway);
  for (std::size_t i = 0; i < gateway.routes.size(); ++i) refuse_bodies(reader, gateway.name, i, gateway.routes[i]);
  if (gateway.tls_client_ca.empty()) refuse_unknown_subjects(reader, gateway);
  section.finish();
  return gateway;
}

void read_endpoints(Reader& reader, Section& section, Upstream& out) {
  if (!section.find("endpoints"))
    return reader.error_at(section.path(), "has no endpoints", "add endpoints: [127.0.0.1:9001]");
  out.endpoints = read_list(reader, section, "endpoints");
  std::set<std::string> seen;
  for (const std::string& endpoint : out.endpoints) {
    const auto fit = parse_address(endpoint);
    if (!fit) reader.error_at(section.path("endpoints"), fit.error());
    if (!seen.insert(endpoint).second) reader.error_at(section.path("endpoints"), quote(endpoint) + " is named twice");
  }
  if (out.endpoints.empty() || out.endpoints.size() > most_endpoints)
    reader.error_at(section.path("endpoints"),
                    fmt::format("has {} endpoints: write 1 to {}", out.endpoints.size(), most_endpoints));
}

void read_upstream_retry(Reader& reader, Section& section, Upstream& out) {
  const Yaml* node = section.find("retry");
  if (!node) return;
  Section retry(reader, node, section.path("retry"));
  retry.count("attempts", out.attempts, 1, 10);
  if (!retry.ratio("budget", out.destination.retry_budget.ratio)) retry.find("budget");
  read_hedging(reader, retry, out);
  retry.finish();
}

void read_upstream_queue(Reader& reader, Section& section, Upstream& out) {
  const Yaml* node = section.find("queue");
  if (!node) return;
  Section queue(reader, node, section.path("queue"));
  queue.duration("max_wait", out.max_wait);
  if (out.max_wait > longest_wait)
    reader.error_at(queue.path("max_wait"), fmt::format("{} is too long: at most 60s", to_text(out.max_wait)));
  queue.count("max_requests", out.max_waiting, 1, 1'000'000);
  queue.finish();
}

Upstream read_upstream(Reader& reader, const YamlEntry& entry) {
  Upstream upstream{.name = entry.key};
  Section section(reader, &entry.value, "upstreams." + entry.key);
  read_endpoints(reader, section, upstream);
  section.value("concurrency", upstream.concurrency, [](std::string_view text) -> Parsed<std::optional<std::uint32_t>> {
    if (text == "adaptive") return std::optional<std::uint32_t>();
    const auto n = Section::ranged(text, 1, most_connections);
    if (!n) return std::unexpected(n.error() + ", or adaptive");
    return std::optional(static_cast<std::uint32_t>(*n));
  });
  section.count("max_connections", upstream.max_connections, 2, most_connections);
  section.duration("connect_timeout", upstream.connect_timeout, least_time);
  if (upstream.connect_timeout > longest_connect)
    reader.error_at(section.path("connect_timeout"),
                    fmt::format("{} is too long: at most 10s", to_text(upstream.connect_timeout)));
  read_upstream_queue(reader, section, upstream);
  read_upstream_retry(reader, section, upstream);
  read_breaker(reader, section.find("breaker"), section.path("breaker"), upstream.destination.breaker);
  read_upstream_parts(reader, section, upstream);
  section.finish();
  if (upstream.concurrency && *upstream.concurrency > upstream.max_connections)
    reader.error_at(section.path("concurrency"),
                    fmt::format("{} in flight need as many connections, and max_connections is {}",
                                *upstream.concurrency, upstream.max_connections),
                    "raise max_connections, or lower concurrency");
  return upstream;
}

/// A hedge after the deadline is never sent.
void warn_of_late_hedges(Reader& reader, const Config& config) {
  for (const Upstream& upstream : config.upstreams) {
    if (!upstream.hedging || !upstream.hedging->after) continue;
    const Duration after = *upstream.hedging->after;
    for (const Gateway& gateway : config.gateways)
      for (std::size_t i = 0; i < gateway.routes.size(); ++i)
        if (gateway.routes[i].to == upstream.name && gateway.routes[i].deadline <= after)
          reader.warning_at(fmt::format("gateways.{}.routes[{}].deadline", gateway.name, i),
                            fmt::format("{} is over before {} hedges a request after {}",
                                        to_text(gateway.routes[i].deadline), upstream.name, to_text(after)),
                            "lower retry.hedge_after of the upstream, or write p95");
  }
}

template <typename T, typename Read>
void read_all(Reader& reader, Section& root, std::string_view title, std::vector<T>& out, Read read) {
  const Section map(reader, root.find(title), std::string(title));
  if (!map.node()) return;
  for (const YamlEntry& entry : map.node()->entries) {
    reader.note(map.path(entry.key), entry.location);
    if (auto why = why_no_name(entry.key); !why.empty())
      reader.error(entry.location, std::string(title), std::move(why));
    else if (out.size() == most_named)
      return reader.error(entry.location, map.path(entry.key), fmt::format("more than {} {}", most_named, title));
    else
      out.push_back(read(reader, entry));
  }
}

}  // namespace

void read_gateways(Reader& reader, Section& root, Config& config) {
  read_all(reader, root, "upstreams", config.upstreams, read_upstream);
  read_all(reader, root, "gateways", config.gateways, read_gateway);
  std::set<std::string> used;
  const std::size_t errors = reader.errors();
  for (const Gateway& gateway : config.gateways)
    for (std::size_t i = 0; i < gateway.routes.size(); ++i) {
      const std::string& to = gateway.routes[i].to;
      if (to.empty() || std::ranges::find(config.upstreams, to, &Upstream::name) != config.upstreams.end()) {
        used.insert(to);
        for (Upstream& upstream : config.upstreams)
          if (upstream.name == to && gateway.routes[i].fairness)
            upstream.tenants = std::max(upstream.tenants, gateway.routes[i].fairness->tenants);
        continue;
      }
      std::vector<std::string> names;
      for (const Upstream& upstream : config.upstreams) names.push_back(upstream.name);
      reader.error_at(fmt::format("gateways.{}.routes[{}].to", gateway.name, i),
                      fmt::format("there is no upstream {}", quote(to)), did_you_mean(to, names));
    }
  if (reader.errors() != errors) return;  // one of them may be meant
  for (const Upstream& upstream : config.upstreams)
    if (!used.contains(upstream.name))
      reader.warning_at("upstreams." + upstream.name, "no route leads to it", "name it in a route's to");
  warn_of_late_hedges(reader, config);
}

}  // namespace weir::config
