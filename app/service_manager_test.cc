#include "service_manager.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace weir::app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A service manager's socket in the abstract space, of a name that nobody else has.
class TheServiceManager : public testing::Test {
 protected:
  TheServiceManager() : name_(fmt::format("@weir-test-{}-{}", ::getpid(), reinterpret_cast<std::uintptr_t>(this))) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&at), length), 0);
  }
  ~TheServiceManager() override { ::close(socket_); }
  std::vector<std::string> heard() {
    std::vector<std::string> all;
    char text[512];
    for (ssize_t n; (n = ::recv(socket_, text, sizeof text, 0)) > 0;)
      all.emplace_back(text, static_cast<std::size_t>(n));
    return all;
  }

  std::string name_;
  int socket_ = -1;
};

TEST_F(TheServiceManager, HearsThatItIsReadyReadsAgainAndStops) {
  ServiceManager manager(name_);
  manager.ready("3 sources");
  manager.reloading(TimePoint{} + 5s);
  manager.stopping();
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=3 sources\n", HasSubstr("RELOADING=1\nMONOTONIC_USEC=5000000\n"),
                                   HasSubstr("STOPPING=1\n")));
}

TEST_F(TheServiceManager, HearsSignsOfLifeThreeTimesAsOftenAsItAsksFor) {
  ServiceManager manager(name_, 3s);
  for (int i = 0; i <= 60; ++i) manager.alive(TimePoint{} + i * 100ms);
  EXPECT_EQ(heard(), std::vector<std::string>(7, "WATCHDOG=1\n"));
}

TEST_F(TheServiceManager, HearsNoSignOfLifeThatItHasNotAskedFor) {
  ServiceManager manager(name_);
  manager.alive(TimePoint{} + 1h);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(TheServiceManager, IsFoundInTheEnvironmentOnce) {
  ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  auto manager = ServiceManager::from_environment();
  manager.alive(TimePoint{});
  EXPECT_THAT(heard(), ElementsAre("WATCHDOG=1\n"));
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  ServiceManager::from_environment().ready("nobody listens");
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(TheServiceManager, AsksAnotherProcessForSignsOfLife) {
  ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceManager::from_environment().alive(TimePoint{});
  EXPECT_THAT(heard(), IsEmpty());
}

TEST(AServiceManagerThatDoesNotListen, HoldsUpNothing) {
  ServiceManager("/nowhere/at/all").ready("x");
  ServiceManager(std::string(200, '/')).ready("x");
  ServiceManager("no path").ready("x");
}

}  // namespace
}  // namespace weir::app
