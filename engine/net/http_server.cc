#include "net/http_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "net/address.h"
#include "net/http_connection.h"
#include "net/problem.h"
#include "net/readiness.h"
#include "net/surface.h"

namespace weir::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr auto sweep_interval = std::chrono::milliseconds(200);
constexpr auto request_begins_within = std::chrono::milliseconds(50);
constexpr std::uint64_t max_refusals = 16;  // connections above the cap that are being told so

bool out_of_descriptors(const ErrorCode& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system;
}

/// Takes in what has come on a socket that is not read; false: no more comes.
bool drop_input(int socket) {
  std::array<char, 16 << 10> sink;
  for (int reads = 0; reads < 64; ++reads) {
    const long n = ::recv(socket, sink.data(), sink.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (n < 0) break;
  }
  return true;
}

}  // namespace

/// State that outlives the HttpServer while coroutines still hold it, so that they can end.
struct HttpServer::Runner : std::enable_shared_from_this<Runner> {
  Runner(asio::io_context& context, const ServerConfig& config, const Context& c, Handler handler)
      : io(context), clock(c), state(config, std::move(handler)), acceptor(context), timer(context) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    for (const int fd : reserve) ::close(fd);
  }

  asio::awaitable<void> accept();
  asio::awaitable<void> refuse(tcp::socket socket);
  asio::awaitable<void> keep_sweeping();
  bool make_room(const tcp::socket& socket);
  bool close_one(const asio::ip::address* of);
  void end_oldest_refusal();
  bool find_descriptor();
  void fill_reserve();
  void sweep();
  void close_all();
  static asio::awaitable<void> serve(std::shared_ptr<Runner> self, tcp::socket socket);
  template <typename Coroutine>
  void spawn(Coroutine&& coroutine) {
    asio::co_spawn(io, std::forward<Coroutine>(coroutine), surface);
  }

  asio::io_context& io;
  const Context& clock;
  ServerState state;
  tcp::acceptor acceptor;
  asio::steady_timer timer;
  TimePoint last_sweep{};
  struct Refusal {
    tcp::socket* socket;
    Duration waited{0};
    bool told = false;
  };
  void tell(Refusal& refusal);
  std::list<Refusal> refusals;
  std::vector<int> reserve;   ///< descriptors to be given up for a connection
  bool accept_stuck = false;  ///< out of file descriptors: the sweeper tries again
  bool closed = false;
};

asio::awaitable<void> HttpServer::Runner::serve(std::shared_ptr<Runner> self, tcp::socket socket) {
  {
    Connection connection(self->state, std::move(socket));
    co_await connection.serve();
  }
  self->fill_reserve();  // at once, before others take the descriptor
}

asio::awaitable<void> HttpServer::Runner::accept() {
  const auto self = shared_from_this();
  while (!state.stopping) {
    ErrorCode error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (state.stopping) co_return;
    if (error) {
      if (error == asio::error::connection_aborted) continue;
      // Without a descriptor accept fails whether or not somebody waits: none is set free before somebody does.
      if (out_of_descriptors(error) && state.config.reserve_descriptors > 0) {
        co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
        if (state.stopping) co_return;
        if (!error && find_descriptor()) continue;
      }
      if (out_of_descriptors(error) && state.config.on_no_descriptor) state.config.on_no_descriptor();
      accept_stuck = true;
      co_return;
    }
    state.accepted.add();
    if (make_room(socket)) {
      spawn(serve(self, std::move(socket)));
      continue;
    }
    state.refused.add();
    if (state.config.on_full && state.connections.get() >= state.config.max_connections) state.config.on_full();
    if (refusals.size() >= max_refusals) end_oldest_refusal();
    spawn(refuse(std::move(socket)));
  }
}

/// Below the caps, or brought there by closing another one.
bool HttpServer::Runner::make_room(const tcp::socket& socket) {
  const ServerConfig& config = state.config;
  if (config.max_per_peer > 0) {
    ErrorCode error;
    const auto peer = socket.remote_endpoint(error).address();
    const auto is_its = [&](const Connection* c) { return !c->is_closed() && !c->is_apart() && c->address() == peer; };
    const auto its = std::ranges::count_if(state.idle, is_its) + std::ranges::count_if(state.busy, is_its);
    if (static_cast<std::size_t>(its) >= config.max_per_peer && !close_one(&peer)) return false;
  }
  return state.connections.get() < config.max_connections || close_one(nullptr);
}

