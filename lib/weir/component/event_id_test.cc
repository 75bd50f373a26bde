#include <gtest/gtest.h>
#include <weir/component/event_id.h>

#include <array>

namespace weir {
namespace {

std::string id_of_the_third(std::shared_ptr<const SourcePartition> place) {
  const std::array<Batch::Slot, 2> index{{{0, 1, 0}, {2, 1, 3}}};  // two between them were left out
  const Batch::Run run{nullptr, 2};
  BatchInfo info;
  info.first_id = 700;
  info.place = std::move(place);
  info.first_position = 1041;
  Batch batch = make_batch("a\nb\n", index, {&run, 1}, info, Ticket{});
  std::string id = "before ";
  append_own_id(id, batch, 1);
  batch.settle(Fate::stored);
  return id;
}

TEST(OwnId, IsThePlaceWhereAnEventWasRead) {
  EXPECT_EQ(id_of_the_third(std::make_shared<const SourcePartition>("orders/3")), "before orders/3/1044");
}

TEST(OwnId, TellsAPlaceFromOneThatWasMadeAgainUnderItsName) {
  SourcePartition place{"orders/3"};
  place.mark(0, 1000);
  place.mark(1, 2000);
  place.mark(3, 2000);
  EXPECT_EQ(place.marks.size(), 2u) << "a mark is kept where it changes";
  EXPECT_EQ(id_of_the_third(std::make_shared<const SourcePartition>(place)), "before orders/3/1044/2000");
  place.marks[1].value = 3000;
  EXPECT_EQ(id_of_the_third(std::make_shared<const SourcePartition>(place)), "before orders/3/1044/3000");
}

TEST(OwnId, IsItsNumberWhereNobodyKnowsThePlace) { EXPECT_EQ(id_of_the_third(nullptr), "before 703"); }

}  // namespace
}  // namespace weir
