#include "net/http_client.h"

#include <boost/asio/ip/tcp.hpp>

#include "net/server_for_test.h"

namespace weir::net {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

TEST(HttpClient, GetsABody) {
  TestServer server(echo);
  EXPECT_EQ(http_get(server.address, "/a", seconds(5)).value(), "GET /a ");
  EXPECT_EQ(http_request("POST", server.address, "/b", "{}", seconds(5)).value().body, "POST /b {}");
}

TEST(HttpClient, GetsAStreamedBody) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    co_await e.start(200, "text/plain");
    co_await e.write("one ");
    co_await e.write("two");
    co_await e.finish();
  });
  EXPECT_EQ(http_get(server.address, "/", seconds(5)).value(), "one two");
}

TEST(HttpClient, AnotherStatusIsAnErrorThatQuotesTheReply) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    Response r{.status = 404, .body = "no such edge\nmore"};
    co_await e.respond(std::move(r));
  });
  EXPECT_EQ(http_get(server.address, "/x", seconds(5)).error().message,
            server.address + "/x answered 404: no such edge");
  EXPECT_EQ(http_request("GET", server.address, "/x", "", seconds(5)).value().status, 404);
}

TEST(HttpClient, SaysWhenNobodyIsThere) {
  std::string address;
  {
    TestServer server(echo);
    address = server.address;
  }
  const auto reply = http_get(address, "/", seconds(5));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, Error::Kind::disconnected);
  EXPECT_NE(reply.error().message.find("is it running?"), std::string::npos) << reply.error().message;
}

TEST(HttpClient, GivesUpInTime) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    co_await e.start(200, "text/plain");
    TestGate never_opened(static_cast<boost::asio::io_context&>((co_await boost::asio::this_coro::executor).context()));
    co_await never_opened.wait();
  });
  const auto reply = http_get(server.address, "/", seconds(1));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("no reply in time"), std::string::npos);
}

/// Answers one connection with these bytes and closes it.
class Replies {
 public:
  explicit Replies(std::string bytes) {
    acceptor_.open(boost::asio::ip::tcp::v4());
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
    acceptor_.listen();
    address = "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    thread_ = std::thread([this, text = std::move(bytes)] {
      auto socket = acceptor_.accept();
      char request[1024];
      (void)::recv(socket.native_handle(), request, sizeof request, 0);
      (void)::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL);
    });
  }
  ~Replies() { thread_.join(); }
  std::string address;

 private:
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  std::thread thread_;
};

TEST(HttpClient, NoticesAReplyThatBreaksOff) {
  Replies cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  const auto reply = http_get(cut.address, "/", seconds(5));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("broke in the middle"), std::string::npos) << reply.error().message;
}

TEST(HttpClient, NoticesThatTheOtherSideIsNoHttpServer) {
  Replies other("220 mail.example.org ESMTP\r\n");
  EXPECT_NE(http_get(other.address, "/", seconds(5)).error().message.find("not HTTP"), std::string::npos);
}

}  // namespace
}  // namespace weir::net
