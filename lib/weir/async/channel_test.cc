#include <weir/async/channel.h>
#include <weir/async/coroutines_for_test.h>
#include <weir/flow/queue/parcel_for_test.h>

#include <gmock/gmock.h>

namespace weir::async {
namespace {

using flow::parcel;
using flow::Parcel;
using flow::WhenFull;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr Load anything{1'000'000, 1_GiB};

std::vector<std::uint64_t> ids(const Parcel& p) {
  std::vector<std::uint64_t> all;
  for (const auto& event : p.events) all.push_back(event.id);
  return all;
}

/// A channel of ten events that resumes at two.
struct ChannelTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  std::vector<std::pair<std::vector<std::uint64_t>, Reason>> dropped_items;
  std::unique_ptr<Channel<Parcel>> channel = make({});
  boost::asio::io_context io;

  std::unique_ptr<Channel<Parcel>> make(flow::EdgeConfig edge, std::size_t most_sleepers = 8) {
    edge.bound = {10, 1000_B};
    return std::make_unique<Channel<Parcel>>(
        ChannelConfig{edge, most_sleepers}, context,
        [this](const Parcel& p, Reason reason) { dropped_items.emplace_back(ids(p), reason); });
  }
  void make_full(WhenFull when_full) {
    channel = make({.when_full = when_full});
    put(parcel(0, 10));
  }
  void put(Parcel p) { EXPECT_TRUE(channel->try_send(p)); }
  std::vector<std::uint64_t> get(std::uint64_t events = 1000) {
    const auto got = channel->try_receive({events, 1_GiB});
    return got ? ids(*got) : std::vector<std::uint64_t>{};
  }

  struct Sending {
    Parcel item;
    std::optional<Admitted<void>> answer{};
  };
  static boost::asio::awaitable<void> sending(Channel<Parcel>& to, Sending& s, TimePoint deadline) {
    s.answer = co_await to.send(s.item, deadline);
  }
  void start(Sending& s, TimePoint deadline = never) {
    spawn(io, sending(*channel, s, deadline));
    run_ready(io);
  }
  struct Receiving {
    std::optional<Channel<Parcel>::Received<Parcel>> answer{};
  };
  static boost::asio::awaitable<void> receiving(Channel<Parcel>& from, Receiving& r, TimePoint deadline) {
    r.answer = co_await from.receive(anything, deadline);
  }
  void start(Receiving& r, TimePoint deadline = never) {
    spawn(io, receiving(*channel, r, deadline));
    run_ready(io);
  }
};

TEST_F(ChannelTest, IsNotMadeOfDurationsThatAreNone) {
  EXPECT_THROW(make({.expire_after = Duration{0}}), std::invalid_argument);
  EXPECT_THROW(channel->reconfigure({.bound = {5, 1_KiB}, .max_wait = Duration{-1}}), std::invalid_argument);
  EXPECT_EQ(channel->pressure().bound.events, 10u) << "as it was";
}

// ---- full ----

TEST_F(ChannelTest, TakesThePrefixThatFitsAndLeavesTheRest) {
  put(parcel(0, 8));
  Parcel item = parcel(8, 5);
  const auto answer = channel->try_send(item);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::flow_full);
  EXPECT_THAT(ids(item), ElementsAre(10, 11, 12));
  EXPECT_EQ(channel->stats().refused, 3u);
  EXPECT_EQ(channel->stats().edge.pending.events, 10u);
}

TEST_F(ChannelTest, RefusesWithoutWaitingWhereFullMeansRejectOrSpill) {
  for (const WhenFull policy : {WhenFull::reject, WhenFull::spill}) {
    make_full(policy);
    Sending s{parcel(10, 1)};
    start(s);
    ASSERT_TRUE(s.answer) << name(policy);
    EXPECT_EQ(s.answer->error().reason, Reason::flow_full);
    EXPECT_THAT(ids(s.item), ElementsAre(10));
  }
}

