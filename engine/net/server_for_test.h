#pragma once
// For tests: a server on a loopback port with a clock that the test moves.
#include <weir/base/context.h>

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/client_for_test.h"
#include "net/http_server.h"
#include "net/reactor.h"

namespace weir::net {

class TestServer {
 public:
  explicit TestServer(Handler handler, ServerConfig config = {});
  ~TestServer();
  /// What f returns, called on the reactor's thread. All that it costs a file to compile is the call.
  template <typename F>
  auto on_reactor(F f) {
    if constexpr (std::is_void_v<decltype(f())>) {
      run([&f] { f(); });
    } else {
      std::optional<decltype(f())> result;
      run([&] { result.emplace(f()); });
      return *std::move(result);
    }
  }
  /// Moves the clock, and lets the sweeper see it.
  void pass(Duration d);
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
  void run(const std::function<void()>& f);

  ManualClock clock_;
  Context context_{clock_};
  Reactor reactor_{"test"};
  std::optional<HttpServer> server_;
};

/// Something a handler can wait for and a test can fire.
class TestGate {
 public:
  explicit TestGate(boost::asio::io_context& io) : timer_(io, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::awaitable<void> wait();
  void open() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

/// A handler that answers when the test says so.
struct Waiting {
  std::optional<TestGate> gate;
  std::optional<bool> answered;
  Handler handler();
  void release(TestServer& server);
};

/// Answers with "METHOD target body".
boost::asio::awaitable<void> echo(Exchange& exchange);

}  // namespace weir::net
