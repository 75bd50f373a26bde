#pragma once
// For tests: a server on a loopback port with a clock that the test moves, and a client that says exactly which bytes.
#include <weir/base/context.h>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

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

/// Blocking, with a limit of ten seconds on every wait.
class TestClient {
 public:
  /// `socket`: one made earlier, when there were descriptors left.
  explicit TestClient(const TestServer& server, int receive_buffer = 0, int socket = -1) : fd_(socket) {
    const auto port = static_cast<std::uint16_t>(std::stoi(server.address.substr(server.address.rfind(':') + 1)));
    if (fd_ < 0) fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  TestClient(const TestClient&) = delete;
  ~TestClient() { close(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // refused: the answer says why
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// As much as the connection takes now; for a server that does not read.
  std::size_t send_now(std::string_view bytes) {
    const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  /// One answer, head and body by its Content-Length (or to the end, without one).
  std::string answer(bool bodyless = false) {
    while (input_.find("\r\n\r\n") == input_.npos)
      if (!more()) return std::exchange(input_, {});
    const auto head = input_.find("\r\n\r\n") + 4;
    const auto field = input_.substr(0, head).find("Content-Length: ");
    std::size_t size = head;
    if (field != input_.npos && !bodyless) size += std::stoul(input_.substr(field + 16));
    while (input_.size() < size)
      if (!more()) break;
    std::string out = input_.substr(0, size);
    input_.erase(0, size);
    return out;
  }
  /// Whatever comes next; "" when the server closed.
  std::string some() {
    more();
    return std::exchange(input_, {});
  }
  /// Everything until the server closes; "RESET" at the end when it did so rudely.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(input_, {}) + (reset_ ? "RESET" : "");
  }
  bool closed() { return rest().empty(); }
  void forget() { std::string().swap(input_); }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  int fd() const { return fd_; }
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  bool more() {
    char buffer[64 << 10];
    const long n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
    if (n < 0) {
      reset_ = errno == ECONNRESET;
      if (errno == EAGAIN) ADD_FAILURE() << "nothing came in ten seconds; so far: " << input_.substr(0, 500);
    }
    return n > 0;
  }
  int fd_ = -1;
  bool reset_ = false;
  std::string input_;
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