/// Of this client, or of any: who has been idle longest; one with a request on its way is not idle. Then, where the
/// configuration says so, whose request or answer has been unfinished longest.
bool HttpServer::Runner::close_one(const asio::ip::address* of) {
  for (Connection* candidate : state.idle) {
    if ((of && candidate->address() != *of) || candidate->has_input() || candidate->client_gone()) continue;
    state.evicted.add();
    candidate->close();
    return true;
  }
  if (!state.config.close_unfinished) return false;
  for (Connection* candidate : state.busy) {
    if ((of && candidate->address() != *of) || !candidate->unfinished() || candidate->is_apart()) continue;
    state.evicted_unfinished.add();
    candidate->close();
    return true;
  }
  return false;
}

/// That it may not have read the answer yet is less than the next one not being told at all.
void HttpServer::Runner::end_oldest_refusal() {
  const auto oldest = std::ranges::find_if(refusals, [](const Refusal& r) { return r.socket->is_open(); });
  if (oldest == refusals.end()) return;
  tell(*oldest);
  ErrorCode ignored;
  oldest->socket->close(ignored);
}

/// Whether one was set free for accept to use.
bool HttpServer::Runner::find_descriptor() {
  if (reserve.empty()) return state.config.close_unfinished && close_one(nullptr);
  ::close(reserve.back());
  reserve.pop_back();
  return true;
}

void HttpServer::Runner::fill_reserve() {
  while (reserve.size() < state.config.reserve_descriptors && !closed) {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    reserve.push_back(fd);
  }
}

