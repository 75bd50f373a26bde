/// The floor of TCP to a file: one epoll thread that reads, frames lines with memchr and hands what it read to a thread
/// that writes and syncs, one group while the next one fills. Unfinished lines are not kept apart (a floor need not).
///
/// Prints "listening PORT" and ends on SIGTERM.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "floor_store.h"
#include "support.h"

namespace weir::bench {
namespace {

constexpr std::size_t most_waiting = 4 << 20;  // then sockets stay unread until the group before is stored

class Floor {
 public:
  explicit Floor(const std::string& path) : committer_(std::make_unique<FileStore>(path), wake_) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(listener_, 1024) != 0)
      fail_errno("cannot listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    watch(listener_);
    watch(wake_);
    fmt::print("listening {}\n", ntohs(at.sin_port));
    std::fflush(stdout);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> ready;
    for (;;) {
      if (filling_.lines.size() > most_waiting) serve(wake_);  // blocks until the group before is stored
      if (committer_.idle() && filling_.events) committer_.hand(filling_);
      const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
      for (int i = 0; i < n; ++i) serve(ready[static_cast<std::size_t>(i)].data.fd);
      if (committer_.idle() && filling_.events) committer_.hand(filling_);
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail_errno("cannot watch a socket");
  }
  void serve(int fd) {
    if (fd == listener_) return watch(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
    if (fd == wake_) {
      std::uint64_t count = 0;
      if (read(wake_, &count, sizeof count) == sizeof count) committer_.done();
      return;
    }
    const auto got = read(fd, buffer_.data(), buffer_.size());
    if (got <= 0) {
      close(fd);
      return;
    }
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    filling_.events += count_lines(bytes);
    filling_.lines += bytes;
  }

  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int wake_ = eventfd(0, EFD_CLOEXEC);
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<char> buffer_ = std::vector<char>(64 << 10);
  Group filling_;
  Committer committer_;
};

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc != 2) weir::bench::fail("usage: bench_floor_tcp FILE");
  weir::bench::Floor(argv[1]).run();
}
