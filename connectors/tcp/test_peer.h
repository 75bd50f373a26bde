#pragma once
// For tests: a sender on loopback that says exactly which bytes, and a source on a reactor and a clock of the test's.
#include <weir/component/conformance/fake_outlet.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <string>
#include <utility>

#include "tcp.h"

namespace weir::tcp {

class TestPeer {
 public:
  TestPeer(const std::string& address, int send_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (send_buffer) setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  TestPeer(const TestPeer&) = delete;
  ~TestPeer() { close(); }

  /// As much as the connection takes now.
  std::size_t send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const long n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
    return sent;
  }
  /// Whether the other side has closed or reset.
  bool is_closed() {
    char byte = 0;
    const long n = ::recv(fd_, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }
  bool connected = false;

 private:
  int fd_ = -1;
};

inline Options source_options() {
  Options o;
  o.set("listen", std::string("127.0.0.1:0"));
  o.set("framing", std::string("newline"));
  o.set("max_event", 256_KiB);
  o.set("max_connections", std::uint64_t{1024});
  o.set("idle_timeout", Duration(std::chrono::minutes(5)));
  o.set("frame_timeout", Duration(std::chrono::seconds(30)));
  o.set("receive_buffer", 32_KiB);
  o.set("receive_memory", 1_MiB);
  return o;
}

/// One intake of a source.
class TestSource {
 public:
  explicit TestSource(const Options& options = source_options(), Bytes budget = 64_MiB, const PriorityRule& rule = {})
      : context_(clock), output(context_, budget) {
    Catalog catalog;
    add_to(catalog);
    source = catalog.source("tcp")->make({"in", options, Level::accepted, rule, context_});
    opened = source->open();
    if (!opened) return;
    intake = source->intake({reactor, 0, output});
    intake->start();
  }
  ~TestSource() { intake.reset(); }

  /// Without the warning that the certificate is from this clock's future.
  std::string address() const { return source->address().substr(0, source->address().find(' ')); }
  void step() {
    reactor.restart();
    reactor.run_for(std::chrono::milliseconds(2));
  }
  template <typename Done>
  bool run_until(Done done) {
    for (int i = 0; i < 2'000 && !done(); ++i) step();
    return done();
  }
  /// Enough for everything that is on its way to arrive.
  void settle() {
    for (int i = 0; i < 10; ++i) step();
  }
  bool brings(std::size_t n) {
    return run_until([&] { return output.events.size() >= n; });
  }
  /// Lets time pass as the sweeper sees it.
  void pass(Duration d) {
    clock.advance(d);
    static_cast<TcpIntake&>(*intake).sweep();
    settle();
  }

  ManualClock clock;

 private:
  Context context_;

 public:
  boost::asio::io_context reactor;
  conformance::FakeOutput output;
  Result<void> opened;
  std::unique_ptr<Source> source;
  std::unique_ptr<Intake> intake;
};

}  // namespace weir::tcp
