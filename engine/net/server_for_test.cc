#include "net/server_for_test.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>

namespace weir::net {

TestServer::TestServer(Handler handler, ServerConfig config) {
  config.listen = "127.0.0.1:0";
  server_.emplace(reactor_.io(), config, context_, std::move(handler));
  address = server_->open().value();
  server_->start();
  reactor_.start();
}

TestServer::~TestServer() {
  on_reactor([&] { server_.reset(); });
  reactor_.stop();
  reactor_.join();
}

void TestServer::run(const std::function<void()>& f) {
  std::packaged_task<void()> task(f);
  boost::asio::post(reactor_.io(), [&task] { task(); });
  task.get_future().get();
}

void TestServer::pass(Duration d) {
  on_reactor([&] {
    server_->sweep();
    clock_.advance(d);
    server_->sweep();
  });
}

boost::asio::awaitable<void> TestGate::wait() {
  boost::system::error_code ignored;
  co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

Handler Waiting::handler() {
  return [this](Exchange& e) -> boost::asio::awaitable<void> {
    co_await gate->wait();
    Response r{.body = "done"};
    answered = co_await e.respond(std::move(r));
  };
}

void Waiting::release(TestServer& server) {
  server.until([&](HttpServer& s) {
    gate->open();
    return s.quiet();
  });
  server.on_reactor([&] { gate.reset(); });  // its timer must not outlive the reactor
}

boost::asio::awaitable<void> echo(Exchange& exchange) {
  std::string text(exchange.head().method);
  text.append(" ").append(exchange.head().target).append(" ");
  for (;;) {
    const auto piece = co_await exchange.read(10_KiB);
    if (!piece) {
      Response refusal{.status = info(piece.error().reason).http_status,
                       .body = std::string(name(piece.error().reason))};
      if (piece.error().reason != Reason::client_gone) co_await exchange.respond(std::move(refusal));
      co_return;
    }
    if (piece->empty()) break;
    text += *piece;
  }
  Response answer{.body = std::move(text)};
  co_await exchange.respond(std::move(answer));
}

}  // namespace weir::net
