#include "sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::tcp {
namespace {

constexpr std::size_t out_capacity = 64 << 10;

std::string host_of(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

/// A line feed between the tokens of JSON means the same as a space; within a text it makes the event invalid.
bool may_be_joined(std::string_view event) {
  const auto first = event.find_first_not_of(" \t\r\n");
  if (first == event.npos || (event[first] != '{' && event[first] != '[')) return false;
  bool in_text = false;
  for (std::size_t i = 0; i < event.size(); ++i) {
    if (event[i] == '"')
      in_text = !in_text;
    else if (in_text && event[i] == '\\')
      ++i;
    else if (in_text && event[i] == '\n')
      return false;
  }
  return !in_text;
}

bool lies_as_lines(const Batch& batch, std::string_view lines) {
  if (lines.empty()) return false;
  return batch.info().one_line_each || static_cast<std::uint32_t>(std::ranges::count(lines, '\n')) == batch.size();
}

}  // namespace

TcpSink::TcpSink(const SinkSetup& setup)
    : name_(setup.name),
      context_(setup.context),
      wants_tls_(setup.options.flag("tls")),
      ca_(setup.options.get_or<std::string>("tls_ca", "")),
      own_{setup.options.get_or<std::string>("tls_certificate", ""), setup.options.get_or<std::string>("tls_key", "")},
      framing_(setup.options.text("framing") == "length" ? Framing::length : Framing::newline) {
  config_.address = setup.options.text("address");
  config_.connect_timeout = setup.options.duration("connect_timeout");
  config_.write_timeout = setup.options.duration("write_timeout");
  config_.send_buffer = setup.options.size("send_buffer");
  config_.server_name = setup.options.get_or<std::string>("tls_server_name", host_of(config_.address));
}

Result<void> TcpSink::check() const {
  const auto wrong = [&](std::string_view what) { return failure(fmt::format("sink {}: {}", name_, what)); };
  if (!wants_tls_ && !ca_.empty()) return wrong("tls_ca without tls: add tls: true");
  if (!wants_tls_ && !own_.certificate.empty()) return wrong("tls_certificate without tls: add tls: true");
  if (own_.certificate.empty() != own_.key.empty())
    return wrong("tls_certificate and tls_key belong together: give both, or none");
  return {};
}

/// The receiver need not listen yet: the pipeline waits for it.
Result<void> TcpSink::open() {
  if (auto fit = check(); !fit) return fit;
  if (wants_tls_) {
    auto tls = net::TlsContext::client(ca_, own_);
    if (!tls) return failure(fmt::format("sink {}: {}", name_, tls.error().message));
    config_.tls = std::move(*tls);
  }
  link_ = std::make_unique<Link>(config_, context_);
  return {};
}

Result<std::string> TcpSink::on_hangup() {
  if (!config_.tls) return {};
  if (auto read = config_.tls->reload(context_.wall()); !read)
    return failure(read.error().message + ": it keeps those it has", read.error().kind);
  return "has read its certificates again";
}

void TcpSink::close() {
  if (link_) link_->close();
}

/// On every connection a group begins at the beginning of an event: after an error all of it is sent again.
Delivery TcpSink::deliver(std::span<const Batch> batches) {
  if (batches.empty()) return {};
  Delivery delivery;
  out_.clear();
  auto sent = link_->open();
  for (std::uint32_t i = 0; sent && i < batches.size(); ++i) sent = put(batches[i], i, delivery.refused);
  if (sent) sent = flush();
  if (sent) sent = link_->still_there();  // a receiver that closes at once has taken nothing
  if (sent) return delivery;
  link_->drop();
  return Delivery::again(std::move(sent.error().message));
}

Result<void> TcpSink::put(const Batch& batch, std::uint32_t number, std::vector<Delivery::Refused>& refused) {
  if (framing_ == Framing::newline)
    if (const auto lines = batch.lines(); lies_as_lines(batch, lines)) return write(lines);
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const auto event = batch[i];
    if (framing_ == Framing::newline && event.contains('\n') && !may_be_joined(event)) {
      refused.push_back({number, i, "it holds a line feed and is not JSON, so it cannot be one line"});
      continue;
    }
    if (auto put = put_event(event); !put) return put;
  }
  return {};
}

Result<void> TcpSink::put_event(std::string_view event) {
  if (framing_ == Framing::length) {
    const auto prefix = length_prefix(static_cast<std::uint32_t>(event.size()));
    if (auto written = write({prefix.data(), prefix.size()}); !written) return written;
    return write(event);
  }
  for (auto end = event.find('\n'); end != event.npos; end = event.find('\n')) {
    if (auto written = write(event.substr(0, end)); !written) return written;
    if (auto written = write(" "); !written) return written;
    event.remove_prefix(end + 1);
  }
  if (auto written = write(event); !written) return written;
  return write("\n");
}

Result<void> TcpSink::write(std::string_view bytes) {
  if (out_.size() + bytes.size() > out_capacity)
    if (auto flushed = flush(); !flushed) return flushed;
  if (bytes.size() >= out_capacity) return link_->send(bytes);
  if (out_.capacity() < out_capacity) out_.reserve(out_capacity);
  out_ += bytes;
  return {};
}

Result<void> TcpSink::flush() {
  auto sent = link_->send(out_);
  out_.clear();
  return sent;
}

SinkType sink_type() {
  using enum OptionKind;
  SinkType type;
  type.name = "tcp";
  type.summary = "sends events over TCP or TLS: one a line, or each behind its length";
  type.options = {
      {.name = "address", .kind = address, .required = true, .help = "Host and port to connect to."},
      {"framing",
       choice,
       "newline",
       false,
       "How events are told apart: by a line feed, or by 4 bytes of length (big endian) before each.",
       {"newline", "length"}},
      {"connect_timeout", duration, "5s", false, "A connection, and then its TLS handshake, must stand within this."},
      {"write_timeout", duration, "10s", false,
       "Writing gives up, and is tried again, when the other side takes less than 4KiB in this time."},
      {"send_buffer", size, "128KiB", false, "The kernel's send buffer (Linux doubles it)."},
      {"tls", boolean, "false", false, "Speak TLS 1.2 or later, and check the other side's certificate."},
      {"tls_ca", path, {}, false, "PEM file of the certificates to trust; the system's without it."},
      {.name = "tls_certificate",
       .kind = path,
       .help = "PEM file of the certificate to show to a receiver that asks for one."},
      {.name = "tls_key", .kind = path, .help = "PEM file with its private key, without a password."},
      {"tls_server_name", text, {}, false, "The name its certificate must be for; the host of `address` without it."},
  };
  type.ack = [](const Options&) { return SinkAck::sent; };
  type.max_workers = [](const Options&) { return 64; };
  type.footprint = [](const Options& o, Load) {
    const bool tls = o.flag("tls");
    const Bytes each = Bytes(out_capacity) + o.size("send_buffer") * 2 + 24_KiB + (tls ? net::tls_footprint : 0_B);
    return std::vector{
        Footprint{.fixed = Bytes{}, .per_unit = each, .max_units = 1, .unit = "connection", .soft = tls}};
  };
  type.make = [](const SinkSetup& setup) { return std::make_unique<TcpSink>(setup); };
  return type;
}

}  // namespace weir::tcp