TEST_F(ChannelTest, HandsDroppedItemsToTheirOwnerWhereFullMeansDrop) {
  make_full(WhenFull::drop_newest);
  put(parcel(10, 1));
  EXPECT_THAT(dropped_items, ElementsAre(std::pair(std::vector<std::uint64_t>{10}, Reason::drop_newest)));
  dropped_items.clear();

  channel = make({.when_full = WhenFull::drop_oldest});
  dropped_items.clear();
  put(parcel(0, 1));
  put(parcel(1, 9));
  put(parcel(10, 1));
  EXPECT_THAT(dropped_items, ElementsAre(std::pair(std::vector<std::uint64_t>{0}, Reason::drop_oldest)));

  channel = make({.when_full = WhenFull::drop_lowest});
  dropped_items.clear();
  put(parcel(0, 5, Priority::low));
  put(parcel(5, 5, Priority::high));
  put(parcel(10, 1, Priority::normal));
  EXPECT_EQ(dropped_items.at(0).second, Reason::drop_lowest);
  EXPECT_THAT(dropped_items.at(0).first, ElementsAre(0, 1, 2, 3, 4));

  channel = make({.when_full = WhenFull::drop_random});
  dropped_items.clear();
  put(parcel(0, 10));
  put(parcel(10, 1));
  ASSERT_EQ(dropped_items.size(), 1u);
  EXPECT_EQ(dropped_items[0].second, Reason::drop_random);
}

TEST_F(ChannelTest, HandsWhatExpiredToItsOwner) {
  channel = make({.expire_after = 1s});
  put(parcel(0, 1, Priority::normal, clock.now()));
  clock.advance(2s);
  EXPECT_THAT(get(), IsEmpty());
  EXPECT_THAT(dropped_items, ElementsAre(std::pair(std::vector<std::uint64_t>{0}, Reason::expired)));
}

// ---- waiting for room ----

TEST_F(ChannelTest, SenderWaitsUntilTheLowMark) {
  make_full(WhenFull::block);
  Sending s{parcel(10, 1)};
  start(s);
  get(7);
  run_ready(io);
  EXPECT_FALSE(s.answer) << "three still wait, and it resumes at two";
  get(1);
  run_ready(io);
  ASSERT_TRUE(s.answer);
  EXPECT_TRUE(*s.answer);
  EXPECT_EQ(channel->stats().woken, 1u) << "once a pause, not once an event";
}

TEST_F(ChannelTest, SenderGivesUpAtItsDeadlineAndKeepsTheRest) {
  put(parcel(0, 9));
  Sending s{parcel(9, 3)};
  start(s, clock.now());
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.answer->error().reason, Reason::deadline_exceeded);
  EXPECT_THAT(ids(s.item), ElementsAre(10, 11));
  EXPECT_EQ(channel->stats().sleeping_senders, 0u);
}

TEST_F(ChannelTest, SenderWakesAtADeadlineThatPassesWhileItSleeps) {
  make_full(WhenFull::block);
  Sending s{parcel(10, 1)};
  start(s, clock.now() + 1ms);
  EXPECT_EQ(channel->stats().sleeping_senders, 1u);
  clock.advance(1ms);
  io.restart();
  io.run();
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.answer->error().reason, Reason::deadline_exceeded);
}

TEST_F(ChannelTest, SendsInPortionsWhatIsLargerThanTheBound) {
  Sending s{parcel(0, 25)};
  start(s);
  std::vector<std::uint64_t> got;
  for (int i = 0; i < 3; ++i) {
    for (const auto id : get()) got.push_back(id);
    run_ready(io);
  }
  EXPECT_TRUE(s.answer && *s.answer);
  EXPECT_EQ(got.size(), 25u);
  EXPECT_TRUE(std::ranges::is_sorted(got));
  EXPECT_EQ(channel->stats().edge.max_waiting.events, 10u);
}

TEST_F(ChannelTest, WhoCameFirstSendsFirstAndNobodyOvertakesASleeper) {
  make_full(WhenFull::block);
  Sending first{parcel(10, 9)}, second{parcel(19, 1)};
  start(first);
  start(second);
  get(3);
  Parcel late = parcel(99, 1);
  EXPECT_FALSE(channel->try_send(late)) << "there is room, but it is not its turn";
  get();
  run_ready(io);
  EXPECT_TRUE(first.answer && second.answer);
  EXPECT_THAT(get(9), ElementsAre(10, 11, 12, 13, 14, 15, 16, 17, 18));
  EXPECT_THAT(get(), ElementsAre(19));
}

