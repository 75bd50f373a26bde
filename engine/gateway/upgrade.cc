#include "gateway/upgrade.h"

#include <boost/asio/co_spawn.hpp>

#include "net/surface.h"

namespace weir::gateway {
namespace {

constexpr Bytes tunnel_piece = config::upstream_buffer;

}  // namespace

boost::asio::awaitable<void> Tunnel::run(std::string_view fields, Duration idle) {
  net::Exchange& client = request_.exchange;
  moved();
  request_.idle_limit = idle;
  if (!co_await client.switch_protocols(fields)) co_return connection_.abort();
  boost::asio::co_spawn(io_, upward(), net::surface);
  while (const auto piece = co_await connection_.read(tunnel_piece)) {
    if (piece->empty() || !co_await client.write(*piece)) break;
    request_.sent += piece->size();
    moved();
  }
  (void)co_await client.finish();
  connection_.abort();
  client.stop_reading();
  while (!over_.is_set()) co_await over_.wait(std::chrono::hours(1));
}

boost::asio::awaitable<void> Tunnel::upward() {
  for (;;) {
    const auto piece = co_await request_.exchange.read(tunnel_piece);
    if (!piece) {
      connection_.abort();
      break;
    }
    if (piece->empty()) {
      (void)co_await connection_.finish();
      break;
    }
    request_.received += piece->size();
    moved();
    if (!co_await connection_.write(*piece)) break;
  }
  over_.set();
}

}  // namespace weir::gateway
