#include <fmt/format.h>
#include <weir/component/auth_options.h>

#include <algorithm>
#include <iterator>

#include "intake.h"
#include "log/log.h"
#include "net/held_port.h"
#include "sink.h"

namespace weir::http {
namespace {

constexpr Bytes least_receive_buffer = 8_KiB;              // of every connection: holds a small request
constexpr std::string_view refused_with = "answered 503";  // connections above max_connections

class HttpSource final : public Source {
 public:
  HttpSource(HttpOptions options, const SourceSetup& setup)
      : name_(setup.name),
        certificate_(setup.options.get_or<std::string>("tls_certificate", "")),
        key_(setup.options.get_or<std::string>("tls_key", "")),
        clients_{setup.options.get_or<std::string>("tls_client_ca", ""),
                 setup.options.get_or<std::vector<std::string>>("tls_client_names", {})},
        context_(setup.context),
        auth_(check_auth(setup.options)),
        options_(std::move(options)) {
    options_.secret = async::secret_of(setup.context);
    if (auth_) options_.credentials = net::Credentials(logins_of(setup.options), guessing());
    options_.server.on_no_descriptor = [name = name_, accepting = options_.accepting, &context = context_] {
      accepting->reached(context.now());
      log::warn({"source", name}, "{}", net::AcceptLimit::sentence);
    };
    const auto most = options_.server.max_connections;
    options_.server.on_full = [name = name_, full = options_.full, most, &context = context_] {
      full->reached(context.now());
      log::warn({"source", name}, "{}", net::full_sentence(most, refused_with));
    };
  }

  Result<void> check() const override {
    const auto wrong = [&](std::string_view what) { return failure(fmt::format("source {}: {}", name_, what)); };
    if (certificate_.empty() != key_.empty())
      return wrong("tls_certificate and tls_key belong together: give both, or none for no TLS");
    if (!auth_) return wrong(auth_.error().message);
    if (options_.checks_origin && options_.origins.empty())
      return wrong("origins: is an empty list: leave it out to take events from pages of every origin");
    if (auto fit = net::check_clients(clients_, !certificate_.empty()); !fit) return wrong(fit.error().message);
    return {};
  }

  Result<void> open() override {
    if (auto fit = check(); !fit) return fit;
    auto port = net::HeldPort::take(options_.server.listen);
    if (!port) return std::unexpected(port.error());
    port_ = std::move(*port);
    options_.server.listen = port_.address();
    return read_certificate();
  }

  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    return std::make_unique<HttpIntake>(setup, options_);
  }
  Upstream upstream() const override {
    Upstream side;
    side.counts = {{"no_descriptor", options_.accepting->times()}};
    if (options_.full->is_reached(context_.now()))
      side.trouble = net::full_sentence(options_.server.max_connections, refused_with);
    if (options_.accepting->is_reached(context_.now())) side.trouble = net::AcceptLimit::sentence;
    return side;
  }
  Result<std::string> on_hangup() override {
    return options_.server.tls ? options_.server.tls->renew(context_.wall()) : Result<std::string>{};
  }
  void take_secrets(const Options& options) override { options_.credentials.replace(logins_of(options)); }
  std::string address() const override {
    const auto& tls = options_.server.tls;
    const std::string warning =
        tls && !tls->warning().empty() ? fmt::format(" ({}: clients will refuse it)", tls->warning()) : "";
    return fmt::format("{}://{}{}{}", tls ? "https" : "http", options_.server.listen, options_.path, warning);
  }

 private:
  net::Credentials::Guessing guessing() const {
    return {.secret = options_.secret, .on_refused = [name = name_](const std::string& peer) {
              log::warn({"source", name}, "{}", net::Credentials::sentence_on(peer));
            }};
  }
  Result<void> read_certificate() {
    if (certificate_.empty()) return {};
    auto tls = net::TlsContext::server(certificate_, key_, context_.wall(), clients_);
    if (!tls) return failure(fmt::format("source {}: {}", name_, tls.error().message));
    options_.server.tls = std::move(*tls);
    return {};
  }

  std::string name_, certificate_, key_;
  net::TlsClients clients_;
  const Context& context_;
  Result<void> auth_;
  HttpOptions options_;
  net::HeldPort port_;
};

HttpOptions options_of(const Options& o) {
  HttpOptions http;
  http.server.listen = o.text("listen");
  http.server.max_connections = o.count("max_connections");
  http.server.max_header = o.size("max_header");
  http.server.idle_timeout = o.duration("idle_timeout");
  http.server.header_timeout = o.duration("header_timeout");
  http.server.body_timeout = o.duration("body_timeout");
  http.server.answer_timeout = o.duration("answer_timeout");
  http.server.receive_buffer = o.size("receive_buffer");
  http.server.receive_buffers =
      std::make_shared<net::ReceiveBuffers>(least_receive_buffer, http.server.receive_buffer, o.size("receive_memory"));
  http.server.send_buffer = o.size("send_buffer");
  http.path = o.text("path");
  http.max_body = o.size("max_body");
  http.limits = {o.size("max_event"), o.count("max_events"), o.text("content_type") == "text"};
  http.ack_timeout = o.duration("ack_timeout");
  http.client_key = o.text("client_key");
  const std::string forms = o.text("rate_limit_headers");
  http.rate_limit_forms = {forms == "ratelimit" || forms == "both", forms == "x-ratelimit" || forms == "both"};
  http.pressure_header = o.flag("pressure_header");
  http.json_type_only = o.text("content_type") == "json";
  http.checks_origin = o.has("origins");
  http.origins = o.get_or<std::vector<std::string>>("origins", {});
  return http;
}

std::vector<Footprint> footprint(const Options& o, int reactors) {
  const HttpOptions http = options_of(o);
  Footprint connections = net::connection_footprint(http.server);
  connections.max_units *= static_cast<std::uint64_t>(reactors);
  connections.fixed += http.server.receive_buffers->most_grown(connections.max_units);
  connections.unit = "connection";
  if (o.has("tls_certificate")) {
    connections.per_unit += net::tls_footprint;
    connections.soft = true;
  }
  const Bytes guesses = check_auth(o) && logins_of(o) != Logins{} ? net::Credentials::footprint() : 0_B;
  const Bytes reactor = http.server.read_buffer + flow::EarlyReturns::footprint(http.early_returns()) +
                        parser_memory(http.limits) + Bytes(http.limits.max_events * sizeof(Batch::Slot) * 2);
  connections.fixed += guesses;
  return {connections, {Bytes{}, reactor, static_cast<std::uint64_t>(reactors), "reactor: read buffer, JSON parser"}};
}

}  // namespace

