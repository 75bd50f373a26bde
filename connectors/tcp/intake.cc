#include "intake.h"

#include <boost/asio/io_context.hpp>

#include "log/log.h"
#include "net/address.h"

namespace weir::tcp {
namespace {

using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr auto sweep_interval = std::chrono::milliseconds(200);
constexpr Duration rests_after = std::chrono::seconds(5);
constexpr Bytes send_buffer = 8_KiB;  // nothing is sent but TLS

Priority gate_of(const PriorityRule& rule) {
  // A priority in the body is known only after reading: it is read while an event of the highest priority could enter
  // (semantics D5).
  return rule.from_body() ? Priority::high : rule.fallback;
}

}  // namespace

TcpIntake::TcpIntake(const IntakeSetup& setup, const TcpOptions& options, std::shared_ptr<Shared> shared)
    : options_(options),
      shared_(std::move(shared)),
      output_(setup.output),
      acceptor_(setup.reactor),
      gate_(gate_of(options.priorities)),
      buffer_(std::make_unique_for_overwrite<char[]>(rest_capacity + most_quantum + block_padding)),
      // Posted, so that the poller is asked in between: nobody who is always ready gets ahead of those who just became
      // so.
      turns_(setup.reactor, [this] { turn(); }),
      sweeps_(setup.reactor, [this] {
        if (stopped_) return;
        sweep();
        sweeps_.sleep(sweep_interval);
      }) {
  if (options_.priorities.from_body()) {
    auto reader = FieldReader::compile(options_.priorities.path, options_.max_event);
    WEIR_CHECK(reader.has_value());  // the configuration has compiled it before
    priority_reader_.emplace(std::move(*reader));
  }
  output_.on_room = [this] { turns_.schedule(); };
  // Listening from here on: whoever connects when the flow says it is ready waits a moment and is not refused.
  const auto endpoint = net::resolve(options_.listen);
  WEIR_CHECK(endpoint.has_value());
  WEIR_CHECK(
      net::listen_on(acceptor_, *endpoint, {shared_->receive_buffers.of_listener(), send_buffer, true}).has_value());
  address_ = net::to_string(acceptor_.local_endpoint());
}

TcpIntake::~TcpIntake() {
  output_.on_room = nullptr;
  stop({});
}

void TcpIntake::start() {
  last_sweep_ = output_.context().now();
  accept();
  sweeps_.sleep(sweep_interval);
}

void TcpIntake::stop(Duration) {
  stopped_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  sweeps_.cancel_sleep();
  while (!connections_.empty()) dismiss(Peer(connections_.front()), Reason::shutdown);
  ready_.clear();
  update_quiet();
}

void TcpIntake::abandon() {
  if (chunk_.peer) output_.refused(chunk_.frames.index.size() - chunk_.next, Reason::shutdown);
  chunk_ = Chunk{};
  stop({});
}

void TcpIntake::update_quiet() { quiet_.store(stopped_ && !chunk_.peer, std::memory_order_release); }

void TcpIntake::accept() {
  acceptor_.async_accept(turns_.guarded([this](const ErrorCode& error, tcp::socket socket) {
    if (stopped_) return;
    accept_stuck_ = error && error != boost::asio::error::connection_aborted;
    if (accept_stuck_) return told_of(error);  // the sweeper tries again
    if (!error) welcome(std::move(socket));
    accept();
  }));
}

void TcpIntake::told_of(const ErrorCode& error) {
  const bool no_descriptor =
      error == boost::system::errc::too_many_files_open || error == boost::system::errc::too_many_files_open_in_system;
  if (no_descriptor) shared_->accepting.reached(output_.context().now());
  log::warn({"source", options_.name}, "{}",
            no_descriptor ? std::string(net::AcceptLimit::sentence) : "cannot accept: " + error.message());
}

/// Above the cap a new connection is closed at once. No other connection is closed for it: a sender of lines is not
/// told which of them arrived, so to close its connection could lose what it has just written.
void TcpIntake::welcome(tcp::socket socket) {
  if (shared_->connections.fetch_add(1, std::memory_order_relaxed) >= options_.max_connections) {
    shared_->connections.fetch_sub(1, std::memory_order_relaxed);
    output_.refused(1, Reason::too_many_connections);
    shared_->full.reached(output_.context().now());
    log::warn({"source", options_.name}, "{}", net::full_sentence(options_.max_connections, "closed"));
    return;
  }
  auto peer = std::make_shared<Connection>(std::move(socket), options_.framing, options_.max_event);
  if (output_.reads(Attribute::peer)) {
    ErrorCode unknown;
    const auto remote = peer->socket.remote_endpoint(unknown);
    Origin origin;
    if (!unknown) origin.peer = origin_text(remote.address().to_string());
    peer->origin = std::make_shared<const Origin>(std::move(origin));
  }
  shared_->receive_buffers.begin(peer->socket.native_handle());
  peer->place = connections_.insert(connections_.end(), peer);
  if (options_.tls) {
    peer->tls = options_.tls->accept(peer->socket.native_handle());
    peer->phase = Connection::Phase::handshake;
  }
  arm(peer, tcp::socket::wait_read);
}

void TcpIntake::arm(const Peer& peer, tcp::socket::wait_type what) {
  peer->socket.async_wait(what, turns_.guarded([this, peer](const ErrorCode&) {
    if (!peer->closed) on_event(peer);
  }));
}

void TcpIntake::on_event(const Peer& peer) {
  if (peer->phase == Connection::Phase::handshake) return shake_hands(peer);
  peer->phase = Connection::Phase::ready;
  ready_.push_back(peer);
  turns_.schedule();
}

void TcpIntake::shake_hands(const Peer& peer) {
  switch (peer->tls->handshake()) {
    case Connection::State::wait_read: return arm(peer, tcp::socket::wait_read);
    case Connection::State::wait_write: return arm(peer, tcp::socket::wait_write);
    case Connection::State::ok: break;
    default:
      if (peer->tls->is_unknown_peer()) output_.refused(1, Reason::unauthorized);
      return dismiss(peer, Reason::bad_request);
  }
  peer->waited = Duration{0};
  peer->phase = Connection::Phase::waiting;
  on_event(peer);  // the first bytes may have come with the end of the handshake
}

bool TcpIntake::may_read() const { return !stopped_ && may_give(gate_); }

void TcpIntake::turn() {
  if (chunk_.peer && !give()) return;
  for (auto n = ready_.size(); n > 0 && !ready_.empty() && may_read(); --n) {
    const Peer peer = std::move(ready_.front());
    ready_.pop_front();
    if (peer->closed) continue;
    read(peer);
    if (chunk_.peer && !give()) return;
  }
  if (!ready_.empty() && may_read()) turns_.schedule();
}

/// Only time spent waiting for the sender counts: no connection is closed because of pressure in the flow.
void TcpIntake::sweep() {
  const TimePoint now = output_.context().now();
  const Duration passed = now - std::exchange(last_sweep_, now);
  for (auto it = connections_.begin(); it != connections_.end();) {
    const Peer peer = *it++;
    const bool shaking = peer->phase == Connection::Phase::handshake;
    if (!shaking && peer->phase != Connection::Phase::waiting) continue;
    peer->waited += passed;
    if (peer->waited >= rests_after)
      peer->grown = shared_->receive_buffers.rest(peer->socket.native_handle(), peer->grown);
    const bool hurry = shaking || is_unfinished(*peer);
    if (peer->waited > (hurry ? options_.frame_timeout : options_.idle_timeout)) dismiss(peer, Reason::body_timeout);
  }
  if (std::exchange(accept_stuck_, false)) accept();
}

/// An unfinished frame is lost with its sender, and counted.
void TcpIntake::dismiss(const Peer& given, Reason why) {
  const Peer peer = given;
  if (peer->closed) return;
  if (!peer->rest.empty() || (large_.owner == peer && large_.used > 0)) output_.refused(1, why);
  peer->close();
  shared_->receive_buffers.give_back(peer->grown);
  connections_.erase(peer->place);
  shared_->connections.fetch_sub(1, std::memory_order_relaxed);
  std::erase(large_.line, peer);
  if (large_.owner == peer) free_large();
}

std::vector<Footprint> footprint(const TcpOptions& options, int reactors, bool with_tls) {
  constexpr Bytes own = 4_KiB;  // the Connection, and the kernel's socket, file and epoll entries
  const net::ReceiveBuffers buffers(least_receive_buffer, options.receive_buffer, options.receive_memory);
  const Bytes each = (buffers.least() + send_buffer) * 2 + Bytes(rest_capacity) + own;
  const std::size_t read = rest_capacity + most_quantum;
  const Bytes reactor = Bytes(2 * read + read / 2 * sizeof(Batch::Slot) * 2) + options.max_event;
  return {{.fixed = buffers.most_grown(options.max_connections),
           .per_unit = each + (with_tls ? net::tls_footprint : 0_B),
           .max_units = options.max_connections,
           .unit = "connection",
           .soft = with_tls},
          {.fixed = Bytes{},
           .per_unit = reactor,
           .max_units = static_cast<std::uint64_t>(reactors),
           .unit = "reactor: buffers, one large event"}};
}

}  // namespace weir::tcp
