#include <weir/async/channel.h>
#include <weir/async/coroutines_for_test.h>
#include <weir/async/item.h>

#include <gmock/gmock.h>

#include <memory>
#include <string>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct ItemTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  std::vector<std::pair<int, Reason>> dropped;
  ChannelConfig config{{.bound = {2, 1_KiB}}};
  std::unique_ptr<Channel<Item<int>>> channel;
  void make() {
    channel = std::make_unique<Channel<Item<int>>>(
        config, context, [this](const Item<int>& item, Reason why) { dropped.emplace_back(*item, why); });
  }
};

TEST_F(ItemTest, AnIntIsQueuedInOneLineAndTakenInOne) {
  make();
  EXPECT_TRUE(channel->try_send(42));
  EXPECT_TRUE(channel->send_for(43, 1s));
  EXPECT_EQ(**channel->try_receive(one_item), 42);
  EXPECT_EQ(**channel->receive_for(one_item, 1s), 43);
  EXPECT_EQ(channel->try_receive(one_item).error(), Idle::empty);
}

TEST_F(ItemTest, AwaitedToo) {
  make();
  boost::asio::io_context io;
  int got = 0;
  spawn(io, [](Channel<Item<int>>& to, int& out) -> boost::asio::awaitable<void> {
    const auto sent = co_await to.send(7, never);
    EXPECT_TRUE(sent);
    const auto item = co_await to.receive(one_item, never);
    if (item) out = **item;
  }(*channel, got));
  run_ready(io);
  EXPECT_EQ(got, 7);
}

TEST_F(ItemTest, CountsForTheBoundAndStaysWithItsOwnerWhenRefused) {
  make();
  EXPECT_TRUE(channel->try_send(1));
  EXPECT_TRUE(channel->try_send(2));
  Item<int> third = 3;
  const auto answer = channel->try_send(third);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::flow_full);
  EXPECT_EQ(*third, 3);
  EXPECT_EQ(channel->stats().edge.pending.bytes, Bytes(2 * sizeof(int)));
}

TEST_F(ItemTest, IsAsOldAsItsFirstAttemptToEnter) {
  config.edge.expire_after = 1s;
  make();
  EXPECT_TRUE(channel->try_send(1));
  EXPECT_TRUE(channel->try_send(2));
  Item<int> late = 3;
  EXPECT_FALSE(channel->try_send(late));
  clock.advance(600ms);
  EXPECT_EQ(**channel->try_receive(one_item), 1);
  EXPECT_TRUE(channel->try_send(late));
  clock.advance(600ms);
  EXPECT_FALSE(channel->try_receive(one_item)) << "600 ms in the channel, and 600 ms before it";
  EXPECT_THAT(dropped, testing::ElementsAre(std::pair(2, Reason::expired), std::pair(3, Reason::expired)));
}

TEST_F(ItemTest, GoesByItsPriorityAndItsBytes) {
  const Context real;
  Channel<Item<std::string>> texts({{.bound = {10, 10_B}}}, real, [](const Item<std::string>&, Reason) {});
  EXPECT_TRUE(texts.try_send({"first", 5_B}));
  EXPECT_TRUE(texts.try_send({"now", 3_B, Priority::high}));
  EXPECT_FALSE(texts.try_send({"full", 4_B}));
  EXPECT_EQ(**texts.try_receive(one_item), "now");
}

TEST_F(ItemTest, MayBeWhatCannotBeCopied) {
  const Context real;
  Channel<Item<std::unique_ptr<int>>> channel({{.bound = {2, 1_KiB}}}, real,
                                              [](const Item<std::unique_ptr<int>>&, Reason) {});
  EXPECT_TRUE(channel.try_send(std::make_unique<int>(5)));
  auto got = channel.try_receive(one_item);
  ASSERT_TRUE(got);
  const std::unique_ptr<int> value = *std::move(*got);
  EXPECT_EQ(*value, 5);
}

}  // namespace
}  // namespace weir::async
