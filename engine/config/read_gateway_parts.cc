#include "config/read_gateway_parts.h"

#include <fmt/format.h>
#include <weir/component/tls_options.h>

#include <algorithm>
#include <array>

#include "config/nodes.h"

namespace weir::config {
namespace {

constexpr Duration longest_idle = std::chrono::hours(24), longest_stale = std::chrono::hours(24 * 30);
constexpr Duration longest_hedge = std::chrono::minutes(1);
constexpr std::size_t longest_body = 64 << 10;
using Pairs = FieldEdits::Pairs;

OptionSpec option(std::string_view name, OptionKind kind) {
  return {.name = std::string(name), .kind = kind, .help = {}};
}

bool is_field_name(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.contains(c);
  });
}

bool is_printable(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

/// What decides where a message ends, and who is asked, is the gateway's own.
bool is_own(std::string_view name) {
  constexpr std::array<std::string_view, 11> own{"connection", "content-length",   "transfer-encoding", "upgrade",
                                                 "te",         "trailer",          "keep-alive",        "host",
                                                 "expect",     "proxy-connection", "http2-settings"};
  return std::ranges::find(own, lower(name)) != own.end();
}

void check_field(Reader& reader, const std::string& path, std::string_view name, std::string_view value) {
  if (!is_field_name(name))
    reader.error_at(path, quote(name) + " is no name of a header field", "write it as in X-Api-Version");
  else if (!is_printable(value))
    reader.error_at(path, fmt::format("the value of {} has control characters", name), "write it in one line");
}

void read_edits(Reader& reader, Section& route, std::string_view key, FieldEdits& out) {
  const Yaml* node = route.find(key);
  if (!node) return;
  Section section(reader, node, route.path(key));
  out.set = read_pairs(reader, section, "set");
  out.add = read_pairs(reader, section, "add");
  out.remove = read_list(reader, section, "remove");
  const auto check = [&](std::string_view part, std::string_view name, std::string_view value) {
    check_field(reader, section.path(part), name, value);
    if (is_own(name))
      reader.error_at(section.path(part), fmt::format("{} is written by the gateway itself", name),
                      lower(name) == "host" ? "write host: of the route" : "leave it out");
  };
  for (const auto& [name, value] : out.set) check("set", name, value);
  for (const auto& [name, value] : out.add) check("add", name, value);
  for (const auto& name : out.remove) check("remove", name, {});
  section.finish();
}

Parsed<std::string> parse_rewrite(std::string_view text) {
  const std::string_view plain = text.ends_with("/**") ? text.substr(0, text.size() - 3) : text;
  if (!text.starts_with('/') || plain.find_first_of("*?#{} \\\"") != plain.npos || plain.find("//") != plain.npos ||
      !is_printable(text))
    return std::unexpected(fmt::format(
        "{} is no path: write /v2 for one path, or /v2/** to keep what the request has below", quote(text)));
  return std::string(text);
}

Parsed<std::string> parse_authority(std::string_view text) {
  if (text.empty() || text.find_first_of("/ *@,\"\\") != text.npos || !is_printable(text))
    return std::unexpected(fmt::format("{} is no host: write shop.internal or shop.internal:8080", quote(text)));
  return std::string(text);
}

void read_upgrades(Reader& reader, Section& route, Upgrades& out) {
  const Yaml* node = route.find("upgrades");
  if (!node) return;
  Section section(reader, node, route.path("upgrades"));
  out.allow = read_list(reader, section, "allow");
  section.count("max", out.most, 1, 100'000);
  section.duration("idle", out.idle, least_time);
  if (out.idle > longest_idle) reader.error_at(section.path("idle"), to_text(out.idle) + " is too long: at most 24h");
  if (out.allow.empty()) reader.error_at(section.path("allow"), "names no protocol", "write allow: [websocket]");
  for (std::string& token : out.allow) {
    token = lower(token);
    if (!is_field_name(token) || token == "h2c" || token.starts_with("tls") || token.starts_with("http"))
      reader.error_at(section.path("allow"), fmt::format("{} cannot be passed through", quote(token)),
                      "other versions of HTTP would go past the routes: allow websocket, or a protocol of your own");
  }
  section.finish();
}

void read_degraded(Reader& reader, Section& route, GatewayRoute& out) {
  const Yaml* node = route.find("degraded");
  if (!node) return;
  Section section(reader, node, route.path("degraded"));
  auto& degraded = out.degraded.emplace();
  section.count("status", degraded.status, 200, 599);
  Options options;
  if (read_options(reader, section, {option("content_type", OptionKind::text), option("body", OptionKind::text)},
                   options)) {
    degraded.content_type = options.get_or<std::string>("content_type", degraded.content_type);
    degraded.body = options.get_or<std::string>("body", "");
  }
  if (!is_printable(degraded.content_type)) reader.error_at(section.path("content_type"), "has control characters");
  if (degraded.body.size() > longest_body)
    reader.error_at(section.path("body"), "is longer than 64 KiB", "serve a large page from an upstream of its own");
  section.finish();
}

void read_cache(Reader& reader, Section& route, GatewayRoute& out) {
  const Yaml* node = route.find("cache");
  if (!node) return;
  Section section(reader, node, route.path("cache"));
  auto& cache = out.cache.emplace();
  section.size("max_bytes", cache.max_bytes, 64_KiB);
  cache.max_body = std::min(cache.max_body, Bytes(cache.max_bytes.count() / 4));
  section.size("max_body", cache.max_body, 1_KiB);
  section.duration("stale_if_error", cache.stale_if_error);
  section.duration("stale_while_open", cache.stale_while_open);
  section.count("max_waiting", cache.max_waiting, 0, 100'000);
  for (const auto& [key, value] :
       {std::pair{"stale_if_error", cache.stale_if_error}, std::pair{"stale_while_open", cache.stale_while_open}})
    if (value > longest_stale) reader.error_at(section.path(key), to_text(value) + " is too long: at most 30d");
  if (cache.max_body > cache.max_bytes)
    reader.error_at(section.path("max_body"), "is larger than max_bytes", "lower it: what does not fit is not kept");
  section.finish();
}

Parsed<std::string> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view digits = slash == text.npos ? "" : text.substr(slash + 1);
  const bool four = text.find(':') == text.npos;
  const auto bits =
      digits.empty() && slash == text.npos ? Parsed<std::uint64_t>(0) : Section::ranged(digits, 0, four ? 32 : 128);
  const std::string_view address = text.substr(0, slash);
  if (!bits || address.empty() ||
      address.find_first_not_of(four ? "0123456789." : "0123456789abcdefABCDEF:.") != address.npos)
    return std::unexpected(quote(text) + " is no network: write 10.0.0.0/8, 192.168.1.7 or fd00::/8");
  return std::string(text);
}

void read_tls(Reader& reader, Section& section, Gateway& out) {
  Options options;
  const auto specs = tls_options();
  if (!read_options(reader, section, specs, options)) return;
  out.tls_certificate = options.get_or<std::string>("tls_certificate", "");
  out.tls_key = options.get_or<std::string>("tls_key", "");
  out.tls_client_ca = options.get_or<std::string>("tls_client_ca", "");
  out.tls_client_names = options.get_or<std::vector<std::string>>("tls_client_names", {});
  if (const auto fit = check_tls(options); !fit) report_at_option(reader, section.path(), specs, fit.error().message);
}

}  // namespace

Pairs read_pairs(Reader& reader, Section& section, std::string_view key) {
  Options options;
  if (!read_options(reader, section, {option(key, OptionKind::table)}, options) || !options.has(key)) return {};
  const auto table = options.get<Options::Table>(key);
  return {table.begin(), table.end()};
}

void check_message_fields(Reader& reader, const std::string& path, const Pairs& fields) {
  for (const auto& [name, value] : fields) {
    check_field(reader, path, name, value);
    if (is_own(name) && lower(name) != "host")
      reader.error_at(path, fmt::format("{} is written by whoever sends it", name), "leave it out");
  }
}

std::vector<std::string> read_list(Reader& reader, Section& section, std::string_view key) {
  Options options;
  if (!read_options(reader, section, {option(key, OptionKind::texts)}, options) || !options.has(key)) return {};
  return options.get<std::vector<std::string>>(key);
}

void read_match_headers(Reader& reader, Section& match, GatewayRoute& out) {
  out.headers = read_pairs(reader, match, "headers");
  for (const auto& [name, value] : out.headers) check_field(reader, match.path("headers"), name, value);
}

void read_gateway_parts(Reader& reader, Section& section, Gateway& out) {
  read_tls(reader, section, out);
  out.trusted_peers = read_list(reader, section, "trusted_peers");
  for (const std::string& network : out.trusted_peers)
    if (const auto fit = parse_network(network); !fit) reader.error_at(section.path("trusted_peers"), fit.error());
  section.choice<Forwarded>("forwarded", out.forwarded, forwarded_names());
  const Yaml* node = section.find("access_log");
  if (!node) return;
  Section log(reader, node, section.path("access_log"));
  auto& config = out.access_log.emplace();
  Options options;
  OptionSpec path = option("path", OptionKind::path);
  path.required = true;
  path.help = "write path: and the file that gets a line for each request";
  if (read_options(reader, log, {path}, options)) config.path = options.text("path");
  log.ratio("sample", config.sample);
  if (config.sample < 0 || config.sample > 1) reader.error_at(log.path("sample"), "is no share", "write 0% to 100%");
  log.finish();
}

void read_route_parts(Reader& reader, Section& section, GatewayRoute& out) {
  section.value("deadline_from", out.deadline_header, [](std::string_view text) -> Parsed<std::string> {
    if (!is_field_name(text))
      return std::unexpected(quote(text) +
                             " names no header field: write grpc-timeout, x-envoy-expected-rq-timeout-ms "
                             "or one of your own, which holds a time (250ms) or milliseconds (250)");
    return std::string(text);
  });
  section.value("rewrite", out.rewrite, parse_rewrite);
  if (out.rewrite.ends_with("/**") && !out.matches_below())
    reader.error_at(section.path("rewrite"), "keeps what lies below, and the route's path has nothing below",
                    "end match.path with /**, or rewrite to one path");
  section.value("host", out.send_host, parse_authority);
  read_edits(reader, section, "request", out.request_edits);
  read_edits(reader, section, "answer", out.answer_edits);
  read_upgrades(reader, section, out.upgrades);
  read_degraded(reader, section, out);
  read_cache(reader, section, out);
}

void read_hedging(Reader& reader, Section& retry, Upstream& out) {
  const std::string path = retry.path("hedge_after");
  if (!retry.find("hedge_after")) return;
  std::optional<Duration> after;
  retry.value("hedge_after", after, [](std::string_view text) -> Parsed<std::optional<Duration>> {
    if (text == "p95") return std::optional<Duration>();
    const auto time = parse_duration(text);
    if (!time) return std::unexpected(time.error() + ", or p95");
    if (*time < std::chrono::milliseconds(1) || *time > longest_hedge)
      return std::unexpected(quote(text) + " is no time to wait for an answer: write 1ms to 1m, or p95");
    return std::optional(*time);
  });
  out.hedging = Hedging{after};
  if (out.endpoints.size() == 1)
    reader.error_at(path, "there is no second endpoint to hedge at", "name another one in endpoints, or leave it out");
  if (out.destination.retry_budget.ratio <= 0)
    reader.error_at(path, "hedges are paid from the retry budget, and that is 0%",
                    "write budget: 20%, or leave it out");
}

void read_upstream_parts(Reader& reader, Section& section, Upstream& out) {
  bool tls = false;
  section.flag("tls", tls);
  Options options;
  UpstreamTls files;
  const std::array<std::pair<const char*, std::string*>, 4> keys{{{"tls_ca", &files.ca},
                                                                  {"tls_certificate", &files.certificate},
                                                                  {"tls_key", &files.key},
                                                                  {"tls_server_name", &files.server_name}}};
  for (const auto& [key, into] : keys) {
    const auto kind = into == &files.server_name ? OptionKind::text : OptionKind::path;
    if (read_options(reader, section, {option(key, kind)}, options)) *into = options.get_or<std::string>(key, "");
    if (!into->empty() && !tls) reader.error_at(section.path(key), "has no use without TLS", "add tls: true");
  }
  if (files.certificate.empty() != files.key.empty())
    reader.error_at(section.path(files.key.empty() ? "tls_certificate" : "tls_key"),
                    "tls_certificate and tls_key belong together", "give both, or none");
  if (tls) out.tls = std::move(files);
  const Yaml* node = section.find("health");
  if (!node) return;
  Section health(reader, node, section.path("health"));
  auto& config = out.health.emplace();
  if (!health.value("path", config.path, parse_rewrite) && !health.find("path"))
    reader.error_at(health.path("path"), "is missing", "write path: /healthz: what is asked of each endpoint");
  health.duration("every", config.every, std::chrono::milliseconds(100));
  health.duration("timeout", config.timeout, least_time);
  health.count("unhealthy", config.unhealthy, 1, 100);
  health.count("healthy", config.healthy, 1, 100);
  if (config.path.ends_with("/**")) reader.error_at(health.path("path"), "is no single path");
  health.finish();
}

}  // namespace weir::config
