#include "handoff.h"

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "mock_for_test.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

constexpr TimePoint now{1h};

/// Real messages: nobody but librdkafka can make one. Partition 0 has offsets 0 to 9.
class KafkaHandoff : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<MockCluster>();
    cluster_->create("t", 1);
    cluster_->produce_ids("t", 0, 0, 10);
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    char why[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster_->address().c_str(), why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "none", why, sizeof why);
    consumer_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why));
    const PartitionList places = make_partition_list(1);
    rd_kafka_topic_partition_list_add(places.get(), "t", 0)->offset = 0;
    rd_kafka_assign(consumer_.get(), places.get());
    while (all_.size() < 10)
      if (Message message{rd_kafka_consumer_poll(consumer_.get(), 1000)}; message && !message->err)
        all_.push_back(std::move(message));
    index_ = handoff_.index_of("t", 0);
    handoff_.assign(index_, 0);
  }
  /// The next n messages.
  void offer(std::size_t n) {
    std::vector<Message> messages;
    for (; n > 0; --n) {
      messages.push_back(std::move(all_.front()));
      all_.erase(all_.begin());
    }
    handoff_.offer(index_, std::move(messages), Bytes(100));
  }
  void settle(const MessageRun& run, bool failed = false) {
    handoff_.settle(run.partition, run.epoch, run.number, failed, now);
  }
  std::int64_t to_commit() const {
    const auto commits = handoff_.commits();
    return commits.empty() ? -1 : commits.front().offset;
  }

  static inline std::unique_ptr<MockCluster> cluster_;
  std::unique_ptr<rd_kafka_t, Destroy<rd_kafka_destroy>> consumer_;
  std::vector<Message> all_;
  Handoff handoff_;
  PartitionIndex index_ = 0;
};

}  // namespace

TEST_F(KafkaHandoff, CommitsOverContiguousSettledPiecesOnly) {
  offer(3);
  offer(3);
  const auto first = handoff_.take(now), second = handoff_.take(now);
  settle(*second);
  EXPECT_EQ(to_commit(), -1);
  settle(*first);
  EXPECT_EQ(to_commit(), 6);
  handoff_.committed("t", 0, 6);
  EXPECT_EQ(to_commit(), -1);
}

TEST_F(KafkaHandoff, CommitsUpToTheEndWhenEverythingBeforeItHasSettled) {
  offer(3);
  handoff_.reached_end(index_, 5);  // 3 and 4 are control records
  EXPECT_EQ(to_commit(), -1);
  settle(*handoff_.take(now));
  EXPECT_EQ(to_commit(), 5);
}

TEST_F(KafkaHandoff, NeverMovesOverWhatMustBeReadAgain) {
  offer(3);
  settle(*handoff_.take(now), true);
  handoff_.reached_end(index_, 5);
  handoff_.to_rewind();
  handoff_.reached_end(index_, 5);
  EXPECT_EQ(handoff_.next(index_), 0);
  EXPECT_EQ(to_commit(), -1);
}

TEST_F(KafkaHandoff, WaitsOnARevokeForWhatIsInTheFlowAndCommitsIt) {
  offer(3);
  offer(3);
  const auto given = handoff_.take(now);
  handoff_.revoke({&index_, 1});
  EXPECT_FALSE(handoff_.take(now)) << "what waits is not given any more";
  EXPECT_FALSE(handoff_.settled({&index_, 1}));
  settle(*given);
  EXPECT_TRUE(handoff_.settled({&index_, 1}));
  EXPECT_EQ(to_commit(), 3);
}

TEST_F(KafkaHandoff, NeverCommitsForAPartitionThatIsNotOurs) {
  offer(3);
  const auto given = handoff_.take(now);
  handoff_.revoke({&index_, 1});
  handoff_.forget({&index_, 1});
  settle(*given);
  EXPECT_THAT(handoff_.commits(), IsEmpty());
  EXPECT_EQ(handoff_.given(), 0u);
}

