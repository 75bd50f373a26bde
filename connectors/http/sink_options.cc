#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>
#include <array>

#include "sink.h"

namespace weir::http {
namespace {

struct Url {
  std::string host, port, target;
  bool tls = false;
  std::string address() const { return host + ":" + port; }
  std::string_view scheme() const { return tls ? "https" : "http"; }
  std::string bare_host() const { return host.starts_with('[') ? host.substr(1, host.size() - 2) : host; }
};

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

/// For a message: without credentials, wherever they end, and without the query, which may hold a token.
std::string without_secrets(std::string_view url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == url.npos ? 0 : scheme + 3;
  const auto at = url.rfind('@');
  std::string shown(url);
  if (at != url.npos && at >= begin) shown.replace(begin, at - begin, "<secret>");
  if (const auto query = shown.find('?'); query != shown.npos) shown.replace(query + 1, shown.npos, "...");
  return shown.substr(0, 200);
}

Result<Url> parse_url(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return failure(fmt::format("url: {} {}: write http://host:port/path", json_text(without_secrets(text)), why));
  };
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return wrong("does not begin with http:// or https://");
  if (!printable(text)) return wrong("holds a blank or a character that must be percent-encoded");
  const auto rest = text.substr(tls ? 8 : 7);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  const auto authority = rest.substr(0, end);
  if (authority.find('@') != authority.npos) return wrong("holds credentials, which belong into `headers`");
  if (rest.find('#') != rest.npos) return wrong("holds a fragment, which is never sent");
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  Url url{std::string(authority.substr(0, has_port ? colon : authority.npos)),
          std::string(has_port ? authority.substr(colon + 1)
                      : tls    ? "443"
                               : "80"),
          std::string(rest.substr(end)), tls};
  const bool digits = std::ranges::all_of(url.port, [](char c) { return c >= '0' && c <= '9'; });
  if (url.host.empty()) return wrong("names no host");
  if (url.port.empty() || url.port.size() > 5 || !digits) return wrong("has a port that is not a number");
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool token(std::string_view name) {
  constexpr std::string_view extra = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

/// The configured headers as lines; the error names a header and never its value, which may be a secret.
Result<std::string> header_lines(const Options::Table& table) {
  constexpr std::array ours = {"Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "Host",
                               "Expect"};
  constexpr std::size_t longest = 8192;
  std::string lines;
  for (const auto& [name, value] : table) {
    const std::string shown = json_text(std::string_view(name).substr(0, 100));
    if (!token(name)) return failure(fmt::format("headers: {} is no name of a header", shown));
    if (std::ranges::any_of(ours, [&](const char* own) { return same(own, name); }))
      return failure(fmt::format("headers: {} is set by this sink: leave it out", shown));
    if (std::ranges::any_of(value, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; }))
      return failure(fmt::format("headers: the value of {} holds a line feed or another control character", shown));
    lines += fmt::format("{}: {}\r\n", name, value);
  }
  if (lines.size() > longest)
    return failure(fmt::format("headers: they have {} bytes: at most {}", lines.size(), longest));
  return lines;
}

BodyFormat body_format(const Options& options) {
  return {.array = options.text("format") == "json_array",
          .gzip = options.text("compression") == "gzip",
          .most = options.size("max_body")};
}

std::vector<Footprint> sink_footprint(const Options& options, Load batch) {
  const Bytes connection =
      96_KiB + (options.text("url").starts_with("https:") ? net::tls_footprint
                                                          : 0_B);  // an answer's head and body, what was read of it
  constexpr std::uint64_t per_event = 32;  // its place, whether it is refused, whether it was sent; doubling vectors
  return {{body_footprint(body_format(options)) + connection + Bytes(batch.events * per_event), {}, 0, "request"}};
}

}  // namespace

Result<SinkConfig> sink_config(const Options& options) {
  const auto url = parse_url(options.text("url"));
  if (!url) return std::unexpected(url.error());
  const auto table = options.table("headers");
  const auto headers = header_lines(table);
  if (!headers) return std::unexpected(headers.error());
  const auto given = [&](std::string_view name) {
    return std::ranges::any_of(table, [&](const auto& row) { return same(row.first, name); });
  };
  SinkConfig config;
  config.session = {.address = url->address(),
                    .connect_timeout = options.duration("connect_timeout"),
                    .timeout = options.duration("timeout"),
                    .max_idle = options.duration("idle_timeout")};
  for (const std::string option : {"tls_ca", "tls_certificate", "tls_key"})
    if (!url->tls && options.has(option))
      return failure(option + ": `url` asks for no TLS: write https://, or leave it out");
  if (options.has("tls_certificate") != options.has("tls_key"))
    return failure("tls_certificate and tls_key belong together: give both, or none");
  if (url->tls) {
    config.tls_ca = options.get_or<std::string>("tls_ca", "");
    config.tls_own = {options.get_or<std::string>("tls_certificate", ""), options.get_or<std::string>("tls_key", "")};
    config.tls = true;
    config.session.server_name = url->bare_host();
  }
  config.where = fmt::format("{}://{}{}", url->scheme(), url->address(), url->target.substr(0, url->target.find('?')));
  config.body = body_format(options);
  config.head = fmt::format("{} {} HTTP/1.1\r\nHost: {}{}\r\n", options.text("method"), url->target, url->host,
                            url->port == (url->tls ? "443" : "80") ? "" : ":" + url->port);
  if (!given("User-Agent")) config.head += "User-Agent: weir\r\n";
  if (!given("Content-Type"))
    config.head += config.body.array ? "Content-Type: application/json\r\n" : "Content-Type: application/x-ndjson\r\n";
  if (config.body.gzip) config.head += "Content-Encoding: gzip\r\n";
  config.head += *headers + "Content-Length: ";
  return config;
}

SinkType sink_type() {
  using enum OptionKind;
  SinkType type;
  type.name = "http";
  type.summary = "posts events to a server, a batch a request, at the pace the server asks for";
  type.options = {
      {.name = "url", .required = true, .help = "Where to, as http://host:port/path or https://host/path."},
      {.name = "method",
       .kind = choice,
       .fallback = "POST",
       .help = "The request's method.",
       .choices = {"POST", "PUT"}},
      {.name = "format",
       .kind = choice,
       .fallback = "ndjson",
       .help = "ndjson: one event a line. json_array: one array of events.",
       .choices = {"ndjson", "json_array"}},
      {.name = "compression",
       .kind = choice,
       .fallback = "none",
       .help = "gzip: bodies are compressed, fast rather than small.",
       .choices = {"none", "gzip"}},
      {.name = "headers",
       .kind = table,
       .help = "Headers of every request, as name: value; secrets are allowed.",
       .may_hold_secrets = true},
      {.name = "tls_ca",
       .kind = path,
       .help = "With https: a PEM file of whose certificates are believed; without it, what the system believes."},
      {.name = "tls_certificate",
       .kind = path,
       .help = "With https: PEM file of the certificate to show to a server that asks for one."},
      {.name = "tls_key", .kind = path, .help = "PEM file with its private key, without a password."},
      {.name = "max_body",
       .kind = size,
       .fallback = "1MiB",
       .help = "Largest body before compression; a larger batch is sent as several, a larger event is refused. Less "
               "where memory is small.",
       .shrinks = Shrinks{.least = "256KiB", .events = 2}},
      {.name = "timeout",
       .kind = duration,
       .fallback = "40s",
       .help = "From the first byte sent to the last one answered; longer than the other side's own time-out, so that "
               "its answer is heard."},
      {.name = "connect_timeout", .kind = duration, .fallback = "5s", .help = "How long connecting may take."},
      {.name = "idle_timeout",
       .kind = duration,
       .fallback = "30s",
       .help = "A connection unused for so long is not used again; shorter than the other side's own."},
  };
  type.ack = [](const Options&) { return SinkAck::received; };
  type.max_workers = [](const Options&) { return 256; };
  type.footprint = sink_footprint;
  type.make = [](const SinkSetup& setup) { return std::make_unique<HttpSink>(setup); };
  return type;
}

}  // namespace weir::http
