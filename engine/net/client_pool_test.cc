#include "net/client_pool.h"

#include <gtest/gtest.h>
#include <weir/base/until_for_test.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "net/peer_for_test.h"
#include "net/reactor.h"

namespace weir::net {
namespace {

using boost::asio::awaitable;
using Trouble = ClientConnection::Trouble;
using namespace std::chrono_literals;

class Pool {
 public:
  template <typename F>
  auto run(F f) {
    return boost::asio::co_spawn(reactor.io(), f, boost::asio::use_future).get();
  }
  explicit Pool(const std::string& address, PoolConfig config = {}) {
    config.address = address;
    pool.emplace(reactor.io(), config, context);
    reactor.start();
  }
  ~Pool() {
    run([this]() -> awaitable<void> {
      pool->close();
      co_return;
    });
    reactor.stop();
    reactor.join();
  }
  /// One exchange; what came of it is in `said`, `trouble` and `kept`.
  void ask(std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n", std::string body = {}) {
    run([&]() -> awaitable<void> {
      auto taken = co_await pool->take();
      if (!taken) {
        error = taken.error().message;
        co_return;
      }
      kept = taken->kept;
      auto& c = *taken->connection;
      co_await c.send_head(head, body.empty() ? BodyFraming::none : BodyFraming::length, head.starts_with("HEAD"));
      if (!body.empty() && co_await c.write(body)) co_await c.finish();
      co_await collect(c);
      pool->give(std::move(taken->connection));
    });
  }
  awaitable<void> collect(ClientConnection& c) {
    said.clear();
    while (co_await c.receive_head()) {
      said += std::to_string(c.head().status) + " ";
      if (c.head().is_interim()) continue;
      for (;;) {
        const auto piece = co_await c.read(1_KiB);
        if (!piece || piece->empty()) break;
        said += *piece;
      }
      break;
    }
    trouble = c.trouble();
  }
  PoolStats stats() {
    return run([this]() -> awaitable<PoolStats> { co_return pool->stats(); });
  }

  ManualClock clock;
  Context context{clock};
  Reactor reactor{"test"};
  std::optional<ClientPool> pool;
  std::string said, error;
  Trouble trouble = Trouble::none;
  bool kept = false;
};

TEST(ClientPool, KeepsAConnectionForTheNextRequest) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("hello");
  });
  Pool pool(peer.address);
  pool.ask();
  EXPECT_EQ(pool.said, "200 hello");
  EXPECT_FALSE(pool.kept);
  pool.ask();
  EXPECT_EQ(pool.said, "200 hello");
  EXPECT_TRUE(pool.kept);
  EXPECT_EQ(peer.connections(), 1);
}

TEST(ClientPool, LeavesAConnectionThatTheServerHasClosed) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.answer("once");
  });
  Pool pool(peer.address);
  pool.ask();
  ASSERT_TRUE(until([&] { return peer.closed() == 1; }));
  pool.ask();
  EXPECT_EQ(pool.said, "200 once");
  EXPECT_FALSE(pool.kept);
  EXPECT_EQ(peer.connections(), 2);
}

TEST(ClientPool, LeavesOneOnWhichTheServerSaysWhatItWasNotAsked) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    c.head();
  });
  Pool pool(peer.address);
  pool.ask();
  EXPECT_EQ(pool.said, "200 ok");
  EXPECT_EQ(pool.stats().idle, 0u) << "the next request would read an answer to no request";
}

TEST(ClientPool, IdleTimeAndAgeAreBounded) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("x");
  });
  Pool pool(peer.address, {.max_idle = 10s, .max_age = 25s});
  const auto sweep = [&] {
    pool.run([&]() -> awaitable<void> {
      pool.pool->sweep();
      co_return;
    });
  };
  pool.ask();
  pool.clock.advance(9s);
  sweep();
  EXPECT_EQ(pool.stats().idle, 1u);
  pool.clock.advance(2s);
  sweep();
  EXPECT_EQ(pool.stats().idle, 0u);
  for (int i = 0; i < 4; ++i) {
    pool.ask();
    pool.clock.advance(8s);
  }
  pool.ask();
  EXPECT_FALSE(pool.kept) << "it is older than 25 s";
}

TEST(ClientPool, NeverHasMoreConnectionsThanItMay) {
  TestPeer peer([](PeerConnection& c, int) { c.head(); });
  Pool pool(peer.address, {.max_connections = 1});
  pool.run([&]() -> awaitable<void> {
    auto first = co_await pool.pool->take();
    auto second = co_await pool.pool->take();
    EXPECT_TRUE(first.has_value());
    EXPECT_EQ(second.error().kind, Error::Kind::overloaded);
    pool.pool->give(std::move(first->connection));
  });
}

