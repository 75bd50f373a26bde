#pragma once
/// Reads what a gateway, a route and an upstream may have besides where they listen and lead: TLS, fields that are
/// changed, upgrades, answers that stand in for others, a log.
///
/// Thread: one owner. Cost: start only.
#include "config/gateways.h"
#include "config/reader.h"

namespace weir::config {

/// A table of texts, as header fields.
FieldEdits::Pairs read_pairs(Reader& reader, Section& section, std::string_view key);
/// Reports what can stand in no message, and what frames one, which whoever sends it writes itself.
void check_message_fields(Reader& reader, const std::string& path, const FieldEdits::Pairs& fields);
std::vector<std::string> read_list(Reader& reader, Section& section, std::string_view key);
void read_gateway_parts(Reader& reader, Section& section, Gateway& out);
void read_route_parts(Reader& reader, Section& section, GatewayRoute& out);
void read_match_headers(Reader& reader, Section& match, GatewayRoute& out);
void read_upstream_parts(Reader& reader, Section& section, Upstream& out);
void read_hedging(Reader& reader, Section& retry, Upstream& out);

std::vector<std::pair<std::string, Forwarded>> forwarded_names();

/// For `check --print`: lines that load again, indented by so much.
std::string gateway_parts_to_yaml(const Gateway& gateway);
std::string route_parts_to_yaml(const GatewayRoute& route);
std::string upstream_parts_to_yaml(const Upstream& upstream);
std::string hedging_to_yaml(const Upstream& upstream);  ///< inside the line of `retry`
std::string match_headers_to_yaml(const GatewayRoute& route);

}  // namespace weir::config
