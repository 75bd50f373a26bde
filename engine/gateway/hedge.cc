#include "gateway/hedge.h"

#include <boost/asio/co_spawn.hpp>

#include <utility>

#include "net/surface.h"

namespace weir::gateway {

void Hedge::begin(Duration after) {
  began_ = true;
  boost::asio::co_spawn(io_, run(after), net::surface);
}

boost::asio::awaitable<void> Hedge::run(Duration after) {
  if (!co_await wakes_.wait(after) && !request_.stopped)
    if ((given_ = request_.upstream->try_hedge(first_.endpoint))) co_await send();
  request_.hedge.connection = nullptr;
  ended_.set();
}

boost::asio::awaitable<void> Hedge::send() {
  ++request_.attempts;
  request_.hedged = "lost";
  auto line = co_await request_.upstream->connect(false, true, first_.endpoint, request_.deadline - context_.now(),
                                                  request_.hedge.dial);
  if (!line) {
    if (!over_ && !request_.stopped) given_->attempt.failed(context_.now());
    co_return;
  }
  line_ = std::move(*line);
  net::ClientConnection& connection = *line_->connection;
  if (over_ || request_.stopped) co_return connection.abort();
  request_.hedge.connection = &connection;
  const bool answered = co_await ask(connection, head_(line_->endpoint));
  if (!answered || over_ || request_.stopped) co_return;
  won_ = over_ = true;
  request_.hedged = "won";
  request_.endpoint = line_->endpoint;
  request_.upstream->count_hedge_won();
  first_.connection->abort();  // who waits for its answer goes on
}

boost::asio::awaitable<bool> Hedge::ask(net::ClientConnection& connection, const std::string& head) {
  (void)co_await connection.send_head(head, net::BodyFraming::none, request_.exchange.head().method == "HEAD");
  while (co_await connection.receive_head())
    if (!connection.head().is_interim()) co_return true;
  co_return false;
}

boost::asio::awaitable<bool> Hedge::decide(bool first_answered) {
  if (!began_) co_return false;
  if (first_answered && !won_) {
    over_ = true;
    request_.hedge.end(false);
  }
  wakes_.set();  // one that was not sent yet is not sent any more
  while (!ended_.is_set()) co_await ended_.wait(std::chrono::hours(1));
  co_return won_;
}

void Hedge::give_back(Upstream::Line& line, Upstream::Permit& permit, Upstream::Attempt& attempt) {
  if (!given_) return;
  Upstream& upstream = *request_.upstream;
  if (won_) {
    std::swap(line, *line_);
    std::swap(permit, given_->permit);
    std::swap(attempt, given_->attempt);
    request_.leg.connection = line.connection.get();
  }
  if (!line_) return upstream.ignored(given_->permit);
  net::ClientConnection& other = *line_->connection;
  if (other.is_handed_over())
    return upstream.await_late(std::move(*line_), std::move(given_->permit), std::move(given_->attempt));
  const bool ended_here = other.trouble() == net::ClientConnection::Trouble::aborted ||
                          other.trouble() == net::ClientConnection::Trouble::none;
  other.abort();  // an answer that has begun is not read
  if (ended_here) {
    upstream.done(std::move(*line_), won_ ? Endpoints::End::outrun : Endpoints::End::ignored,
                  won_ ? "its hedges answer earlier" : "");
    return upstream.ignored(given_->permit);
  }
  given_->attempt.failed(context_.now());
  upstream.done(std::move(*line_), Endpoints::End::failed, "broke off before an answer");
  upstream.failed(given_->permit);
}

}  // namespace weir::gateway
