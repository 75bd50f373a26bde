#include "exchange.h"

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
class KafkaExchange : public testing::Test {
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
    const Places places = make_places(1);
    rd_kafka_topic_partition_list_add(places.get(), "t", 0)->offset = 0;
    rd_kafka_assign(consumer_.get(), places.get());
    while (all_.size() < 10)
      if (Message message{rd_kafka_consumer_poll(consumer_.get(), 1000)}; message && !message->err)
        all_.push_back(std::move(message));
    index_ = exchange_.index_of("t", 0);
    exchange_.assign(index_, 0);
  }
  /// The next n messages.
  void offer(std::size_t n) {
    std::vector<Message> messages;
    for (; n > 0; --n) {
      messages.push_back(std::move(all_.front()));
      all_.erase(all_.begin());
    }
    exchange_.offer(index_, std::move(messages), Bytes(100));
  }
  void settle(const Piece& piece, bool failed = false) {
    exchange_.settle(piece.partition, piece.epoch, piece.number, failed, now);
  }
  std::int64_t to_commit() const {
    const auto commits = exchange_.commits();
    return commits.empty() ? -1 : commits.front().offset;
  }

  static inline std::unique_ptr<MockCluster> cluster_;
  std::unique_ptr<rd_kafka_t, Destroy<rd_kafka_destroy>> consumer_;
  std::vector<Message> all_;
  Exchange exchange_;
  PartitionIndex index_ = 0;
};

}  // namespace

TEST_F(KafkaExchange, CommitsOverContiguousSettledPiecesOnly) {
  offer(3);
  offer(3);
  const auto first = exchange_.take(now), second = exchange_.take(now);
  settle(*second);
  EXPECT_EQ(to_commit(), -1);
  settle(*first);
  EXPECT_EQ(to_commit(), 6);
  exchange_.committed("t", 0, 6);
  EXPECT_EQ(to_commit(), -1);
}

TEST_F(KafkaExchange, WaitsOnARevokeForWhatIsInTheFlowAndCommitsIt) {
  offer(3);
  offer(3);
  const auto given = exchange_.take(now);
  exchange_.revoke({&index_, 1});
  EXPECT_FALSE(exchange_.take(now)) << "what waits is not given any more";
  EXPECT_FALSE(exchange_.settled({&index_, 1}));
  settle(*given);
  EXPECT_TRUE(exchange_.settled({&index_, 1}));
  EXPECT_EQ(to_commit(), 3);
}

TEST_F(KafkaExchange, NeverCommitsForAPartitionThatIsNotOurs) {
  offer(3);
  const auto given = exchange_.take(now);
  exchange_.revoke({&index_, 1});
  exchange_.forget({&index_, 1});
  settle(*given);
  EXPECT_THAT(exchange_.commits(), IsEmpty());
  EXPECT_EQ(exchange_.given(), 0u);
}

TEST_F(KafkaExchange, WhatSettlesFromBeforeTheLastAssignmentMovesNothing) {
  offer(3);
  const auto before = exchange_.take(now);
  exchange_.revoke({&index_, 1});
  exchange_.forget({&index_, 1});
  exchange_.assign(index_, 0);
  offer(3);
  EXPECT_FALSE(exchange_.is_current(*before));
  settle(*before);
  EXPECT_EQ(to_commit(), -1);
  const auto after = exchange_.take(now);
  EXPECT_TRUE(exchange_.is_current(*after));
}

TEST_F(KafkaExchange, ReadsAgainFromTheFirstThatFailed) {
  offer(3);
  offer(3);
  const auto first = exchange_.take(now), second = exchange_.take(now);
  settle(*first);
  settle(*second, true);
  const auto places = exchange_.to_rewind();
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places.front().offset, 3);
  EXPECT_EQ(exchange_.next(index_), 3);
}

TEST_F(KafkaExchange, TakesNothingOfAPartitionThatIsNotBackYet) {
  offer(3);
  settle(*exchange_.take(now), true);
  EXPECT_EQ(exchange_.to_rewind().size(), 1u);
  offer(3);  // offsets that lie beyond: they would be committed over what failed
  EXPECT_EQ(exchange_.waiting(), Load{});
  EXPECT_EQ(exchange_.to_rewind().size(), 1u) << "asked for until it is done";
  exchange_.rewound(index_);
  EXPECT_THAT(exchange_.to_rewind(), IsEmpty());
}

TEST_F(KafkaExchange, WhatFailedIsGivenAgainAfterAPause) {
  offer(1);
  settle(*exchange_.take(now), true);
  exchange_.to_rewind();
  exchange_.rewound(index_);
  offer(1);
  EXPECT_FALSE(exchange_.take(now + 99ms));
  EXPECT_TRUE(exchange_.take(now + 100ms));
}

TEST_F(KafkaExchange, WhatIsGivenBackIsNotSettled) {
  offer(3);
  const auto piece = exchange_.take(now);
  exchange_.give_back(*piece);
  EXPECT_EQ(exchange_.given(), 0u);
  EXPECT_EQ(to_commit(), -1);
}

TEST_F(KafkaExchange, KnowsHowMuchWaits) {
  offer(3);
  EXPECT_EQ(exchange_.waiting(), (Load{3, 100_B}));
  exchange_.take(now);
  EXPECT_EQ(exchange_.waiting(), Load{});
  offer(3);
  exchange_.close();
  EXPECT_EQ(exchange_.waiting(), Load{});
  EXPECT_FALSE(exchange_.take(now));
}

TEST_F(KafkaExchange, AWaitForRoomEndsWhenThereIsEnoughAndNotBefore) {
  for (int i = 0; i < 4; ++i) offer(1);
  auto waiting = std::async(std::launch::async, [&] { return exchange_.wait_for_room({1, 1_MiB}, 60s); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(waiting.wait_for(10ms), std::future_status::timeout) << "nor before it has begun";
    exchange_.take(now);
  }
  EXPECT_EQ(waiting.wait_for(5s), std::future_status::ready);
  exchange_.wake();  // if nobody else does
}

TEST_F(KafkaExchange, AWaitForRoomEndsForWhatMustBeReadAgain) {
  offer(1);
  offer(1);
  const auto piece = exchange_.take(now);
  std::jthread waiting([&] { EXPECT_TRUE(exchange_.wait_for_room({}, 5s)); });
  settle(*piece, true);
}

TEST_F(KafkaExchange, AWaitForRoomEndsForAWakeUpThatCameFirst) {
  offer(1);
  EXPECT_FALSE(exchange_.wait_for_room({}, 1ms));
  exchange_.wake();
  EXPECT_TRUE(exchange_.wait_for_room({}, 5s));
}

}  // namespace weir::kafka
