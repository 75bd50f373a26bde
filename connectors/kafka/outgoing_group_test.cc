#include "outgoing_group.h"

#include <gmock/gmock.h>
#include <weir/component/conformance/batches.h>

namespace weir::kafka {
namespace {

using conformance::batch_of;
using conformance::Delivered;
using testing::ElementsAre;

struct KafkaOutgoingGroup : testing::Test {
  KafkaOutgoingGroup() { delivered.add(batch_of({"a", "b"}, 10)).add(batch_of({"c"}, 20)); }
  /// Batch and event of all it wants sent, which are on their way then.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> send_all() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
    while (const auto place = outgoing.next()) {
      places.emplace_back(place->batch, place->event);
      tokens.push_back(outgoing.sent());
    }
    return places;
  }
  Delivered delivered;
  OutgoingGroup outgoing;
  std::vector<void*> tokens;
};

TEST_F(KafkaOutgoingGroup, SendsEachEventOnceInTheOrderOfItsBatches) {
  outgoing.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 0u), std::pair(0u, 1u), std::pair(1u, 0u)));
  EXPECT_EQ(outgoing.on_its_way(), 3u);
  for (void* token : tokens) outgoing.arrived(token);
  EXPECT_TRUE(outgoing.done());
  EXPECT_EQ(outgoing.on_its_way(), 0u);
}

TEST_F(KafkaOutgoingGroup, GoesOnWhereItWasWhenTheSameGroupComesAgain) {
  outgoing.take(delivered);
  send_all();
  outgoing.arrived(tokens[0]);
  outgoing.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre());
  outgoing.arrived(tokens[2]);
  outgoing.arrived(tokens[1]);
  EXPECT_TRUE(outgoing.done());
}

TEST_F(KafkaOutgoingGroup, SendsAgainOnlyWhatFailed) {
  outgoing.take(delivered);
  send_all();
  outgoing.arrived(tokens[0]);
  outgoing.failed(tokens[1], "no leader");
  outgoing.arrived(tokens[2]);
  EXPECT_TRUE(outgoing.has_failed());
  EXPECT_EQ(outgoing.take_failure(), "no leader");
  EXPECT_FALSE(outgoing.has_failed());
  outgoing.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 1u)));
}

TEST_F(KafkaOutgoingGroup, NamesTheRefusedOnesInOrderWhateverOrderTheyWereReportedIn) {
  outgoing.take(delivered);
  send_all();
  outgoing.refused(tokens[2], "too large");
  outgoing.refused(tokens[0], "no record");
  outgoing.arrived(tokens[1]);
  ASSERT_TRUE(outgoing.done());
  const auto refused = outgoing.finish();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(std::pair(refused[0].batch, refused[0].event), std::pair(0u, 0u));
  EXPECT_EQ(refused[1].why, "too large");
  EXPECT_EQ(std::pair(refused[1].batch, refused[1].event), std::pair(1u, 0u));
}

TEST_F(KafkaOutgoingGroup, HearsNothingOfAGroupThatWasGivenUp) {
  outgoing.take(delivered);
  send_all();
  const Delivered other(batch_of({"d", "e", "f"}, 30));
  outgoing.take(other);
  for (void* token : tokens) outgoing.arrived(token);
  EXPECT_FALSE(outgoing.done());
  EXPECT_EQ(send_all().size(), 3u);
}

TEST_F(KafkaOutgoingGroup, HearsNothingTwice) {
  outgoing.take(delivered);
  send_all();
  outgoing.arrived(tokens[0]);
  outgoing.arrived(tokens[0]);
  outgoing.failed(tokens[0], "late");
  EXPECT_FALSE(outgoing.has_failed());
  EXPECT_EQ(outgoing.on_its_way(), 2u);
}

TEST_F(KafkaOutgoingGroup, SendsAllThatWasOnItsWayAgainWhenTheClientIsLost) {
  outgoing.take(delivered);
  send_all();
  outgoing.arrived(tokens[0]);
  outgoing.lose_all();
  outgoing.arrived(tokens[1]);  // of the client that is gone
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 1u), std::pair(1u, 0u)));
}

TEST_F(KafkaOutgoingGroup, BeginsAnewOnceItWasDone) {
  outgoing.take(delivered);
  send_all();
  for (void* token : tokens) outgoing.arrived(token);
  outgoing.finish();
  outgoing.take(delivered);
  EXPECT_EQ(send_all().size(), 3u);
}

}  // namespace
}  // namespace weir::kafka
