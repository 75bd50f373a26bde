// Names with several addresses, names that change, and resolvers that do not answer; over real sockets.
#include "net/dialer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <latch>
#include <mutex>
#include <thread>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

/// A port of its own on the loopback; with `backlog` -1 nobody listens there.
class Port {
 public:
  explicit Port(int backlog = 8) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    at = *resolve("127.0.0.1:0");
    EXPECT_EQ(::bind(fd_, at.data(), static_cast<socklen_t>(at.size())), 0);
    socklen_t size = static_cast<socklen_t>(at.capacity());
    EXPECT_EQ(::getsockname(fd_, at.data(), &size), 0);
    if (backlog >= 0) EXPECT_EQ(::listen(fd_, backlog), 0);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port() { ::close(fd_); }
  Endpoint at;

 private:
  int fd_;
};

/// One that answers to nothing: its queue is full, so the kernel drops what wants to connect.
class SilentPort {
 public:
  SilentPort() : port_(0), at(port_.at) {
    for (int& fd : full_) {
      fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(fd, at.data(), static_cast<socklen_t>(at.size()));
    }
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() {
    for (const int fd : full_) ::close(fd);
  }

 private:
  Port port_;
  int full_[4];

 public:
  Endpoint at;
};

struct DialerTest : testing::Test {
  Dialer::LookUp answers() {
    return [this](const std::string&) -> Result<std::vector<Endpoint>> {
      const std::lock_guard lock(mutex);
      if (now.empty()) return failure("name:1: cannot resolve name");
      return now;
    };
  }
  void set(std::vector<Endpoint> addresses) {
    const std::lock_guard lock(mutex);
    now = std::move(addresses);
  }
  /// The port it is connected to.
  int port(Dialer& dialer) {
    const auto socket = dialer.dial({});
    if (!socket) return ADD_FAILURE() << socket.error().message, -1;
    Endpoint peer;
    socklen_t size = static_cast<socklen_t>(peer.capacity());
    EXPECT_EQ(::getpeername(*socket, peer.data(), &size), 0);
    ::close(*socket);
    return peer.port();
  }
  std::mutex mutex;
  std::vector<Endpoint> now;
  ManualClock clock;
  Context manual{clock}, real;
};

TEST_F(DialerTest, TheSecondAddressIsTakenWhenTheFirstRefuses) {
  Port nobody(-1), somebody;
  set({nobody.at, somebody.at});
  Dialer dialer("name:1", real, answers());
  EXPECT_EQ(port(dialer), somebody.at.port());
}

TEST_F(DialerTest, AnAddressThatDoesNotAnswerHasOnlyAHeadStart) {
  SilentPort silent;
  Port somebody;
  set({silent.at, somebody.at});
  Dialer dialer("name:1", real, answers());
  EXPECT_EQ(port(dialer), somebody.at.port());
}

TEST_F(DialerTest, AnAddressThatLetsItsUserDownIsTriedLastUntilSomethingHasWorkedThere) {
  Port first, second;
  set({first.at, second.at});
  Dialer dialer("name:1", real, answers());
  EXPECT_EQ(port(dialer), first.at.port());
  dialer.let_down();
  EXPECT_EQ(port(dialer), second.at.port());
  dialer.let_down();
  EXPECT_EQ(port(dialer), first.at.port()) << "the other one has let it down since";
  dialer.let_down();
  EXPECT_EQ(port(dialer), second.at.port());
  dialer.worked();
  EXPECT_EQ(port(dialer), second.at.port());
}

TEST_F(DialerTest, SaysHowManyAddressesFailed) {
  Port one(-1), two(-1);
  set({one.at, two.at});
  Dialer dialer("name:1", real, answers());
  const auto socket = dialer.dial({});
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().message, "name:1: cannot connect: Connection refused (tried 2 addresses)");
  EXPECT_EQ(socket.error().kind, Error::Kind::disconnected);
}

TEST_F(DialerTest, AChangedAnswerIsNoticedByAKeptConnection) {
  Port before, after;
  set({before.at});
  Dialer dialer("name:1", manual, answers());
  EXPECT_EQ(port(dialer), before.at.port());
  set({after.at});
  EXPECT_FALSE(dialer.moved()) << "it was looked up a moment ago";
  clock.advance(21s);
  while (!dialer.moved()) std::this_thread::yield();
  EXPECT_EQ(port(dialer), after.at.port());
  EXPECT_FALSE(dialer.moved());
}

TEST_F(DialerTest, ALookUpThatFailsLeavesWhatIsKnown) {
  Port somebody;
  set({somebody.at});
  Dialer dialer("name:1", manual, answers());
  EXPECT_EQ(port(dialer), somebody.at.port());
  set({});
  clock.advance(21s);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(dialer.moved());
  EXPECT_EQ(port(dialer), somebody.at.port());
}

TEST_F(DialerTest, AResolverThatHangsHoldsNobodyUpForLongerThanTheTimeout) {
  const auto answer = std::make_shared<std::latch>(1);
  Dialer dialer("name:1", real, [answer](const std::string&) -> Result<std::vector<Endpoint>> {
    answer->wait();
    return failure("late");
  });
  const auto socket = dialer.dial({.timeout = 20ms});
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().message, "name:1: the name was not resolved within 0.02 s");
  answer->count_down();
}

TEST_F(DialerTest, ACancelEndsIt) {
  SilentPort silent;
  set({silent.at});
  const std::atomic<bool> cancelled{true};
  Dialer dialer("name:1", manual, [at = silent.at](const std::string&) { return std::vector{at}; });
  const auto socket = dialer.dial({.cancelled = &cancelled});
  EXPECT_FALSE(socket) << "on a clock that stands still";
}

}  // namespace
}  // namespace weir::net
