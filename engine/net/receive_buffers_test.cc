// Whose receive buffer grows, out of what, and when it is given back.
#include "net/receive_buffers.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <boost/asio/awaitable.hpp>

#include <vector>

#include "net/server_for_test.h"

namespace weir::net {
namespace {

constexpr int none = -1;  // of the sizes alone no socket is told

TEST(ReceiveBuffers, DoubleForWhoeverFillsThemUpToTheLargest) {
  ReceiveBuffers buffers(16_KiB, 64_KiB, 1_MiB);
  auto grown = buffers.after_read(none, 0, 8191, 32768);
  EXPECT_EQ(buffers.size(grown), 16_KiB) << "less than half of it";
  grown = buffers.after_read(none, grown, 8192, 32768);
  EXPECT_EQ(buffers.size(grown), 32_KiB);
  grown = buffers.after_read(none, grown, 4096, 4096);
  EXPECT_EQ(buffers.size(grown), 64_KiB) << "there may be more behind what was asked for";
  EXPECT_EQ(buffers.after_read(none, grown, 32768, 32768), grown);
  EXPECT_EQ(buffers.in_use(), 96_KiB) << "the kernel doubles";
}

TEST(ReceiveBuffers, GrowNoFurtherThanThePoolAndShareWhatComesBack) {
  ReceiveBuffers buffers(16_KiB, 64_KiB, 64_KiB);
  auto one = buffers.after_read(none, 0, 32768, 32768);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(buffers.after_read(none, one, 32768, 32768), one) << "64 KiB more were needed, 32 are there";
  const auto other = buffers.after_read(none, 0, 32768, 32768);
  EXPECT_EQ(other, 1);
  EXPECT_EQ(buffers.after_read(none, other, 32768, 32768), other);
  one = buffers.rest(none, one);
  EXPECT_EQ(one, 0);
  EXPECT_EQ(buffers.rest(none, one), 0) << "once";
  EXPECT_EQ(buffers.in_use(), 32_KiB);
  buffers.give_back(other);
  EXPECT_EQ(buffers.in_use(), 0_B);
}

TEST(ReceiveBuffers, KeepTheirSizeWhileNobodyElseNeedsIt) {
  ReceiveBuffers buffers(16_KiB, 64_KiB, 128_KiB);
  const auto grown = buffers.after_read(none, 0, 32768, 32768);
  EXPECT_EQ(buffers.rest(none, grown), grown) << "a smaller one would make its sender wait";
  buffers.after_read(none, 0, 32768, 32768);
  buffers.after_read(none, 0, 32768, 32768);
  EXPECT_EQ(buffers.rest(none, grown), 0);
}

TEST(ReceiveBuffers, StayAsTheyAreWhereTheLargestIsSmall) {
  ReceiveBuffers buffers(16_KiB, 8_KiB, 1_MiB);
  EXPECT_EQ(buffers.least(), 8_KiB);
  EXPECT_EQ(buffers.after_read(none, 0, 8192, 8192), 0);
}

TEST(ReceiveBuffers, BeginWithAtLeastHalfOfTheWindowThatTheirSendersHaveSeen) {
  const ReceiveBuffers small(8_KiB, 64_KiB, 1_MiB), large(8_KiB, 256_KiB, 1_MiB);
  EXPECT_EQ(small.of_listener(), 8_KiB);
  EXPECT_EQ(small.least(), 8_KiB);
  EXPECT_EQ(large.of_listener(), 256_KiB) << "a window above 64 KiB is agreed on with the first packet";
  EXPECT_EQ(large.least(), 32_KiB);
}

/// A server whose connections begin with 8 KiB and may grow.
struct Growing {
  explicit Growing(Bytes pool) : buffers(std::make_shared<ReceiveBuffers>(8_KiB, 64_KiB, pool)) {}
  ServerConfig config() const { return {.receive_buffer = 64_KiB, .receive_buffers = buffers}; }
  std::shared_ptr<ReceiveBuffers> buffers;
};

/// Sends as much as the connection takes while nobody reads, so that the next read finds a full buffer.
void fill(TestClient& client, std::string_view body, std::size_t& sent) {
  for (int unsent = 1; unsent > 0;) {
    const auto n = client.send_now(body.substr(sent));
    sent += n;
    if (n > 0) continue;
    ioctl(client.fd(), SIOCOUTQ, &unsent);
    if (unsent > 0) return;
  }
}

TEST(ReceiveBuffers, OfAnHttpServerGrowForALargeBodyAndShrinkWhenItsSenderRests) {
  const Growing growing(16_KiB);  // for one that has doubled once
  std::optional<TestGate> gate;
  const auto read_behind_gate = [&](Exchange& exchange) -> boost::asio::awaitable<void> {
    co_await gate->wait();
    co_await echo(exchange);
  };
  TestServer server(read_behind_gate, growing.config());
  gate.emplace(server.io());
  TestClient client(server);
  const std::string body(4 << 20, 'x');
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  std::size_t sent = 0;
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  fill(client, body, sent);
  EXPECT_LT(sent, body.size());
  EXPECT_EQ(growing.buffers->in_use(), 0_B) << "unread, it grows by nothing";
  server.on_reactor([&] { gate->open(); });
  client.send(std::string_view(body).substr(sent));
  EXPECT_NE(client.answer().find("200"), std::string::npos);
  server.on_reactor([&] { gate.reset(); });
  EXPECT_EQ(growing.buffers->in_use(), 16_KiB);
  server.until([](HttpServer& s) { return s.stats().idle == 1; });
  server.pass(std::chrono::seconds(4));
  EXPECT_EQ(growing.buffers->in_use(), 16_KiB);
  server.pass(std::chrono::seconds(2));
  EXPECT_EQ(growing.buffers->in_use(), 0_B);
}

TEST(ReceiveBuffers, OfAnHttpServerStaySmallForManySmallRequests) {
  const Growing growing(16_MiB);
  TestServer server(echo, growing.config());
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<TestClient>(server));
    clients.back()->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n" + std::string(3000, 'x'));
    clients.back()->answer();
  }
  EXPECT_EQ(growing.buffers->in_use(), 0_B);
}

TEST(ReceiveBuffers, OfAnHttpServerAreGivenBackByWhoeverLeaves) {
  const Growing growing(16_MiB);
  TestServer server(echo, growing.config());
  {
    TestClient client(server);
    // A read that brought all that was asked for grows it, and of so much some do.
    const std::string body(1 << 20, 'x');
    const std::string request =
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    while (growing.buffers->in_use() == 0_B) {
      client.send(request);
      client.answer();
    }
  }
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  EXPECT_EQ(growing.buffers->in_use(), 0_B);
}

TEST(ReceiveBuffers, CountInTheFootprintOnceForAllConnections) {
  const Growing growing(1_MiB);
  const ServerConfig fixed{.receive_buffer = 64_KiB};
  EXPECT_EQ(connection_footprint(fixed).per_unit - connection_footprint(growing.config()).per_unit, 112_KiB);
  EXPECT_EQ(growing.buffers->most_grown(1), 112_KiB);
  EXPECT_EQ(growing.buffers->most_grown(1000), 1_MiB);
}

}  // namespace
}  // namespace weir::net
