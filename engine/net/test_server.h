#pragma once
// For tests: a server on a loopback port with a clock that the test moves.
#include <weir/base/context.h>

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "net/reactor.h"
#include "net/test_client.h"

namespace weir::net {

class TestServer {
 public:
  explicit TestServer(Handler handler, ServerConfig config = {}) {
    config.listen = "127.0.0.1:0";
    server_.emplace(reactor_.io(), config, context_, std::move(handler));
    address = server_->open().value();
    server_->start();
    reactor_.start();
  }
  template <typename F>
  auto on_reactor(F f) {
    std::packaged_task<decltype(f())()> task(std::move(f));
    auto result = task.get_future();
    boost::asio::post(reactor_.io(), [&task] { task(); });
    return result.get();
  }
  ~TestServer() {
    on_reactor([&] { server_.reset(); });
    reactor_.stop();
    reactor_.join();
  }
  /// Moves the clock, and lets the sweeper see it.
  void pass(Duration d) {
    on_reactor([&] {
      server_->sweep();
      clock_.advance(d);
      server_->sweep();
    });
  }
  /// Until the server has seen what a client did; bounded by the test's own timeout.
  template <typename Condition>
  void until(Condition condition) {
    while (!on_reactor([&] { return condition(*server_); })) std::this_thread::yield();
  }
  HttpServer& server() { return *server_; }
  HttpStats stats() { return server_->stats(); }
  boost::asio::io_context& io() { return reactor_.io(); }

  std::string address;

 private:
  ManualClock clock_;
  Context context_{clock_};
  Reactor reactor_{"test"};
  std::optional<HttpServer> server_;
};

/// Something a handler can wait for and a test can fire.
class TestGate {
 public:
  explicit TestGate(boost::asio::io_context& io) : timer_(io, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::awaitable<void> wait() {
    boost::system::error_code ignored;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  void open() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

/// A handler that answers when the test says so.
struct Waiting {
  std::optional<TestGate> gate;
  std::optional<bool> answered;
  Handler handler() {
    return [this](Exchange& e) -> boost::asio::awaitable<void> {
      co_await gate->wait();
      Response r{.body = "done"};
      answered = co_await e.respond(std::move(r));
    };
  }
  void release(TestServer& server) {
    server.until([&](HttpServer& s) {
      gate->open();
      return s.quiet();
    });
    server.on_reactor([&] { gate.reset(); });  // its timer must not outlive the reactor
  }
};

/// Answers with "METHOD target body".
inline boost::asio::awaitable<void> echo(Exchange& exchange) {
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
