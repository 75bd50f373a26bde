#include "sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "net/client_for_test.h"
#include "net/test_certificate.h"
#include "source_for_test.h"

namespace weir::tcp {
namespace {

using namespace std::chrono_literals;
using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using conformance::Layout;
using net::TestClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

const SinkType& type() {
  static const SinkType made = sink_type();
  return made;
}

/// Listens, takes one connection after the other and keeps what comes.
class Receiver {
 public:
  struct Plan {
    std::size_t reset_after = SIZE_MAX;  ///< of the first connection
    bool reads = true;
  };
  Receiver() : Receiver(Plan{}) {}
  explicit Receiver(Plan plan) : plan_(plan) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int small = 4096;
    if (!plan.reads) setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { run(); });
  }
  ~Receiver() {
    ::shutdown(listener_, SHUT_RDWR);
    stop_ = true;
    thread_.join();
    ::close(listener_);
    for (const int file : files_) ::close(file);
  }
  /// What each connection brought, in their order.
  std::vector<std::string> streams() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const int file : files_) {
      struct stat found{};
      fstat(file, &found);
      std::string& stream = all.emplace_back(static_cast<std::size_t>(found.st_size), '\0');
      EXPECT_EQ(::pread(file, stream.data(), stream.size(), 0), found.st_size);
    }
    return all;
  }
  std::vector<std::string> events(Framing framing) {
    std::vector<std::string> all;
    for (const auto& stream : streams()) {
      Framer framer(framing, 16_MiB);
      Frames found;
      framer.scan(stream, found);
      for (const auto& slot : found.index) all.push_back(stream.substr(slot.offset, slot.length));
    }
    return all;
  }
  void wait_until_ended(int connections) const {
    while (ended_ < connections) std::this_thread::yield();
  }
  std::string address;

 private:
  void run() {
    for (int fd = 0; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      take(fd);
      ::close(fd);
      ++ended_;
    }
  }
  void take(int fd) {
    const int file = ::memfd_create("stream", MFD_CLOEXEC);  // not the heap, which the kit measures
    bool first = false;
    {
      std::lock_guard lock(mutex_);
      first = files_.empty();
      files_.push_back(file);
    }
    std::size_t taken = 0;
    char buffer[16 << 10];
    while (!stop_) {
      pollfd state{fd, static_cast<short>(plan_.reads ? POLLIN : 0), 0};
      if (::poll(&state, 1, 20) == 0) continue;
      if (!plan_.reads) return;  // the other side has gone
      const long n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      EXPECT_EQ(::write(file, buffer, static_cast<std::size_t>(n)), n);
      taken += static_cast<std::size_t>(n);
      if (!first || taken < plan_.reset_after) continue;
      const linger hard{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      return;
    }
  }
  Plan plan_;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::atomic<int> ended_ = 0;
  std::mutex mutex_;
  std::vector<int> files_;
  std::thread thread_;
};

Options options_for(const std::string& address, const std::string& framing = "newline") {
  Options o;
  o.set("address", address);
  o.set("framing", framing);
  o.set("connect_timeout", Duration(5s));
  o.set("write_timeout", Duration(10s));
  o.set("send_buffer", 128_KiB);
  o.set("tls", false);
  return o;
}

struct Opened {
  explicit Opened(const Options& options) : sink(type().make({"out", options, 0, context})) {
    EXPECT_TRUE(sink->open());
  }
  Context context;
  std::unique_ptr<Sink> sink;
};

TEST(TcpSink, KeepsWhatEverySinkPromises) {
  for (const std::string framing : {"newline", "length"}) {
    std::map<std::string, std::unique_ptr<Receiver>> receivers;
    const bool lines = framing == "newline";
    conformance::SinkUnderTest sink{.type = type(), .fresh = [&] {
                                      auto receiver = std::make_unique<Receiver>();
                                      const Options options = options_for(receiver->address, framing);
                                      receivers[receiver->address] = std::move(receiver);
                                      return options;
                                    }};
    sink.read_back = [&](const Options& options) {
      return receivers.at(options.text("address"))->events(lines ? Framing::newline : Framing::length);
    };
    if (lines) {
      sink.as_stored = [](std::string_view event) {
        std::string one(event);
        std::ranges::replace(one, '\n', ' ');
        return one;
      };
      sink.refuses = {"plain\ntext", "{\"a\": \"b\nc\"}"};
    }
    EXPECT_THAT(conformance::check_sink(sink), IsEmpty()) << framing;
  }
}

TEST(TcpSink, SaysAgainWhileNobodyListensAndDeliversOnceSomebodyDoes) {
  std::string address;
  {
    Receiver gone;
    address = gone.address;
  }
  Opened out(options_for(address));
  const Delivered batches(batch_of(json_events("x", 3), 1));
  const auto delivery = out.sink->deliver(batches);
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_EQ(delivery.error.message, address + ": cannot connect: Connection refused");
}