TEST_F(ChannelTest, RefusesWhenTooManyWaitAlready) {
  channel = make({}, 1);
  put(parcel(0, 10));
  Sending first{parcel(10, 1)}, second{parcel(11, 1)};
  start(first);
  start(second);
  EXPECT_FALSE(first.answer);
  ASSERT_TRUE(second.answer);
  EXPECT_EQ(second.answer->error().reason, Reason::flow_full);
  channel->cancel();
  run_ready(io);
}

TEST_F(ChannelTest, SendersThatFitInNoRoomDoNotWakeEachOther) {
  channel = make({.reserved_for_high = 0.2});
  put(parcel(0, 1, Priority::high, {}, 950));  // fifty bytes are left: not full, and too small for either
  Sending high{parcel(1, 1, Priority::high, {}, 100)}, critical{parcel(2, 1, Priority::critical, {}, 100)};
  spawn(io, sending(*channel, high, never));
  spawn(io, sending(*channel, critical, never));
  int handlers = 0;
  while (handlers < 1000 && io.poll_one() > 0) ++handlers;
  EXPECT_LT(handlers, 1000);
  get();
  run_ready(io);
  EXPECT_TRUE(high.answer && critical.answer);
}

TEST_F(ChannelTest, AnotherPolicyEndsTheWaiting) {
  make_full(WhenFull::block);
  Sending s{parcel(10, 1)};
  start(s);
  channel->reconfigure({.bound = {10, 1000_B}, .when_full = WhenFull::reject});
  run_ready(io);
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.answer->error().reason, Reason::flow_full);
}

// ---- waiting for work ----

TEST_F(ChannelTest, ReceiverWaitsForAnArrival) {
  Receiving r;
  start(r);
  EXPECT_FALSE(r.answer);
  put(parcel(0, 2));
  run_ready(io);
  ASSERT_TRUE(r.answer && *r.answer);
  EXPECT_THAT(ids(**r.answer), ElementsAre(0, 1));
}

TEST_F(ChannelTest, ReceiverGivesUpAtItsDeadline) {
  Receiving r;
  start(r, clock.now());
  ASSERT_TRUE(r.answer);
  EXPECT_EQ(r.answer->error(), Idle::empty);
}

TEST_F(ChannelTest, NotifiesNobodyWhenNobodySleeps) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    put(parcel(i, 1));
    get();
  }
  EXPECT_EQ(channel->stats().woken, 0u);
}

TEST_F(ChannelTest, OneArrivalWakesOneReceiver) {
  Receiving first, second;
  start(first);
  start(second);
  put(parcel(0, 1));
  run_ready(io);
  EXPECT_TRUE(first.answer);
  EXPECT_FALSE(second.answer);
  EXPECT_EQ(channel->stats().woken, 1u);
  channel->close();
  run_ready(io);
}

TEST_F(ChannelTest, AWokenReceiverWakesTheNextIfItLeavesSomething) {
  Receiving first, second;
  auto one = [](Channel<Parcel>& from, Receiving& r) -> boost::asio::awaitable<void> {
    r.answer = co_await from.receive({1, 1_GiB}, never);
  };
  spawn(io, one(*channel, first));
  spawn(io, one(*channel, second));
  run_ready(io);
  put(parcel(0, 2));
  run_ready(io);
  EXPECT_TRUE(first.answer && second.answer);
}

TEST_F(ChannelTest, AReceiverThatDiesPassesItsWakeUpOn) {
  Receiving dead, alive;
  auto dying = std::make_unique<boost::asio::io_context>();
  spawn(*dying, receiving(*channel, dead, never));
  run_ready(*dying);
  start(alive);
  put(parcel(0, 1));  // wakes the first
  dying.reset();      // which dies before it can look
  run_ready(io);
  EXPECT_FALSE(dead.answer);
  ASSERT_TRUE(alive.answer);
  EXPECT_THAT(ids(**alive.answer), ElementsAre(0));
}

TEST_F(ChannelTest, AReceiverThatWasBeatenKeepsItsPlace) {
  Receiving first, second;
  start(first);
  start(second);
  put(parcel(0, 1));
  get();  // before the one that was woken could look
  run_ready(io);
  put(parcel(1, 1));
  run_ready(io);
  EXPECT_TRUE(first.answer);
  EXPECT_FALSE(second.answer);
  channel->close();
  run_ready(io);
}