TEST(ClientPool, WhoWaitsForAConnectionIsToldWhenItCloses) {
  TestPeer silent([](PeerConnection& c, int) { c.head(); });  // says nothing to the handshake of TLS
  auto tls = TlsContext::client("", {});
  ASSERT_TRUE(tls.has_value());
  Pool pool(silent.address, {.dial = {.timeout = 24h}, .tls = *tls});
  std::string why;
  auto waiting = boost::asio::co_spawn(
      pool.reactor.io(),
      [&]() -> awaitable<void> {
        auto taken = co_await pool.pool->take();
        EXPECT_FALSE(taken.has_value());
        if (!taken) why = taken.error().message;
      },
      boost::asio::use_future);
  EXPECT_TRUE(until([&] { return silent.connections() == 1; }));
  pool.run([&]() -> awaitable<void> {
    pool.pool->close();
    co_return;
  });
  waiting.get();
  EXPECT_EQ(why, "nobody waits for a connection any more");
  EXPECT_EQ(pool.stats().open, 0u);
}

TEST(ClientPool, SaysWhyThereIsNoConnection) {
  std::string gone;
  {
    TestPeer peer([](PeerConnection&, int) {});
    gone = peer.address;
  }
  Pool pool(gone);
  pool.ask();
  EXPECT_EQ(pool.error, "Connection refused");
}

TEST(ClientPool, LooksANameUpAndSaysWhenItHasNoAddress) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("named");
  });
  Pool named("localhost" + peer.address.substr(peer.address.rfind(':')));
  named.ask();
  EXPECT_EQ(named.said, "200 named");
  Pool nameless("no-such-name.invalid:1");
  nameless.ask();
  EXPECT_TRUE(nameless.error.starts_with("its name was not resolved")) << nameless.error;
}

TEST(ClientConnection, ReadsAnAnswerThatComesWhileTheBodyIsStillSent) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
  });
  Pool pool(peer.address);
  pool.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n\r\n", std::string(30'000'000, 'x'));
  EXPECT_EQ(pool.said, "413 large");
  EXPECT_EQ(pool.stats().idle, 0u);
}

TEST(ClientConnection, TellsHalfAnAnswerFromAWholeOne) {
  const std::string answers[] = {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"};
  for (const auto& answer : answers) {
    TestPeer peer([&](PeerConnection& c, int) {
      c.head();
      c.send(answer);
    });
    Pool pool(peer.address);
    pool.ask();
    EXPECT_EQ(pool.trouble, Trouble::closed) << answer;
  }
}

TEST(ClientConnection, InterimAnswersAreHandedOnAndBounded) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    c.answer("real");
    c.head();
    while (c.send("HTTP/1.1 102 Processing\r\n\r\n")) {
    }
  });
  Pool pool(peer.address);
  pool.ask();
  EXPECT_EQ(pool.said, "103 200 real");
  pool.ask();
  EXPECT_EQ(pool.trouble, Trouble::damaged) << "a flood of them is no answer";
}

TEST(ClientConnection, NobodyIsSwitchedToAnotherProtocol) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
    c.head();
  });
  Pool pool(peer.address);
  pool.ask();
  EXPECT_EQ(pool.trouble, Trouble::damaged);
}

TEST(ClientConnection, ABodyThatDripsIsLeft) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    c.head();
  });
  Pool pool(peer.address);
  pool.run([&]() -> awaitable<void> {
    auto taken = co_await pool.pool->take();
    auto& c = *taken->connection;
    co_await c.send_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n", BodyFraming::none, false);
    EXPECT_TRUE(co_await c.receive_head());
    const auto over = std::make_shared<bool>(false);
    boost::asio::co_spawn(
        pool.reactor.io(),
        [&c, &pool, over]() -> awaitable<void> {
          while (!*over) {
            c.tick(1s, 30s);
            co_await boost::asio::post(pool.reactor.io(), boost::asio::use_awaitable);
          }
        },
        boost::asio::detached);
    const auto piece = co_await c.read(1_KiB);
    *over = true;
    EXPECT_FALSE(piece.has_value());
    EXPECT_EQ(c.trouble(), Trouble::late);
    pool.pool->give(std::move(taken->connection));
  });
}

}  // namespace
}  // namespace weir::net
