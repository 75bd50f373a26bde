#include "net/client_pool.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>
#include <weir/async/signal.h>

#include <algorithm>

#include "net/dial_limits.h"
#include "net/readiness.h"

namespace weir::net {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kept_buffers = 64;  // fewer cost a malloc of 32 KiB a request as soon as more are in flight

}  // namespace

/// The addresses of a name; outlives the pool while it is looked up.
struct ClientPool::Names : std::enable_shared_from_this<ClientPool::Names> {
  explicit Names(asio::io_context& io) : resolver(io), answered(io) {}
  asio::ip::tcp::resolver resolver;
  async::WaitLine answered;
  std::string host, port;
  std::vector<Endpoint> known;
  std::string why = "the name is being looked up";
  TimePoint asked{};
  bool literal = false, asking = false;

  void ask(asio::io_context& io, TimePoint now) {
    if (literal || asking) return;
    asking = true;
    asked = now;
    asio::co_spawn(io, look_up(shared_from_this()), asio::detached);
  }
  static asio::awaitable<void> look_up(std::shared_ptr<Names> self) {
    boost::system::error_code error;
    const auto found =
        co_await self->resolver.async_resolve(self->host, self->port, asio::redirect_error(asio::use_awaitable, error));
    self->asking = false;
    if (error) {
      self->why = "its name was not resolved: " + error.message();
    } else {
      std::vector<Endpoint> all;
      for (const auto& entry : found) all.push_back(entry.endpoint());
      self->known = by_turns(std::move(all));
      if (self->known.size() > most_addresses) self->known.resize(most_addresses);
    }
    self->answered.wake_all();
  }
};

ClientPool::ClientPool(asio::io_context& io, PoolConfig config, const Context& context)
    : io_(io),
      config_(std::move(config)),
      context_(context),
      buffers_(config_.buffer, std::min(kept_buffers, config_.max_connections)),
      names_(std::make_shared<Names>(io)) {
  (void)ReadyLine::of(io.get_executor());
  host_ = config_.address.substr(0, config_.address.rfind(':'));
  if (host_.starts_with('[')) host_ = host_.substr(1, host_.size() - 2);
  names_->literal = is_literal(config_.address);
  if (names_->literal) {
    if (auto endpoint = resolve(config_.address)) names_->known = {*endpoint};
  } else {
    names_->host = host_;
    names_->port = config_.address.substr(config_.address.rfind(':') + 1);
    names_->ask(io_, context_.now());
  }
}

ClientPool::~ClientPool() {
  names_->resolver.cancel();
  WEIR_CHECK(out_ == 0);
}

Bytes ClientPool::footprint(const PoolConfig& config) {
  return (config.dial.receive_buffer + config.dial.send_buffer) * 2 + config.buffer + 4_KiB +
         (config.tls ? tls_footprint : 0_B);
}

bool ClientPool::is_old(const ClientConnection& connection) const {
  return context_.now() - connection.opened_at() > config_.max_age;
}

std::optional<ClientPool::Taken> ClientPool::take_kept(bool surely) {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back().connection);
    idle_.pop_back();
    if (is_old(*connection) || connection->is_stale(surely)) continue;
    ++out_;
    ++reused_;
    return Taken{std::move(connection), true};
  }
  return std::nullopt;
}

asio::awaitable<Result<ClientPool::Taken>> ClientPool::take(bool fresh, Duration most, async::Stop* stop) {
  if (!fresh)
    if (auto kept = take_kept()) co_return std::move(*kept);
  if (stats().open >= config_.max_connections && !idle_.empty()) idle_.erase(idle_.begin());
  if (stats().open >= config_.max_connections) co_return failure("max_connections are in use", Error::Kind::overloaded);
  ++out_;
  async::Stop own;
  auto opened = co_await open(std::min(config_.dial.timeout, most), stop ? *stop : own);
  if (!opened) {
    --out_;
    ++failed_;
    co_return std::unexpected(std::move(opened.error()));
  }
  ++opened_;
  co_return Taken{std::move(*opened), false};
}

asio::awaitable<ClientPool::Opened> ClientPool::open(Duration most, async::Stop& stop) {
  if (closed_) co_return failure("the pool is closed", Error::Kind::disconnected);
  const auto place = opening_.insert(opening_.end(), &stop);
  auto opened = co_await async::with_deadline(open_within(most), std::chrono::hours(24 * 365), &stop);
  opening_.erase(place);
  if (!opened || (!*opened && stop.is_asked()))
    co_return failure("nobody waits for a connection any more", Error::Kind::disconnected);
  co_return std::move(*opened);
}

asio::awaitable<ClientPool::Opened> ClientPool::open_within(Duration most) {
  const TimePoint until = context_.now() + most;
  if (names_->known.empty()) {
    names_->ask(io_, context_.now());
    if (names_->asking) co_await names_->answered.wait(most);
  }
  if (names_->known.empty()) co_return failure(names_->why, Error::Kind::disconnected);
  DialOptions dial = config_.dial;
  dial.timeout = std::max<Duration>(until - context_.now(), std::chrono::milliseconds(1));
  auto socket = co_await async_dial(names_->known, dial);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  auto connection = std::make_unique<ClientConnection>(std::move(*socket), buffers_, config_.max_head, context_.now());
  if (!connection->wire().is_open())
    co_return failure("the kernel watches no more sockets (fs.epoll.max_user_watches)", Error::Kind::disconnected);
  if (config_.tls)
    if (auto done = co_await secure(*connection, until - context_.now()); !done)
      co_return std::unexpected(std::move(done.error()));
  co_return connection;
}

asio::awaitable<Result<void>> ClientPool::secure(ClientConnection& connection, Duration most) {
  Wire& wire = connection.wire();
  const std::string& name = config_.server_name.empty() ? host_ : config_.server_name;
  wire.secure(config_.tls->connect(wire.socket(), name, true));
  const auto done = co_await async::with_deadline(wire.shake_hands(), most);
  if (!done) co_return failure("no TLS handshake in time", Error::Kind::disconnected);
  if (!*done)
    co_return failure(fmt::format("TLS for {}: {}", name, std::string(wire.tls()->why())), Error::Kind::disconnected);
  co_return Result<void>{};
}

void ClientPool::give(std::unique_ptr<ClientConnection> connection) {
  WEIR_CHECK(out_ > 0);
  --out_;
  if (closed_ || !connection->may_reuse()) return;
  connection->rest();
  idle_.push_back({std::move(connection), context_.now()});  // whether it is too old is seen when it is taken, or swept
}

void ClientPool::sweep() {
  const TimePoint now = context_.now();
  std::erase_if(idle_, [&](const Idle& i) { return now - i.since > config_.max_idle || is_old(*i.connection); });
  if (now - names_->asked >= look_up_again) names_->ask(io_, now);
}

void ClientPool::close() {
  closed_ = true;
  for (async::Stop* stop : opening_) stop->ask();
  idle_.clear();
}

}  // namespace weir::net