TEST_F(KafkaHandoff, WhatSettlesFromBeforeTheLastAssignmentMovesNothing) {
  offer(3);
  const auto before = handoff_.take(now);
  handoff_.revoke({&index_, 1});
  handoff_.forget({&index_, 1});
  handoff_.assign(index_, 0);
  offer(3);
  EXPECT_FALSE(handoff_.is_current(*before));
  settle(*before);
  EXPECT_EQ(to_commit(), -1);
  const auto after = handoff_.take(now);
  EXPECT_TRUE(handoff_.is_current(*after));
}

TEST_F(KafkaHandoff, ReadsAgainFromTheFirstThatFailed) {
  offer(3);
  offer(3);
  const auto first = handoff_.take(now), second = handoff_.take(now);
  settle(*first);
  settle(*second, true);
  const auto places = handoff_.to_rewind();
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places.front().offset, 3);
  EXPECT_EQ(handoff_.next(index_), 3);
}

TEST_F(KafkaHandoff, TakesNothingOfAPartitionThatIsNotBackYet) {
  offer(3);
  settle(*handoff_.take(now), true);
  EXPECT_EQ(handoff_.to_rewind().size(), 1u);
  offer(3);  // offsets that lie beyond: they would be committed over what failed
  EXPECT_EQ(handoff_.waiting(), Load{});
  EXPECT_EQ(handoff_.to_rewind().size(), 1u) << "asked for until it is done";
  handoff_.rewound(index_);
  EXPECT_THAT(handoff_.to_rewind(), IsEmpty());
}

TEST_F(KafkaHandoff, WhatFailedIsGivenAgainAfterAPause) {
  offer(1);
  settle(*handoff_.take(now), true);
  handoff_.to_rewind();
  handoff_.rewound(index_);
  offer(1);
  EXPECT_FALSE(handoff_.take(now + 99ms));
  EXPECT_TRUE(handoff_.take(now + 100ms));
}

TEST_F(KafkaHandoff, WhatIsGivenBackIsNotSettled) {
  offer(3);
  const auto run = handoff_.take(now);
  handoff_.give_back(*run);
  EXPECT_EQ(handoff_.given(), 0u);
  EXPECT_EQ(to_commit(), -1);
}

TEST_F(KafkaHandoff, KnowsHowMuchWaits) {
  offer(3);
  EXPECT_EQ(handoff_.waiting(), (Load{3, 100_B}));
  handoff_.take(now);
  EXPECT_EQ(handoff_.waiting(), Load{});
  offer(3);
  handoff_.close();
  EXPECT_EQ(handoff_.waiting(), Load{});
  EXPECT_FALSE(handoff_.take(now));
}

TEST_F(KafkaHandoff, AWaitForRoomEndsWhenThereIsEnoughAndNotBefore) {
  for (int i = 0; i < 4; ++i) offer(1);
  auto waiting = std::async(std::launch::async, [&] { return handoff_.wait_for_room({1, 1_MiB}, 60s); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(waiting.wait_for(10ms), std::future_status::timeout) << "nor before it has begun";
    handoff_.take(now);
  }
  EXPECT_EQ(waiting.wait_for(60s), std::future_status::ready);
  handoff_.wake();  // if nobody else does
}

TEST_F(KafkaHandoff, AWaitForRoomEndsForWhatMustBeReadAgain) {
  offer(1);
  offer(1);
  const auto run = handoff_.take(now);
  std::jthread waiting([&] { EXPECT_TRUE(handoff_.wait_for_room({}, 5s)); });
  settle(*run, true);
}

TEST_F(KafkaHandoff, AWaitForRoomEndsForAWakeUpThatCameFirst) {
  offer(1);
  EXPECT_FALSE(handoff_.wait_for_room({}, 1ms));
  handoff_.wake();
  EXPECT_TRUE(handoff_.wait_for_room({}, 5s));
}

}  // namespace weir::kafka