void add_to(Catalog& catalog) {
  using enum OptionKind;
  SourceType type;
  type.name = "http";
  type.summary = "takes events by POST: NDJSON, a JSON array or one object; gzip or plain";
  type.origin = {Attribute::peer};
  type.options = {
      {"listen", address, "127.0.0.1:8080", false, "address and port; port 0 takes a free one"},
      {"path", text, "/events", false, "where events are posted to"},
      {.name = "content_type",
       .kind = OptionKind::choice,
       .fallback = "any",
       .help = "json: a request has to state a type of JSON or NDJSON, which a web page of another site cannot send "
               "unasked; text: of any type, each line is an event as it is, JSON or not",
       .choices = {"any", "json", "text"}},
      {"max_body", size, "1MiB", false, "largest body, decoded; larger ones are answered 413"},
      {"max_event", size, "256KiB", false, "largest event; at most 16MiB"},
      {"max_events", count, "10000", false, "most events in one request"},
      {.name = "max_connections",
       .kind = count,
       .fallback = "512",
       .help = "most connections of each reactor; each one counts in the memory table; fewer where memory is small",
       .shrinks = Shrinks{.least = "16"}},
      {"max_header", size, "8KiB", false, "largest request head"},
      {"ack_timeout", duration, "30s", false,
       "a request not settled by then is answered 504; its events stay in the flow"},
      {"client_key", text, "connection", false,
       "what tells clients apart that come back before their Retry-After: connection, address, or a header's name"},
      {.name = "rate_limit_headers",
       .kind = OptionKind::choice,
       .fallback = "ratelimit",
       .help =
           "what clients are told of the rates in `guards`: RateLimit and RateLimit-Policy, the older X-RateLimit-*, "
           "both or none",
       .choices = {"ratelimit", "x-ratelimit", "both", "none"}},
      {.name = "pressure_header",
       .kind = OptionKind::boolean,
       .fallback = "false",
       .help =
           "answers say in Weir-Pressure, 0 to 1, how full the fullest of what is behind the source is: a gateway in "
           "front of several sends less to who is fuller"},
      {"idle_timeout", duration, "60s", false, "idle connections are closed after this"},
      {"header_timeout", duration, "10s", false, "a head must arrive within this"},
      {"body_timeout", duration, "30s", false,
       "a body that makes no progress for this long ends its request; 10s at most while stopping"},
      {"answer_timeout", duration, "30s", false,
       "a client that reads nothing of its answer for this long is disconnected; 10s at most while stopping"},
      {.name = "receive_buffer",
       .kind = size,
       .fallback = "64KiB",
       .help =
           "what the kernel's receive buffer of a connection may grow to, from 16KiB (from 32KiB where this is above "
           "64KiB), while a body fills it (Linux doubles it); less where memory is small",
       .shrinks = Shrinks{.least = "8KiB"}},
      {.name = "receive_memory",
       .kind = size,
       .fallback = "8MiB",
       .help = "what the receive buffers of all connections may take beyond that; counts in the memory table; "
               "less where memory is small",
       .shrinks = Shrinks{.least = "256KiB"}},
      {"send_buffer", size, "8KiB", false, "the kernel's send buffer of each connection (Linux doubles it)"},
      {"tls_certificate",
       path,
       {},
       false,
       "PEM file with the certificate and its chain: serve HTTPS, TLS 1.2 or later"},
      {"tls_key", path, {}, false, "PEM file with the certificate's private key, without a password"},
      {.name = "tls_client_ca",
       .kind = path,
       .help = "PEM file: clients must show a certificate that one of these has signed"},
      {.name = "tls_client_names",
       .kind = texts,
       .help = "of those clients only the ones with such a name in their certificate: common name, DNS name, mail "
               "address or URI"},
      {.name = "origins",
       .kind = texts,
       .help = "web pages of these origins may send, as https://shop.example; a request that names another one is "
               "answered 403, one that names none passes"},
  };
  std::ranges::move(auth_options(), std::back_inserter(type.options));
  type.can = {.can_pause = true, .can_refuse = true, .can_replay = false};
  type.strongest = Level::stored;
  type.makes_lines = true;
  type.footprint = footprint;
  type.make = [](const SourceSetup& setup) -> std::unique_ptr<Source> {
    HttpOptions http = options_of(setup.options);
    http.acks = setup.acks;
    http.priorities = setup.priorities;
    http.keep_malformed = setup.keep_malformed;
    return std::make_unique<HttpSource>(std::move(http), setup);
  };
  catalog.add(std::move(type));
  catalog.add(sink_type());
}

}  // namespace weir::http
