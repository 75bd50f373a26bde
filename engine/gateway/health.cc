#include "gateway/health.h"

#include <fmt/format.h>
#include <weir/async/with_deadline.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "net/surface.h"

namespace weir::gateway {
namespace {

namespace asio = boost::asio;
constexpr Bytes probe_piece = 4_KiB;
constexpr std::uint64_t longest_answer = 64 << 10;

}  // namespace

HealthChecks::HealthChecks(asio::io_context& io, const config::HealthConfig& config, std::vector<net::PoolConfig> pools,
                           const Context& context, Told told)
    : io_(io), config_(config), context_(context), told_(std::move(told)) {
  for (net::PoolConfig& pool : pools) {
    pool.max_connections = 1;
    pool.dial.timeout = std::min(pool.dial.timeout, config.timeout);
    all_.push_back(std::make_unique<Watch>(io, std::move(pool), context));
  }
}

void HealthChecks::start() {
  for (std::size_t i = 0; i < all_.size(); ++i) asio::co_spawn(io_, watch(i), net::surface);
  running_ = all_.size();
}

void HealthChecks::stop() {
  over_ = true;
  for (auto& watch : all_) {
    watch->timer.cancel();
    watch->pool.close();
    if (watch->connection) watch->connection->abort();
  }
}

asio::awaitable<void> HealthChecks::watch(std::size_t number) {
  Watch& watch = *all_[number];
  Rng rng = context_.rng();
  while (!over_) {
    const std::string why = co_await ask(watch);
    if (over_) break;
    learn(number, why);
    watch.timer.expires_after(from_seconds(seconds(config_.every) * rng.uniform(0.9, 1.0)));
    boost::system::error_code ignored;
    co_await watch.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    watch.pool.sweep();
  }
  watch.pool.close();
  --running_;
}

asio::awaitable<std::string> HealthChecks::ask(Watch& watch) {
  auto taken = co_await watch.pool.take(false, config_.timeout);
  if (!taken) co_return taken.error().message;
  net::ClientConnection& connection = *taken->connection;
  watch.connection = &connection;
  if (over_) connection.abort();
  auto said = co_await async::with_deadline(
      converse(connection, fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir-health\r\n\r\n", config_.path,
                                       watch.address)),
      config_.timeout);
  watch.connection = nullptr;
  if (!said) connection.abort();
  watch.pool.give(std::move(taken->connection));
  co_return said ? std::move(*said)
                 : fmt::format("no answer to {} within {:g} s", config_.path, seconds(config_.timeout));
}

asio::awaitable<std::string> HealthChecks::converse(net::ClientConnection& connection, std::string head) {
  const std::string broken = "no HTTP answer to " + config_.path;
  if (!co_await connection.send_head(head, net::BodyFraming::none, false)) co_return broken;
  do {
    if (!co_await connection.receive_head()) co_return broken;
  } while (connection.head().is_interim());
  const int status = connection.head().status;
  std::uint64_t size = 0;
  for (;;) {
    const auto piece = co_await connection.read(probe_piece);
    if (!piece) co_return broken;
    if (piece->empty()) break;
    if ((size += piece->size()) > longest_answer) {
      connection.abort();
      break;
    }
  }
  co_return status >= 200 && status < 300 ? std::string() : fmt::format("{} answers {}", config_.path, status);
}

void HealthChecks::learn(std::size_t number, const std::string& why) {
  Watch& watch = *all_[number];
  if (why.empty() == watch.well) {
    watch.in_a_row = 0;
    return;
  }
  if (++watch.in_a_row < (watch.well ? config_.unhealthy : config_.healthy)) return;
  watch.well = !watch.well;
  watch.in_a_row = 0;
  told_(number, watch.well, why);
}

}  // namespace weir::gateway