void HttpServer::Runner::tell(Refusal& refusal) {
  if (std::exchange(refusal.told, true) || !refusal.socket->is_open()) return;
  const Rejection why{Reason::too_many_connections, state.config.retry_after_full};
  const std::string body = problem_body(why, {});
  std::string answer;
  append_head(answer, {.status = info(why.reason).http_status,
                       .content_type = "application/json",
                       .length = body.size(),
                       .keep_alive = false,
                       .retry_after = why.retry_after});
  answer += body;
  ErrorCode ignored;
  if (::send(refusal.socket->native_handle(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
    refusal.socket->shutdown(tcp::socket::shutdown_send, ignored);
  else
    refusal.socket->close(ignored);
}

/// Until a request begins to arrive, for a moment: some clients take an answer that comes before they have sent
/// anything for a broken connection.
asio::awaitable<void> first_bytes(tcp::socket& socket) {
  const auto moment = std::make_shared<asio::steady_timer>(socket.get_executor(), request_begins_within);
  socket.async_wait(tcp::socket::wait_read, [moment](const ErrorCode&) { moment->cancel(); });
  ErrorCode ignored;
  co_await moment->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (socket.is_open()) socket.cancel(ignored);
}

/// Answers without reading the request, then waits for the client to close, so that no reset overtakes the answer.
asio::awaitable<void> HttpServer::Runner::refuse(tcp::socket socket) {
  if (state.config.tls) co_return;  // an answer would cost a handshake: it is only closed
  const auto self = shared_from_this();
  if (state.config.receive_buffers) state.config.receive_buffers->begin(socket.native_handle());
  const auto place = refusals.insert(refusals.end(), {.socket = &socket});
  co_await first_bytes(socket);
  tell(*place);
  ErrorCode error;
  while (!error && socket.is_open() && drop_input(socket.native_handle()))
    co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  refusals.erase(place);
}

asio::awaitable<void> HttpServer::Runner::keep_sweeping() {
  const auto self = shared_from_this();
  last_sweep = clock.now();
  while (!closed) {
    timer.expires_after(sweep_interval);
    ErrorCode error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (!closed) sweep();
  }
}

void HttpServer::Runner::sweep() {
  const TimePoint now = clock.now();
  const Duration passed = now - last_sweep;
  last_sweep = now;
  for (Connection* c : state.busy) c->tick(passed);
  for (Connection* c : state.idle) c->tick(passed);
  ErrorCode ignored;
  for (Refusal& r : refusals)
    if ((r.waited += passed) > state.config.linger_timeout) r.socket->close(ignored);
  fill_reserve();
  if (accept_stuck && !state.stopping) {
    accept_stuck = false;
    spawn(accept());
  }
}

void HttpServer::Runner::close_all() {
  closed = state.stopping = true;
  ErrorCode ignored;
  acceptor.close(ignored);
  timer.cancel();
  for (Refusal& r : refusals) r.socket->close(ignored);
  for (Connection* c : state.busy) c->close();
  for (Connection* c : state.idle) c->close();
}

Footprint connection_footprint(const ServerConfig& config, bool holds_pieces) {
  const Bytes receive = config.receive_buffers ? config.receive_buffers->least() : config.receive_buffer;
  const Bytes kernel = (receive + config.send_buffer) * 2;
  const Bytes each = kernel + config.max_header * 2 + 8_KiB + (holds_pieces ? config.read_buffer : 0_B) +
                     (config.tls ? tls_footprint : 0_B);
  return {.fixed = config.read_buffer + config.max_header * 8 + (kernel + 8_KiB) * max_refusals,
          .per_unit = each,
          .max_units = config.max_connections,
          .unit = "connection",
          .soft = config.tls.has_value()};
}

HttpServer::HttpServer(asio::io_context& io, const ServerConfig& config, const Context& context, Handler handler)
    : runner_(std::make_shared<Runner>(io, config, context, std::move(handler))) {
  (void)ReadyLine::of(io.get_executor());
  WEIR_CHECK(config.max_connections > 0 && config.max_header.count() >= 256 && config.read_buffer.count() > 0);
}

HttpServer::~HttpServer() { runner_->close_all(); }

Result<std::string> HttpServer::check_address(const std::string& listen, bool take_over) {
  const auto endpoint = resolve(listen);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (!take_over && endpoint->port() != 0)
    if (auto free = check_free(*endpoint); !free) return std::unexpected(free.error());
  return to_string(*endpoint);
}

Result<std::string> HttpServer::open() {
  const ServerConfig& config = runner_->state.config;
  const auto endpoint = resolve(config.listen);
  if (!endpoint) return std::unexpected(endpoint.error());
  const Bytes receive = config.receive_buffers ? config.receive_buffers->of_listener() : config.receive_buffer;
  auto opened = listen_on(runner_->acceptor, *endpoint, {receive, config.send_buffer, config.reuse_port});
  if (!opened) return std::unexpected(opened.error());
  return to_string(runner_->acceptor.local_endpoint());
}

void HttpServer::start() {
  runner_->fill_reserve();
  runner_->spawn(runner_->accept());
  runner_->spawn(runner_->keep_sweeping());
}

void HttpServer::drain() { runner_->state.draining = true; }

void HttpServer::stop_accepting() {
  runner_->state.stopping = true;
  ErrorCode ignored;
  runner_->acceptor.close(ignored);
}

void HttpServer::close_idle() {
  for (Connection* c : runner_->state.idle)
    if (!c->has_input()) c->close();
}

void HttpServer::close_all() { runner_->close_all(); }
void HttpServer::sweep() { runner_->sweep(); }
bool HttpServer::quiet() const { return runner_->state.busy.empty() && runner_->refusals.empty(); }

HttpStats HttpServer::stats() const {
  const ServerState& s = runner_->state;
  return {.connections = s.connections.get(),
          .idle = s.idle_now.get(),
          .accepted = s.accepted.get(),
          .refused_connections = s.refused.get(),
          .evicted_idle = s.evicted.get(),
          .evicted_unfinished = s.evicted_unfinished.get(),
          .requests = s.requests.get(),
          .bad_requests = s.bad.get(),
          .timeouts = s.timeouts.get(),
          .clients_gone = s.gone.get(),
          .bytes_in = Bytes(s.bytes_in.get()),
          .bytes_out = Bytes(s.bytes_out.get())};
}

}  // namespace weir::net
