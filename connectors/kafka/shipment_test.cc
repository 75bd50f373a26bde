#include "shipment.h"

#include <gmock/gmock.h>
#include <weir/component/conformance/batches.h>

namespace weir::kafka {
namespace {

using conformance::batch_of;
using conformance::Delivered;
using testing::ElementsAre;

struct KafkaShipment : testing::Test {
  KafkaShipment() { delivered.add(batch_of({"a", "b"}, 10)).add(batch_of({"c"}, 20)); }
  /// Batch and event of all it wants sent, which are on their way then.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> send_all() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
    while (const auto place = shipment.next()) {
      places.emplace_back(place->batch, place->event);
      tokens.push_back(shipment.sent());
    }
    return places;
  }
  Delivered delivered;
  Shipment shipment;
  std::vector<void*> tokens;
};

TEST_F(KafkaShipment, SendsEachEventOnceInTheOrderOfItsBatches) {
  shipment.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 0u), std::pair(0u, 1u), std::pair(1u, 0u)));
  EXPECT_EQ(shipment.on_its_way(), 3u);
  for (void* token : tokens) shipment.arrived(token);
  EXPECT_TRUE(shipment.done());
  EXPECT_EQ(shipment.on_its_way(), 0u);
}

TEST_F(KafkaShipment, GoesOnWhereItWasWhenTheSameGroupComesAgain) {
  shipment.take(delivered);
  send_all();
  shipment.arrived(tokens[0]);
  shipment.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre());
  shipment.arrived(tokens[2]);
  shipment.arrived(tokens[1]);
  EXPECT_TRUE(shipment.done());
}

TEST_F(KafkaShipment, SendsAgainOnlyWhatFailed) {
  shipment.take(delivered);
  send_all();
  shipment.arrived(tokens[0]);
  shipment.failed(tokens[1], "no leader");
  shipment.arrived(tokens[2]);
  EXPECT_TRUE(shipment.has_failed());
  EXPECT_EQ(shipment.take_failure(), "no leader");
  EXPECT_FALSE(shipment.has_failed());
  shipment.take(delivered);
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 1u)));
}

TEST_F(KafkaShipment, NamesTheRefusedOnesInOrderWhateverOrderTheyWereReportedIn) {
  shipment.take(delivered);
  send_all();
  shipment.refused(tokens[2], "too large");
  shipment.refused(tokens[0], "no record");
  shipment.arrived(tokens[1]);
  ASSERT_TRUE(shipment.done());
  const auto refused = shipment.finish();
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(std::pair(refused[0].batch, refused[0].event), std::pair(0u, 0u));
  EXPECT_EQ(refused[1].why, "too large");
  EXPECT_EQ(std::pair(refused[1].batch, refused[1].event), std::pair(1u, 0u));
}

TEST_F(KafkaShipment, HearsNothingOfAGroupThatWasGivenUp) {
  shipment.take(delivered);
  send_all();
  const Delivered other(batch_of({"d", "e", "f"}, 30));
  shipment.take(other);
  for (void* token : tokens) shipment.arrived(token);
  EXPECT_FALSE(shipment.done());
  EXPECT_EQ(send_all().size(), 3u);
}

TEST_F(KafkaShipment, HearsNothingTwice) {
  shipment.take(delivered);
  send_all();
  shipment.arrived(tokens[0]);
  shipment.arrived(tokens[0]);
  shipment.failed(tokens[0], "late");
  EXPECT_FALSE(shipment.has_failed());
  EXPECT_EQ(shipment.on_its_way(), 2u);
}

TEST_F(KafkaShipment, SendsAllThatWasOnItsWayAgainWhenTheClientIsLost) {
  shipment.take(delivered);
  send_all();
  shipment.arrived(tokens[0]);
  shipment.lose_all();
  shipment.arrived(tokens[1]);  // of the client that is gone
  EXPECT_THAT(send_all(), ElementsAre(std::pair(0u, 1u), std::pair(1u, 0u)));
}

TEST_F(KafkaShipment, BeginsAnewOnceItWasDone) {
  shipment.take(delivered);
  send_all();
  for (void* token : tokens) shipment.arrived(token);
  shipment.finish();
  shipment.take(delivered);
  EXPECT_EQ(send_all().size(), 3u);
}

}  // namespace
}  // namespace weir::kafka
