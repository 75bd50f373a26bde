#include "net/server_for_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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

TestClient::TestClient(const TestServer& server, int receive_buffer, int socket) : fd_(socket) {
  const auto port = static_cast<std::uint16_t>(std::stoi(server.address.substr(server.address.rfind(':') + 1)));
  if (fd_ < 0) fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (receive_buffer) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}

void TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // refused: the answer says why
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t TestClient::send_now(std::string_view bytes) {
  const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::string TestClient::answer(bool bodyless) {
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

void TestClient::reset() {
  const linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool TestClient::more() {
  char buffer[64 << 10];
  const long n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
  if (n < 0) {
    reset_ = errno == ECONNRESET;
    if (errno == EAGAIN) ADD_FAILURE() << "nothing came in ten seconds; so far: " << input_.substr(0, 500);
  }
  return n > 0;
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
