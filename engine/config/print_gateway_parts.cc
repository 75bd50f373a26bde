// The lines of `check --print` for what read_gateway_parts.cc reads.
#include <fmt/format.h>

#include "config/read_gateway_parts.h"
#include "config/yaml_text.h"

namespace weir::config {
namespace {

using Pairs = FieldEdits::Pairs;

std::string pairs_to_yaml(const Pairs& pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs)
    out += fmt::format("{} {}: {}", out.size() > 1 ? "," : "", scalar(name, true), scalar(value));
  return out + " }";
}

void add_edits(std::string& out, const char* key, const FieldEdits& edits) {
  if (edits.empty()) return;
  std::string parts;
  const auto add = [&](const char* name, const std::string& text) {
    parts += fmt::format("{}{}: {}", parts.empty() ? "" : ", ", name, text);
  };
  if (!edits.set.empty()) add("set", pairs_to_yaml(edits.set));
  if (!edits.add.empty()) add("add", pairs_to_yaml(edits.add));
  if (!edits.remove.empty()) add("remove", flow_list(edits.remove));
  out += fmt::format("        {}: {{ {} }}\n", key, parts);
}

}  // namespace

std::vector<std::pair<std::string, Forwarded>> forwarded_names() {
  return {{"x_forwarded", Forwarded::x_forwarded},
          {"standard", Forwarded::standard},
          {"both", Forwarded::both},
          {"none", Forwarded::none}};
}

std::string match_headers_to_yaml(const GatewayRoute& route) {
  return route.headers.empty() ? std::string() : ", headers: " + pairs_to_yaml(route.headers);
}

std::string gateway_parts_to_yaml(const Gateway& gateway) {
  std::string out;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) out += fmt::format("    {}: {}\n", key, value);
  };
  const auto text = [](const std::string& value) { return value.empty() ? value : scalar(value); };
  add("tls_certificate", text(gateway.tls_certificate));
  add("tls_key", text(gateway.tls_key));
  add("tls_client_ca", text(gateway.tls_client_ca));
  add("tls_client_names", gateway.tls_client_names.empty() ? "" : flow_list(gateway.tls_client_names));
  add("trusted_peers", gateway.trusted_peers.empty() ? "" : flow_list(gateway.trusted_peers));
  for (const auto& [name, value] : forwarded_names())
    if (value == gateway.forwarded) add("forwarded", name);
  if (const auto& log = gateway.access_log)
    add("access_log", fmt::format("{{ path: {}, sample: {} }}", scalar(log->path), to_text_ratio(log->sample)));
  return out;
}

std::string route_parts_to_yaml(const GatewayRoute& route) {
  std::string out;
  const auto add = [&](const char* key, const std::string& value) {
    out += fmt::format("        {}: {}\n", key, value);
  };
  if (!route.deadline_header.empty()) add("deadline_from", scalar(route.deadline_header));
  if (route.client_key.of != async::ClientKey::Of::none) add("client_key", quoted(route.client_key));
  if (!route.rewrite.empty()) add("rewrite", scalar(route.rewrite));
  if (!route.send_host.empty()) add("host", scalar(route.send_host));
  add_edits(out, "request", route.request_edits);
  add_edits(out, "answer", route.answer_edits);
  if (const auto& u = route.upgrades; !u.allow.empty())
    add("upgrades", fmt::format("{{ allow: {}, max: {}, idle: {} }}", flow_list(u.allow), u.most, to_text(u.idle)));
  if (const auto& d = route.degraded)
    add("degraded", fmt::format("{{ status: {}, content_type: {}, body: {} }}", d->status, scalar(d->content_type),
                                scalar(d->body)));
  if (const auto& c = route.cache)
    add("cache",
        fmt::format("{{ max_bytes: {}, max_body: {}, stale_if_error: {}, stale_while_open: {}, max_waiting: {} }}",
                    to_text(c->max_bytes), to_text(c->max_body), to_text(c->stale_if_error),
                    to_text(c->stale_while_open), c->max_waiting));
  return out;
}

std::string hedging_to_yaml(const Upstream& upstream) {
  if (!upstream.hedging) return {};
  return ", hedge_after: " + (upstream.hedging->after ? to_text(*upstream.hedging->after) : "p95");
}

std::string upstream_parts_to_yaml(const Upstream& upstream) {
  std::string out;
  if (const auto& tls = upstream.tls) {
    out += "    tls: true\n";
    for (const auto& [key, value] : {std::pair{"tls_ca", &tls->ca},
                                     {"tls_certificate", &tls->certificate},
                                     {"tls_key", &tls->key},
                                     {"tls_server_name", &tls->server_name}})
      if (!value->empty()) out += fmt::format("    {}: {}\n", key, scalar(*value));
  }
  if (const auto& h = upstream.health)
    out += fmt::format("    health: {{ path: {}, every: {}, timeout: {}, unhealthy: {}, healthy: {} }}\n",
                       scalar(h->path), to_text(h->every), to_text(h->timeout), h->unhealthy, h->healthy);
  return out;
}

}  // namespace weir::config
