#include "net/readiness.h"

#include <gtest/gtest.h>
#include <weir/async/with_deadline.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/wire.h"

namespace weir::net {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

/// Both ends of a connection; `watch` is on the first.
struct Pair {
  explicit Pair(asio::io_context& io) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    watch.emplace(io.get_executor(), ends[0]);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    watch.reset();
    for (const int end : ends) ::close(end);
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(ends[1], text.data(), text.size(), 0), static_cast<long>(text.size()));
  }
  void send_end() { EXPECT_EQ(::shutdown(ends[1], SHUT_WR), 0); }
  /// What has come, "END", or "" for nothing now; as Wire reads.
  std::string receive() {
    std::array<char, 64> buffer;
    const long n = ::recv(ends[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < static_cast<long>(buffer.size())) watch->in().not_ready();
    return n == 0 ? "END" : std::string(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  }

  std::array<int, 2> ends{-1, -1};
  std::optional<Watch> watch;
};

awaitable<void> read_all(Pair& pair, std::vector<std::string>& said) {
  for (std::string text; text != "END";) {
    text = pair.receive();
    said.push_back(text);
    if (!pair.watch->in().is_ready() && !co_await pair.watch->wait(pair.watch->in())) co_return;
  }
}

class Readiness : public ::testing::Test {
 protected:
  /// Until nobody waits; a wait that does not end fails its test.
  void run() { io.run_for(std::chrono::seconds(60)); }
  void start(awaitable<void> what) { asio::co_spawn(io, std::move(what), asio::detached); }
  asio::io_context io;
  std::vector<std::string> said;
};

TEST_F(Readiness, AWaitEndsWhenBytesComeAndOnlyThenIsReadAgain) {
  Pair pair(io);
  start(read_all(pair, said));
  io.poll();
  EXPECT_EQ(said, (std::vector<std::string>{""}));
  pair.send("one");
  io.poll();
  EXPECT_EQ(said, (std::vector<std::string>{"", "one"}));
  pair.send("two");
  pair.send_end();
  run();
  EXPECT_EQ(said.back(), "END");
}

TEST_F(Readiness, AnEndThatCameWithTheLastBytesIsSeenAlthoughThoseWereFewerThanAskedFor) {
  Pair pair(io);
  start(read_all(pair, said));
  io.poll();
  pair.send("all");
  pair.send_end();
  run();
  EXPECT_EQ(said, (std::vector<std::string>{"", "all", "END"}));
}

awaitable<void> collect(Wire& wire, std::string& all, std::size_t enough) {
  std::array<char, 64> buffer;
  while (all.size() < enough) {
    const long n = wire.receive(buffer.data(), buffer.size());
    if (n > 0) all.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0 || n == Wire::broken) co_return;
    if (n == Wire::nothing_now && !co_await wire.readable()) co_return;
  }
}

TEST_F(Readiness, WhatStandsBehindTheMarkOfUrgentDataIsRead) {
  using asio::ip::tcp;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket peer(io), mine(io);
  peer.connect(acceptor.local_endpoint());
  acceptor.accept(mine);
  Wire wire(std::move(mine));
  std::string all;
  start(collect(wire, all, 5));
  io.poll();
  const auto send = [&](std::string_view bytes, int flags) {
    EXPECT_EQ(::send(peer.native_handle(), bytes.data(), bytes.size(), flags), static_cast<long>(bytes.size()));
  };
  send("56", 0);
  send("X", MSG_OOB);
  send("789", 0);  // all three are there before anything is read
  run();
  EXPECT_EQ(all, "56789");
}

TEST_F(Readiness, WhatCameBeforeTheFirstWaitEndsIt) {
  Pair pair(io);
  pair.watch->in().not_ready();
  pair.send("early");
  bool woken = false;
  start([](Pair& p, bool& w) -> awaitable<void> { w = co_await p.watch->wait(p.watch->in()); }(pair, woken));
  run();
  EXPECT_TRUE(woken);
  EXPECT_EQ(pair.receive(), "early");
}

TEST_F(Readiness, BothDirectionsWaitForThemselves) {
  Pair pair(io);
  const std::string much(1 << 16, 'x');
  while (::send(pair.ends[0], much.data(), much.size(), MSG_DONTWAIT) > 0) continue;
  pair.watch->out().not_ready();
  pair.watch->in().not_ready();
  const auto wait = [](Pair& p, Direction& direction, bool& woken) -> awaitable<void> {
    woken = co_await p.watch->wait(direction);
  };
  bool read = false, written = false;
  start(wait(pair, pair.watch->in(), read));
  start(wait(pair, pair.watch->out(), written));
  io.poll();
  EXPECT_FALSE(read || written);
  pair.send("in");
  io.poll();
  EXPECT_TRUE(read && !written);
  std::string sink(1 << 20, ' ');
  while (::recv(pair.ends[1], sink.data(), sink.size(), MSG_DONTWAIT) > 0) continue;
  run();
  EXPECT_TRUE(written);
}

TEST_F(Readiness, WhoIsInterruptedReadsFalseAndRunReturns) {
  Pair pair(io);
  pair.watch->in().not_ready();
  std::optional<bool> woken;
  start([](Pair& p, std::optional<bool>& w) -> awaitable<void> { w = co_await p.watch->wait(p.watch->in()); }(pair,
                                                                                                              woken));
  io.poll();
  EXPECT_FALSE(woken);
  pair.watch->interrupt();
  EXPECT_FALSE(woken) << "later, not in the middle of who interrupts";
  run();
  EXPECT_EQ(woken, false);
}

TEST_F(Readiness, ADeadlineEndsAWait) {
  Pair pair(io);
  pair.watch->in().not_ready();
  std::optional<bool> woken;
  bool over = false;
  start([](Pair& p, std::optional<bool>& w, bool& o) -> awaitable<void> {
    w = co_await async::with_deadline(p.watch->wait(p.watch->in()), std::chrono::milliseconds(1));
    o = true;
  }(pair, woken, over));
  run();
  EXPECT_TRUE(over);
  EXPECT_NE(woken, true);
}

/// Both have an event in the same turn, and whoever goes on first ends the other.
TEST_F(Readiness, ASocketThatIsClosedInTheMiddleOfATurnIsLeftAlone) {
  auto one = std::make_unique<Pair>(io), two = std::make_unique<Pair>(io);
  std::vector<bool> woken;
  const auto wait = [](std::unique_ptr<Pair>& own, std::unique_ptr<Pair>& other,
                       std::vector<bool>& w) -> awaitable<void> {
    own->watch->in().not_ready();
    const bool ready = co_await own->watch->wait(own->watch->in());
    w.push_back(ready);
    if (ready) other.reset();
  };
  start(wait(one, two, woken));
  start(wait(two, one, woken));
  io.poll();
  one->send("x");
  two->send("x");
  run();
  EXPECT_EQ(woken, (std::vector<bool>{true, false}));
}

TEST_F(Readiness, WhoWaitsWhenTheReactorGoesIsDestroyed) {
  const auto alive = std::make_shared<int>();
  {
    asio::io_context other;
    const auto wait = [](asio::io_context& on, std::shared_ptr<int>) -> awaitable<void> {
      Pair pair(on);
      pair.watch->in().not_ready();
      (void)co_await pair.watch->wait(pair.watch->in());
    };
    asio::co_spawn(other, wait(other, alive), asio::detached);
    other.poll();
    EXPECT_GT(alive.use_count(), 1);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace weir::net
