#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/source_check.h>

#include <map>
#include <optional>

#include "net/client_for_test.h"
#include "source_for_test.h"

namespace weir::tcp {
namespace {

using namespace std::chrono_literals;
using net::TestClient;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const SourceType& type() {
  static const Catalog catalog = [] {
    Catalog made;
    add_to(made);
    return made;
  }();
  return *catalog.source("tcp");
}

std::string numbered(int n) { return "event " + std::to_string(n) + "\n"; }

std::string framed(std::string_view text) {
  const auto prefix = length_prefix(static_cast<std::uint32_t>(text.size()));
  return std::string(prefix.begin(), prefix.end()).append(text);
}

/// A type whose sources send themselves `count` numbered lines, for the conformance kit.
struct SelfSending {
  explicit SelfSending(int n) : count(n), under_test(type()) {
    under_test.make = [this](const SourceSetup& setup) {
      made = type().make(setup).release();
      sent = 0;
      sender.reset();
      return std::unique_ptr<Source>(made);
    };
  }
  void step() {
    if (!sender) sender.emplace(made->address());
    if (sent < count) sender->send_now(numbered(sent++));
  }
  int count, sent = 0;
  SourceType under_test;
  Source* made = nullptr;
  std::optional<TestClient> sender;
};

TEST(TcpSource, KeepsWhatEverySourcePromises) {
  SelfSending sending(100);
  EXPECT_THAT(conformance::check_source({.type = sending.under_test,
                                         .options = source_options(),
                                         .events = 100,
                                         .step = [&](ManualClock&) { sending.step(); }}),
              IsEmpty());
}

TEST(TcpSource, BringsLinesOfManyConnectionsInTheOrderOfEach) {
  TestSource source;
  std::vector<std::unique_ptr<TestClient>> peers;
  for (int p = 0; p < 20; ++p) peers.push_back(std::make_unique<TestClient>(source.address()));
  for (int n = 0; n < 50; ++n)
    for (std::size_t p = 0; p < peers.size(); ++p)
      peers[p]->send_now(std::to_string(p) + " " + std::to_string(n) + "\r\n");
  ASSERT_TRUE(source.brings(1000));
  std::map<std::string, int> next;
  for (const auto& event : source.output.events) {
    const auto space = event.find(' ');
    EXPECT_EQ(event.substr(space + 1), std::to_string(next[event.substr(0, space)]++));
  }
  EXPECT_THAT(source.output.violations, IsEmpty());
}

TEST(TcpSource, SaysWhoSentAnEventWhenSomebodyReadsIt) {
  TestSource unasked;
  TestClient nobody(unasked.address());
  nobody.send_now("one\n");
  EXPECT_TRUE(unasked.run_until([&] { return unasked.output.events.size() == 1; }));
  EXPECT_EQ(unasked.output.origins.back(), nullptr);
  TestSource source;
  source.output.read.add(Attribute::peer);
  TestClient peer(source.address());
  peer.send_now("small\n" + std::string(20'000, 'x') + "\n");
  EXPECT_TRUE(source.run_until([&] { return source.output.events.size() == 2; }));
  for (const auto& origin : source.output.origins) {
    ASSERT_NE(origin, nullptr);
    EXPECT_EQ(origin->peer, "127.0.0.1");
  }
}

TEST(TcpSource, TakesEventsThatComeByteByByte) {
  for (const std::string framing : {"newline", "length"}) {
    Options options = source_options();
    options.set("framing", framing);
    TestSource source(options);
    TestClient peer(source.address());
    const std::string bytes = framing == "newline" ? "one\ntwo\r\n" : framed("one") + framed("two");
    for (const char byte : bytes) {
      peer.send_now({&byte, 1});
      source.step();
    }
    ASSERT_TRUE(source.brings(2));
    EXPECT_THAT(source.output.events, ElementsAre("one", "two"));
  }
}

TEST(TcpSource, TakesEventsOfEverySizeUpToTheLimit) {
  TestSource source;
  TestClient peer(source.address());
  std::string all;
  std::vector<std::size_t> sizes{1, 100, 4095, 4096, 4097, 32768, 65536, 200'000, 262'144, 1};
  for (const auto size : sizes) all += std::string(size, 'x') + "\n";
  std::string_view left = all;
  ASSERT_TRUE(source.run_until([&] {
    left.remove_prefix(peer.send_now(left));
    return source.output.events.size() == sizes.size();
  }));
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(source.output.events[i].size(), sizes[i]);
  EXPECT_EQ(source.output.refusals, 0u);
}

TEST(TcpSource, ALineThatIsTooLargeIsCountedAndSkippedAndTheConnectionLives) {
  Options options = source_options();
  options.set("max_event", 1_KiB);
  TestSource source(options);
  TestClient peer(source.address());
  const std::string all = "before\n" + std::string(300'000, 'x') + "\nafter\n";
  std::string_view left = all;
  ASSERT_TRUE(source.run_until([&] {
    left.remove_prefix(peer.send_now(left));
    return source.output.events.size() == 2;
  }));
  EXPECT_THAT(source.output.events, ElementsAre("before", "after"));
  EXPECT_EQ(source.output.refusals, 1u);
  EXPECT_FALSE(peer.is_closed());
}

TEST(TcpSource, AHugeLengthIsCountedAndClosesItsConnectionOnly) {
  Options options = source_options();
  options.set("framing", std::string("length"));
  TestSource source(options);
  TestClient other(source.address());
  for (const std::string bad : {"\xff\xff\xff\xff", "GET / HTTP/1.1\r\n\r\n"}) {
    TestClient peer(source.address());
    peer.send_now(framed("good") + bad);
    EXPECT_TRUE(source.run_until([&] { return peer.is_closed(); }));
  }
  other.send_now(framed("other"));
  ASSERT_TRUE(source.brings(3));
  EXPECT_THAT(source.output.events, ElementsAre("good", "good", "other"));
  EXPECT_EQ(source.output.refusals, 2u);
}

TEST(TcpSource, TheLastLineOfWhoClosesProperlyNeedsNoLineFeed) {
  TestSource source;
  TestClient peer(source.address());
  peer.send_now("one\ntwo");
  peer.half_close();
  ASSERT_TRUE(source.brings(2));
  EXPECT_THAT(source.output.events, ElementsAre("one", "two"));
  EXPECT_TRUE(source.run_until([&] { return peer.is_closed(); }));
}

TEST(TcpSource, AnUnfinishedEventOfAConnectionThatBreaksIsCountedAndNotBrought) {
  TestSource source;
  TestClient peer(source.address());
  peer.send_now("one\ntwo");
  ASSERT_TRUE(source.brings(1));
  source.settle();
  peer.reset();
  EXPECT_TRUE(source.run_until([&] { return source.output.refusals == 1; }));
  EXPECT_THAT(source.output.events, ElementsAre("one"));
}

TEST(TcpSource, ReadsNothingMoreWhileTheFlowIsPausedAndGoesOnAfterwards) {
  TestSource source;
  TestClient peer(source.address(), {.send_buffer = 16 << 10});
  source.output.is_paused = true;
  const std::string line = std::string(99, 'x') + "\n";
  std::size_t sent = 0;
  const auto push = [&] {
    for (bool more = true; more;) {
      const auto n = peer.send_now(std::string_view(line).substr(sent % line.size()));
      sent += n;
      more = n > 0;
    }
  };
  std::size_t before = 1;
  while (std::exchange(before, sent) != sent || sent == 0) {
    push();
    source.settle();
  }
  EXPECT_LT(sent, 64u << 10 << 2) << "two kernel buffers, and nothing that was read";
  EXPECT_THAT(source.output.events, IsEmpty());
  source.output.make_room();
  const auto full = sent;
  EXPECT_TRUE(source.run_until([&] {
    push();
    return sent > 4 * full;
  }));
  EXPECT_TRUE(source.brings(sent / line.size()));
  EXPECT_THAT(source.output.events, Each(SizeIs(99)));
  EXPECT_THAT(source.output.violations, IsEmpty());
}

TEST(TcpSource, WhereTheFlowIsTheBottleneckAFastSenderGetsNoMoreThanItsShare) {
  TestSource source;
  std::vector<std::unique_ptr<TestClient>> peers;
  for (int p = 0; p < 10; ++p) peers.push_back(std::make_unique<TestClient>(source.address()));
  const std::string text(96, 'x');
  // The first offers as much as it can, the others a hundredth: still above their share of what the flow takes.
  std::size_t seen = 0;
  for (int round = 0; round < 200; ++round) {
    source.output.is_paused = false;
    source.output.make_room();
    for (int turn = 0; turn < 3 && source.output.events.size() < seen + 1000; ++turn) {
      source.reactor.restart();
      source.reactor.poll_one();
    }
    source.output.is_paused = true;
    seen = source.output.events.size();
    for (std::size_t p = 0; p < peers.size(); ++p)
      for (int i = 0; i < (p == 0 ? 1000 : 200); ++i) peers[p]->send_now(std::to_string(p) + " " + text + "\n");
    source.step();
  }
  std::map<char, double> share;
  for (const auto& event : source.output.events) share[event[0]] += 10.0 / static_cast<double>(seen);
  for (char p = '1'; p <= '9'; ++p) EXPECT_GT(share[p], 0.9) << p;
}

TEST(TcpSource, ASlowSenderOfALargeEventDoesNotHoldUpSmallOnes) {
  TestSource source;
  TestClient slow(source.address()), other(source.address());
  slow.send_now(std::string(20'000, 's'));
  source.settle();
  for (int n = 0; n < 2'000; ++n) other.send_now(numbered(n));
  EXPECT_TRUE(source.brings(2'000));
  slow.send_now("\n");
  EXPECT_TRUE(source.brings(2'001));
}

TEST(TcpSource, LargeEventsWaitForTheOneBeforeThemUnread) {
  TestSource source;
  TestClient first(source.address()), second(source.address()), third(source.address());
  first.send_now(std::string(20'000, '1'));
  source.settle();
  second.send_now(std::string(20'000, '2'));
  source.settle();
  third.send_now(std::string(20'000, '3'));
  source.settle();
  third.send_now("\n");
  second.send_now("\n");
  source.settle();
  first.send_now("\n");
  ASSERT_TRUE(source.brings(3));
  EXPECT_THAT(source.output.events, Each(SizeIs(20'000)));
}

TEST(TcpSource, ASlowlorisIsClosedAndTheNextLargeEventGetsItsPlace) {
  TestSource source;
  TestClient loris(source.address()), other(source.address());
  loris.send_now(std::string(20'000, 'l'));
  source.settle();
  other.send_now(std::string(50'000, 'o'));
  source.settle();
  for (int i = 0; i < 7; ++i) {
    loris.send_now("x");
    source.settle();
    source.pass(5s);
  }
  EXPECT_TRUE(loris.is_closed()) << "a byte now and then does not make it any younger";
  EXPECT_EQ(source.output.refusals, 1u);
  other.send_now("\n");
  ASSERT_TRUE(source.brings(1));
  EXPECT_THAT(source.output.events[0], SizeIs(50'000));
}

TEST(TcpSource, IdleConnectionsAreClosedAndPausedOnesAreNot) {
  TestSource source;
  TestClient idle(source.address()), waiting(source.address());
  source.settle();
  source.output.is_paused = true;
  waiting.send_now("event\n");
  source.settle();
  source.pass(301s);
  EXPECT_TRUE(idle.is_closed());
  EXPECT_FALSE(waiting.is_closed());
  source.output.make_room();
  EXPECT_TRUE(source.brings(1));
}

TEST(TcpSource, OneConnectionAboveTheCapIsClosedAndCounted) {
  Options options = source_options();
  options.set("max_connections", std::uint64_t{2});
  TestSource source(options);
  auto first = std::make_unique<TestClient>(source.address());
  TestClient second(source.address()), third(source.address());
  EXPECT_TRUE(source.run_until([&] { return third.is_closed(); }));
  EXPECT_FALSE(second.is_closed());
  EXPECT_EQ(source.output.refusals, 1u);
  EXPECT_THAT(source.source->upstream().trouble, HasSubstr("max_connections (2)"));
  first.reset();
  source.settle();
  TestClient fourth(source.address());
  fourth.send_now("event\n");
  EXPECT_TRUE(source.brings(1));
}

TEST(TcpSource, WaitsForMemoryWithoutBeingTold) {
  TestSource source(source_options(), 1_MiB);
  TestClient peer(source.address());
  auto all = source.output.budget().try_take(1_MiB);
  for (int n = 0; n < 10; ++n) peer.send_now(numbered(n));
  source.settle();
  EXPECT_THAT(source.output.events, IsEmpty());
  all->give_back();
  EXPECT_TRUE(source.brings(10));
}

TEST(TcpSource, ReadsThePriorityFromTheEvent) {
  TestSource source(source_options(), 64_MiB,
                    {.path = ".s", .map = {{"e", Priority::critical}}, .fallback = Priority::low});
  TestClient peer(source.address());
  peer.send_now("{\"s\":\"e\"}\n{\"s\":\"x\"}\nnot json\n");
  ASSERT_TRUE(source.brings(3));
  EXPECT_THAT(source.output.priorities, ElementsAre(Priority::critical, Priority::low, Priority::low));
}

TEST(TcpSource, StopsAtOnceWithWhatItHasRead) {
  TestSource source;
  TestClient peer(source.address());
  peer.send_now("one\n");
  ASSERT_TRUE(source.brings(1));
  source.intake->stop(1s);
  peer.send_now("two\n");
  source.settle();
  EXPECT_THAT(source.output.events, ElementsAre("one"));
  EXPECT_TRUE(source.intake->quiet());
  EXPECT_TRUE(peer.is_closed());
  EXPECT_FALSE(TestClient(source.address(), {.may_be_refused = true}).connected);
}

TEST(TcpSource, SaysWhatIsWrongWithItsOptions) {
  const auto error = [](auto name, auto value) {
    Options options = source_options();
    options.set(name, value);
    TestSource source(options);
    return source.opened ? std::string() : source.opened.error().message;
  };
  EXPECT_EQ(error("max_event", 17_MiB), "source in: max_event: from 1B to 16MiB is possible");
  EXPECT_THAT(error("max_connections", std::uint64_t{0}), HasSubstr("at least 1"));
  EXPECT_THAT(error("tls_key", std::string("key.pem")), HasSubstr("belong together"));
}

}  // namespace
}  // namespace weir::tcp