/// One of those that Linux gives to connections first.
int even_port_nobody_listens_on() {
  for (int port = 40'000; port < 60'000; port += 2) {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool free = ::bind(probe, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    ::close(probe);
    if (free) return port;
  }
  ADD_FAILURE() << "somebody listens on every port";
  return 0;
}

TEST(TcpSink, NeverTakesItselfForTheOtherSide) {
  // After at most all ports there are, a connection is given the one that it connects to.
  Opened out(options_for("127.0.0.1:" + std::to_string(even_port_nobody_listens_on())));
  const Delivered batches(batch_of(json_events("x", 3), 1));
  for (int tries = 0; tries < 40'000; ++tries) {
    const auto delivery = out.sink->deliver(batches);
    ASSERT_EQ(delivery.outcome, Outcome::again) << "nobody has it";
    if (delivery.error.message.ends_with("nobody listens there")) return;
  }
  GTEST_SKIP() << "this system has connected nobody to itself";
}

TEST(TcpSink, AfterABrokenConnectionTheGroupBeginsAgainOnANewOne) {
  Receiver receiver({.reset_after = 300'000});
  Opened out(options_for(receiver.address));
  const auto events = json_events("x", 20'000);
  const Delivered batches(batch_of(events, 1));
  int tries = 1;
  while (out.sink->deliver(batches).outcome == Outcome::again) ASSERT_LT(++tries, 10);
  EXPECT_GT(tries, 1);
  out.sink->close();
  const auto streams = receiver.streams();
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[1].substr(0, events[0].size()), events[0]) << "never in the middle of an event";
  EXPECT_EQ(std::ranges::count(streams[1], '\n'), 20'000);
}

TEST(TcpSink, AReaderThatIsStuckIsGivenUpWithinTheTimeout) {
  Receiver receiver({.reads = false});
  Options options = options_for(receiver.address);
  options.set("write_timeout", Duration(200ms));
  Opened out(options);
  const Delivered batches(batch_of(json_events("x", 50'000), 1));
  const auto began = out.context.now();
  const auto delivery = out.sink->deliver(batches);
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("less than 4 KiB in write_timeout (0.2 s)"));
  EXPECT_LT(out.context.now() - began, 20s);
}

TEST(TcpSink, NoticesThatAKeptConnectionWasClosed) {
  Receiver receiver({.reset_after = 1});
  Opened out(options_for(receiver.address));
  const Delivered first(batch_of(json_events("a", 1), 1));
  while (out.sink->deliver(first).outcome == Outcome::again) std::this_thread::yield();
  receiver.wait_until_ended(1);  // "sent" promises nothing of what arrives after that
  const Delivered second(batch_of(json_events("b", 1), 2));
  while (out.sink->deliver(second).outcome == Outcome::again) std::this_thread::yield();
  out.sink->close();
  EXPECT_THAT(receiver.streams().back(), HasSubstr("b-0"));
}

TEST(TcpSink, SpeaksTlsWithATlsSource) {
  const net::TestCertificate files;
  Options listening = source_options();
  listening.set("tls_certificate", files.certificate);
  listening.set("tls_key", files.key);
  listening.set("max_event", 64_KiB);
  TestSource source(listening);
  ASSERT_TRUE(source.opened) << source.opened.error().message;
  EXPECT_THAT(source.address(), testing::StartsWith("tls://127.0.0.1:"));
  Options options = options_for(source.address().substr(6));
  options.set("tls", true);
  options.set("tls_ca", files.certificate);
  const auto events = json_events("t", 5'000);
  auto sent = std::async(std::launch::async, [&] {
    Opened out(options);
    const Delivered batches(batch_of(events, 1)), large(batch_of(json_events("large", 3, 60'000), 9'000));
    for (const auto* group : {&batches, &large}) {
      const auto delivery = out.sink->deliver(*group);
      if (delivery.outcome != Outcome::done) return delivery.error.message;
    }
    out.sink->close();
    return std::string();
  });
  EXPECT_TRUE(source.brings(5'003));
  EXPECT_TRUE(source.run_until([&] { return sent.wait_for(0s) == std::future_status::ready; }));
  EXPECT_EQ(sent.get(), "");
  ASSERT_EQ(source.output.events.size(), 5'003u);
  EXPECT_EQ(source.output.events[4'999], events[4'999]);
  EXPECT_EQ(source.output.refusals, 0u);
}

TEST(TcpSink, DoesNotTalkToWhoCannotShowATrustedCertificate) {
  const net::TestCertificate files, others;
  Options listening = source_options();
  listening.set("tls_certificate", files.certificate);
  listening.set("tls_key", files.key);
  TestSource source(listening);
  Options options = options_for(source.address().substr(6));
  options.set("tls", true);
  options.set("tls_ca", others.certificate);
  auto sent = std::async(std::launch::async, [&] {
    Opened out(options);
    const Delivered batches(batch_of(json_events("t", 1), 1));
    return out.sink->deliver(batches).error.message;
  });
  source.run_until([&] { return sent.wait_for(0s) == std::future_status::ready; });
  EXPECT_THAT(sent.get(), HasSubstr("its certificate is not trusted"));
  EXPECT_THAT(source.output.events, IsEmpty());
}

TEST(TcpSource, AHandshakeThatDoesNotComeTimesOut) {
  const net::TestCertificate files;
  Options listening = source_options();
  listening.set("tls_certificate", files.certificate);
  listening.set("tls_key", files.key);
  TestSource source(listening);
  TestClient silent(source.address()), plain(source.address());
  plain.send_now("{\"not\":\"tls\"}\n");
  EXPECT_TRUE(source.run_until([&] { return plain.is_closed(); }));
  source.pass(31s);
  EXPECT_TRUE(silent.is_closed());
  EXPECT_THAT(source.output.events, IsEmpty());
}

}  // namespace
}  // namespace weir::tcp
