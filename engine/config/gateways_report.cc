// What `weir check` says of gateways: which request goes where, and what happens when an upstream cannot keep up.
#include <fmt/format.h>

#include <iterator>

#include "config/problem.h"
#include "config/read_gateway_parts.h"
#include "config/report.h"
#include "config/units_parse.h"
#include "config/yaml_text.h"

namespace weir::config {
namespace {

std::string at_connections(const Gateway& gateway) {
  return fmt::format(
      "at {} connections the longest-idle one is closed for a new one; when none is idle, the new one is answered 503 "
      "with Retry-After and closed",
      gateway.max_connections);
}

std::string limit_of(const Upstream& upstream) {
  if (upstream.concurrency) return fmt::format("at {} requests in flight", *upstream.concurrency);
  return fmt::format("above what is found out to be its capacity (at most {} requests in flight)",
                     upstream.max_connections);
}

std::string when_full(const Upstream& upstream) {
  if (upstream.max_wait == Duration{0}) return "a request is refused at once with 503 and Retry-After";
  return fmt::format(
      "a request waits for at most {} ({} may wait), then it is refused with 503 and Retry-After; so is "
      "one that would wait longer, at once",
      human(upstream.max_wait), upstream.max_waiting);
}

std::string guards_to_yaml(const GatewayRoute& route) {
  std::string text = route.guards.empty() ? std::string() : to_text(route.guards);
  if (!route.fairness) return text;
  const auto& f = *route.fairness;
  const std::string shares = "fairness: " + shares_text(f.key, f.tenants, f.weights) + " }";
  return text.empty() ? "{ " + shares : text.substr(0, text.rfind(" }")) + ", " + shares;
}

}  // namespace

std::vector<Report::Answer> answers_of_gateways(const Config& config) {
  std::vector<Report::Answer> all;
  for (const Gateway& gateway : config.gateways) all.push_back({"gateways." + gateway.name, at_connections(gateway)});
  for (const Upstream& upstream : config.upstreams) {
    std::string sentence = limit_of(upstream) + " " + when_full(upstream);
    if (const int n = upstream.destination.breaker.consecutive_failures; n > 0)
      sentence += fmt::format("; after {} failures in a row all are refused for {}", n,
                              human(upstream.destination.breaker.open));
    if (upstream.hedging)
      sentence += fmt::format(
          "; a request without a body that may be repeated is sent to a second endpoint after {}, while there is room "
          "and the retry budget lasts",
          upstream.hedging->after ? human(*upstream.hedging->after) : "the 95th percentile of its route's answers");
    all.push_back({"upstreams." + upstream.name, std::move(sentence)});
  }
  return all;
}

std::vector<Report::Route> routes_of(const Config& config) {
  std::vector<Report::Route> all;
  for (const Gateway& gateway : config.gateways)
    for (const GatewayRoute& route : gateway.routes)
      all.push_back({.gateway = gateway.name,
                     .match = fmt::format("{}{}{}", route.methods.empty() ? "" : join(route.methods, ", ") + " ",
                                          route.host, route.path),
                     .to = route.to,
                     .deadline = route.deadline});
  return all;
}

/// As they load again; every value is written, so that none depends on a default.
std::string gateways_to_yaml(const Config& config) {
  std::string out;
  const auto add = [&]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  };
  if (!config.upstreams.empty()) out += "upstreams:\n";
  for (const Upstream& u : config.upstreams) {
    add("  {}:\n    endpoints: {}\n", u.name, flow_list(u.endpoints));
    add("    concurrency: {}\n", u.concurrency ? std::to_string(*u.concurrency) : "adaptive");
    add("    max_connections: {}\n    connect_timeout: {}\n", u.max_connections, to_text(u.connect_timeout));
    add("    queue: {{ max_wait: {}, max_requests: {} }}\n", to_text(u.max_wait), u.max_waiting);
    add("    retry: {{ attempts: {}, budget: {}{} }}\n", u.attempts, to_text_ratio(u.destination.retry_budget.ratio),
        hedging_to_yaml(u));
    out += breaker_to_yaml(u.destination.breaker);
    out += upstream_parts_to_yaml(u);
  }
  if (!config.gateways.empty()) out += "gateways:\n";
  for (const Gateway& g : config.gateways) {
    add("  {}:\n    listen: {}\n    max_connections: {}\n    half_close: {}\n", g.name, scalar(g.listen),
        g.max_connections, g.serve_half_closed ? "serve" : "left");
    out += gateway_parts_to_yaml(g) + "    routes:\n";
    for (const GatewayRoute& r : g.routes) {
      add("      - match: {{ path: {}", scalar(r.path));
      if (!r.host.empty()) add(", host: {}", scalar(r.host));
      if (!r.methods.empty()) add(", methods: {}", flow_list(r.methods));
      out += match_headers_to_yaml(r);
      add(" }}\n        to: {}\n        deadline: {}\n", r.to, to_text(r.deadline));
      add("        priority: {{ {}default: {} }}\n",
          r.priority_header.empty() ? "" : "from: " + scalar("header:" + r.priority_header) + ", ", name(r.priority));
      out += route_parts_to_yaml(r);
      if (const std::string guards = guards_to_yaml(r); !guards.empty()) add("        guards: {}\n", guards);
    }
  }
  return out;
}

}  // namespace weir::config