TEST_F(ChannelTest, TakesAllThatWaitsAtOnce) {
  put(parcel(0, 3));
  put(parcel(3, 2, Priority::high));
  put(parcel(5, 4));
  std::optional<Channel<Parcel>::Received<std::vector<Parcel>>> all;
  auto take = [&](Load most) -> boost::asio::awaitable<void> { all = co_await channel->receive_all(most, never); };
  spawn(io, take({7, 1_GiB}));
  run_ready(io);
  ASSERT_TRUE(all && *all);
  ASSERT_EQ((*all)->size(), 3u);
  EXPECT_THAT(ids((**all)[0]), ElementsAre(3, 4));
  EXPECT_THAT(ids((**all)[2]), ElementsAre(5, 6)) << "cut where enough was taken";
  EXPECT_THAT(get(), ElementsAre(7, 8));
}

// ---- ending ----

TEST_F(ChannelTest, ClosedItRefusesSendersAndGivesReceiversWhatIsLeft) {
  put(parcel(0, 1));
  channel->close();
  Parcel late = parcel(1, 1);
  EXPECT_EQ(channel->try_send(late).error().reason, Reason::shutting_down);
  EXPECT_THAT(get(), ElementsAre(0));
  EXPECT_EQ(channel->try_receive(anything).error(), Idle::closed);
}

TEST_F(ChannelTest, ClosingWakesAllWhoSleep) {
  Receiving r1, r2;
  start(r1);
  start(r2);
  channel->close();
  run_ready(io);
  EXPECT_EQ(r1.answer.value().error(), Idle::closed);
  EXPECT_EQ(r2.answer.value().error(), Idle::closed);

  make_full(WhenFull::block);
  Sending s{parcel(10, 1)};
  start(s);
  channel->close();
  run_ready(io);
  EXPECT_EQ(s.answer.value().error().reason, Reason::shutting_down);
  EXPECT_THAT(ids(s.item), ElementsAre(10));
}

TEST_F(ChannelTest, DrainWaitsUntilAllIsReceived) {
  put(parcel(0, 2));
  std::optional<bool> drained;
  auto drain = [&](TimePoint deadline) -> boost::asio::awaitable<void> { drained = co_await channel->drain(deadline); };
  spawn(io, drain(clock.now()));
  run_ready(io);
  EXPECT_EQ(drained, false);
  drained.reset();
  spawn(io, drain(never));
  run_ready(io);
  get(1);
  run_ready(io);
  EXPECT_EQ(drained, std::nullopt);
  get(1);
  run_ready(io);
  EXPECT_EQ(drained, true);
}

TEST_F(ChannelTest, CancelledOrDestroyedItHandsWhatIsLeftToItsOwner) {
  put(parcel(0, 1));
  channel->cancel();
  EXPECT_THAT(dropped_items, ElementsAre(std::pair(std::vector<std::uint64_t>{0}, Reason::shutdown)));
  EXPECT_EQ(channel->try_receive(anything).error(), Idle::closed);
  dropped_items.clear();
  channel = make({});
  put(parcel(1, 1));
  channel.reset();
  EXPECT_THAT(dropped_items, ElementsAre(std::pair(std::vector<std::uint64_t>{1}, Reason::shutdown)));
}

TEST_F(ChannelTest, ADroppedItemsOwnerMayUseTheChannel) {
  std::unique_ptr<Channel<Parcel>> self;
  std::uint64_t seen = 0;
  self = std::make_unique<Channel<Parcel>>(
      ChannelConfig{{.bound = {1, 1000_B}, .when_full = WhenFull::drop_newest}, 1}, context,
      [&](const Parcel&, Reason) { seen += self ? self->stats().edge.pending.events : 0; });
  for (std::uint64_t i = 0; i < 2; ++i) {
    Parcel p = parcel(i, 1);
    EXPECT_TRUE(self->try_send(p));
  }
  EXPECT_EQ(seen, 1u);
  EXPECT_TRUE(self->try_receive(anything));
}

using ChannelDeathTest = ChannelTest;
TEST_F(ChannelDeathTest, MustOutliveWhoSleepsInIt) {
  Receiving r;
  start(r);
  EXPECT_DEATH(channel.reset(), "receivers_.size");
  channel->close();
  run_ready(io);
}

}  // namespace
}  // namespace weir::async
