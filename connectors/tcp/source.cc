#include <fmt/format.h>

#include <algorithm>

#include "net/held_port.h"
#include "sink.h"
#include "tcp.h"

namespace weir::tcp {
namespace {

constexpr Bytes largest_event = 16_MiB;

class TcpSource final : public Source {
 public:
  TcpSource(const SourceSetup& setup)
      : name_(setup.name),
        certificate_(setup.options.get_or<std::string>("tls_certificate", "")),
        key_(setup.options.get_or<std::string>("tls_key", "")),
        clients_{setup.options.get_or<std::string>("tls_client_ca", ""),
                 setup.options.get_or<std::vector<std::string>>("tls_client_names", {})},
        context_(setup.context),
        options_(read_options(setup.options)) {
    options_.name = name_;
    options_.priorities = setup.priorities;
  }

  Result<void> check() const override {
    if (options_.max_event.count() == 0 || options_.max_event > largest_event)
      return failure("max_event: from 1B to 16MiB is possible");
    if (options_.max_connections == 0) return failure("max_connections: at least 1, or nobody could send");
    if (options_.receive_buffer < 4_KiB) return failure("receive_buffer: at least 4KiB");
    if (certificate_.empty() != key_.empty())
      return failure("tls_certificate and tls_key belong together: give both, or none for no TLS");
    return net::check_clients(clients_, !certificate_.empty());
  }

  Result<void> open() override {
    auto sane = check();
    if (sane) sane = read_certificate();
    if (!sane) return failure(fmt::format("source {}: {}", name_, sane.error().message));
    auto port = net::HeldPort::take(options_.listen);
    if (!port) return std::unexpected(port.error());
    port_ = std::move(*port);
    options_.listen = port_.address();
    return {};
  }

  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    return std::make_unique<TcpIntake>(setup, options_, shared_);
  }

  Upstream upstream() const override {
    Upstream side;
    side.counts = {{"no_descriptor", shared_->accepting.times()}};
    if (shared_->full.is_reached(context_.now())) side.trouble = net::full_sentence(options_.max_connections, "closed");
    if (shared_->accepting.is_reached(context_.now())) side.trouble = net::AcceptLimit::sentence;
    return side;
  }
  Result<std::string> on_hangup() override {
    return options_.tls ? options_.tls->renew(context_.wall()) : Result<std::string>{};
  }
  std::string address() const override {
    const std::string warning = options_.tls ? options_.tls->warning() : "";
    return fmt::format("{}://{}{}", options_.tls ? "tls" : "tcp", options_.listen,
                       warning.empty() ? "" : fmt::format(" ({}: clients will refuse it)", warning));
  }

 private:
  Result<void> read_certificate() {
    if (certificate_.empty()) return {};
    auto tls = net::TlsContext::server(certificate_, key_, context_.wall(), clients_);
    if (!tls) return std::unexpected(tls.error());
    options_.tls = std::move(*tls);
    return {};
  }

  std::string name_, certificate_, key_;
  net::TlsClients clients_;
  const Context& context_;
  TcpOptions options_;
  net::HeldPort port_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>(options_);
};

SourceType source_type() {
  using enum OptionKind;
  SourceType type;
  type.name = "tcp";
  type.summary = "takes events over TCP or TLS: one a line, or each behind its length";
  type.origin = {Attribute::peer};
  type.options = {
      {"listen", address, "127.0.0.1:9000", false, "Address and port to listen on; port 0 takes a free one."},
      {"framing",
       choice,
       "newline",
       false,
       "How events are told apart: by a line feed, by 4 bytes of length (big endian) before each, or by its length in "
       "decimal and a space (syslog's octet counting).",
       {"newline", "length", "octets"}},
      {"max_event", size, "256KiB", false,
       "Largest event, at most 16MiB: a larger line is skipped and counted, a larger length closes its connection."},
      {.name = "max_connections",
       .kind = count,
       .fallback = "1024",
       .help = "Most connections of all reactors; each one counts in the memory table, and one more is closed at once. "
               "Fewer where memory is small.",
       .shrinks = Shrinks{.least = "16"}},
      {"idle_timeout", duration, "300s", false, "A connection that sends nothing for this long is closed."},
      {"frame_timeout", duration, "30s", false,
       "An event that has begun must be complete within this time of waiting for its sender, and a TLS handshake too."},
      {"receive_buffer", size, "256KiB", false,
       "What the kernel's receive buffer of a connection may grow to, from 32KiB, while its sender fills it (Linux "
       "doubles it): what a sender can be ahead of the flow."},
      {.name = "receive_memory",
       .kind = size,
       .fallback = "16MiB",
       .help = "What the receive buffers of all connections may take beyond 32KiB each; counts in the memory table. "
               "Less where memory is small.",
       .shrinks = Shrinks{.least = "256KiB"}},
      {"tls_certificate", path, {}, false, "PEM file with the certificate and its chain: serve TLS 1.2 or later."},
      {"tls_key", path, {}, false, "PEM file with the certificate's private key, without a password."},
      {.name = "tls_client_ca",
       .kind = path,
       .help = "PEM file: senders must show a certificate that one of these has signed."},
      {.name = "tls_client_names",
       .kind = texts,
       .help = "Of those senders only the ones with such a name in their certificate: common name, DNS name, mail "
               "address or URI."},
  };
  type.can = {.can_pause = true, .can_refuse = false, .can_replay = false};
  type.strongest = Level::accepted;
  type.footprint = [](const Options& o, int reactors) {
    return footprint(read_options(o), reactors, o.has("tls_certificate"));
  };
  type.make = [](const SourceSetup& setup) { return std::make_unique<TcpSource>(setup); };
  return type;
}

}  // namespace

TcpOptions read_options(const Options& o) {
  TcpOptions tcp;
  tcp.listen = o.text("listen");
  const auto& framing = o.text("framing");
  tcp.framing = framing == "length" ? Framing::length : framing == "octets" ? Framing::octets : Framing::newline;
  tcp.max_event = o.size("max_event");
  tcp.max_connections = o.count("max_connections");
  tcp.idle_timeout = o.duration("idle_timeout");
  tcp.frame_timeout = o.duration("frame_timeout");
  tcp.receive_buffer = o.size("receive_buffer");
  tcp.receive_memory = o.size("receive_memory");
  return tcp;
}

void add_to(Catalog& catalog) {
  catalog.add(source_type());
  catalog.add(sink_type());
}

}  // namespace weir::tcp
