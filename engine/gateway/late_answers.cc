// The requests at an upstream that nobody waits for any more (upstream.h).
#include <boost/asio/co_spawn.hpp>

#include <utility>

#include "gateway/upstream.h"
#include "net/surface.h"

namespace weir::gateway {
namespace {

constexpr Duration late_patience = std::chrono::seconds(30);
constexpr std::size_t worth_reading = 64 << 10;  // of a body, for the sake of the connection

boost::asio::awaitable<bool> receive_head(net::ClientConnection& connection) {
  while (co_await connection.receive_head())
    if (!connection.head().is_interim()) co_return true;
  co_return false;
}

boost::asio::awaitable<void> read_away(net::ClientConnection& connection) {
  for (std::size_t done = 0; done <= worth_reading;) {
    const auto piece = co_await connection.read(config::upstream_buffer);
    if (!piece || piece->empty()) co_return;
    done += piece->size();
  }
  connection.abort();
}

}  // namespace

void Upstream::await_late(Line line, Permit permit, Attempt attempt) {
  boost::asio::co_spawn(io_, receive_late(std::move(line), std::move(permit), std::move(attempt)), net::surface);
}

boost::asio::awaitable<void> Upstream::receive_late(Line line, Permit permit, Attempt attempt) {
  net::ClientConnection& connection = *line.connection;
  const auto place = late_.insert(late_.end(), {&connection, context_.now()});
  connection.take_over();
  const bool answered = co_await receive_head(connection);
  const bool well = answered && connection.head().status < 500;
  if (answered) co_await read_away(connection);
  late_.erase(place);
  if (answered && !well) attempt.failed(context_.now());
  end_late(std::move(line), permit, attempt, answered);
}

/// How long it took tells nothing of how many may be in flight, but that it moves.
void Upstream::end_late(Line line, Permit& permit, Attempt& attempt, bool answered) {
  const TimePoint now = context_.now();
  const bool ours = line.connection->trouble() == net::ClientConnection::Trouble::aborted && !answered;
  if (answered) {
    attempt.ok(now);
    if (room_) room_->moved(now);
  } else {
    attempt.failed(now);
  }
  done(std::move(line), answered ? Endpoints::End::answered : Endpoints::End::failed,
       answered ? ""
       : ours   ? "no answer until the deadline and 30 s more"
                : "closed the connection, late");
  answered ? ignored(permit) : failed(permit);
}

void Upstream::leave_late() {
  const TimePoint now = context_.now();
  for (const Late& late : late_)
    if (now - late.since >= late_patience) late.connection->abort();
}

}  // namespace weir::gateway
