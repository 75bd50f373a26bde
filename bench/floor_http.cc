/// The floor: the least a server can do and still keep the same promise as `weir run`. One epoll thread, an HTTP/1.1
/// parser that knows Content-Length and nothing else, lines framed with memchr, no JSON. What Weir costs above this is
/// what Weir is paid for.
///
///   204     reads the whole body, answers 204
///   file    appends the bodies to a file in groups, answers after fdatasync
///   sqlite  inserts the lines, one transaction a group, answers after the commit
///   bare    no HTTP: the insert loop alone over prepared lines; slices are asked for on standard input
///
/// Prints "listening PORT", on SIGUSR1 one line of JSON with what it did so far, and ends on SIGTERM.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "floor_store.h"
#include "support.h"

namespace weir::bench {
namespace {

constexpr std::size_t max_connections = 1024, first_buffer = 64 << 10, max_request = 8 << 20;
constexpr std::string_view no_content = "HTTP/1.1 204 No Content\r\n\r\n";
volatile std::sig_atomic_t stop_asked = 0, stats_asked = 0;

struct Connection {
  int fd = -1;
  std::vector<char> in = std::vector<char>(first_buffer);
  std::size_t filled = 0;
  std::size_t needed = 0;  // of the request that is being read; 0: its head is not here yet
  bool waiting = false;    // for its group to be stored
  bool gone = false;       // left while it waited
};

class FloorServer {
 public:
  FloorServer(std::uint16_t port, std::unique_ptr<Store> store);
  void run();
  std::string stats() const;

 private:
  void watch(int fd, void* tag, std::uint32_t events = EPOLLIN);
  void accept_one();
  void on_readable(Connection& c);
  void serve(Connection& c);
  void take(Connection& c, std::string_view body);
  void answer(Connection& c);
  void on_stored();
  void leave(Connection& c);

  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::uint64_t requests_ = 0, events_ = 0;
  std::size_t open_ = 0;
  Group filling_;
  std::unique_ptr<Committer> committer_;
};

FloorServer::FloorServer(std::uint16_t port, std::unique_ptr<Store> store) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 1024) != 0)
    fail_errno(fmt::format("cannot listen on port {}", port));
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  watch(listener_, nullptr);
  watch(wake_, this);
  if (store) committer_ = std::make_unique<Committer>(std::move(store), wake_);
  fmt::print("listening {}\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

void FloorServer::watch(int fd, void* tag, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = tag}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail_errno("cannot watch a socket");
}

void FloorServer::run() {
  std::array<epoll_event, 256> ready;
  while (!stop_asked) {
    const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
    bool stored = false;
    for (int i = 0; i < n; ++i) {
      void* const tag = ready[static_cast<std::size_t>(i)].data.ptr;
      if (!tag)
        accept_one();
      else if (tag == this)
        stored = true;  // last: answering may end connections that this round still names
      else
        on_readable(*static_cast<Connection*>(tag));
    }
    if (std::exchange(stats_asked, 0)) {
      fmt::print("{}\n", stats());
      std::fflush(stdout);
    }
    if (stored) on_stored();
    if (committer_ && committer_->idle() && filling_.events) committer_->hand(filling_);
  }
}

void FloorServer::accept_one() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (open_ == max_connections) {
    close(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto* c = new Connection{.fd = fd};
  ++open_;
  watch(fd, c);
}

void FloorServer::on_readable(Connection& c) {
  const auto n = recv(c.fd, c.in.data() + c.filled, c.in.size() - c.filled, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return leave(c);
  c.filled += static_cast<std::size_t>(n);
  serve(c);
}

void FloorServer::serve(Connection& c) {
  if (c.waiting) return;
  Head head;
  if (c.needed == 0) {
    const auto parsed = parse_head({c.in.data(), c.filled}, head);
    if (parsed == Parsed::incomplete && c.filled < c.in.size()) return;
    if (parsed != Parsed::whole || head.size + head.body > max_request) return leave(c);
    c.needed = head.size + head.body;
    c.in.resize(std::max(c.in.size(), c.needed));
  }
  if (c.filled < c.needed) return;
  if (head.size == 0) parse_head({c.in.data(), c.filled}, head);
  take(c, {c.in.data() + head.size, head.body});
}

void FloorServer::take(Connection& c, std::string_view body) {
  const auto lines = count_lines(body);
  ++requests_;
  events_ += lines;
  if (!committer_) return answer(c);
  filling_.lines += body;
  if (lines && body.back() != '\n') filling_.lines += '\n';
  filling_.events += lines;
  filling_.waiting.push_back(&c);
  c.waiting = true;
}

void FloorServer::answer(Connection& c) {
  c.waiting = false;
  if (c.gone) return leave(c);
  const auto sent = send(c.fd, no_content.data(), no_content.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(no_content.size())) return leave(c);
  std::copy(c.in.begin() + static_cast<std::ptrdiff_t>(c.needed), c.in.begin() + static_cast<std::ptrdiff_t>(c.filled),
            c.in.begin());
  c.filled -= c.needed;
  c.needed = 0;
  if (c.filled) serve(c);
}

void FloorServer::on_stored() {
  std::uint64_t count = 0;
  if (read(wake_, &count, sizeof count) != sizeof count) return;
  // Answering may hand on nothing by itself: run() does that once a round, so this list stays as it is.
  for (void* c : committer_->done()) answer(*static_cast<Connection*>(c));
}

void FloorServer::leave(Connection& c) {
  if (!c.gone) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, c.fd, nullptr);
    close(c.fd);
    c.gone = true;
  }
  if (c.waiting) return;  // its group still names it
  --open_;
  delete &c;
}

std::string FloorServer::stats() const {
  return fmt::format(R"({{"requests":{},"events":{},"groups":{},"grouped_events":{}}})", requests_, events_,
                     committer_ ? committer_->groups() : 0, committer_ ? committer_->events() : 0);
}

std::unique_ptr<Store> make_store(const std::string& mode, const std::string& path) {
  if (mode == "file") return std::make_unique<FileStore>(path);
  if (mode == "sqlite") return std::make_unique<SqliteStore>(path);
  return nullptr;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  std::string mode, path;
  std::uint16_t port = 0;
  CLI::App app("The floor servers that `make bench` measures Weir against");
  app.add_option("--mode", mode, "204 | file | sqlite | bare")
      ->required()
      ->check(CLI::IsMember({"204", "file", "sqlite", "bare"}));
  app.add_option("--port", port, "on 127.0.0.1; 0 chooses one");
  app.add_option("--path", path, "where file, sqlite and bare store");
  CLI11_PARSE(app, argc, argv);
  if (mode != "204" && path.empty()) fail("--mode " + mode + " needs --path");
  if (mode == "bare") return bare_loop(path), 0;
  struct sigaction action{};
  action.sa_handler = [](int) { stop_asked = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = [](int) { stats_asked = 1; };
  sigaction(SIGUSR1, &action, nullptr);
  FloorServer server(port, make_store(mode, path));
  server.run();
}
