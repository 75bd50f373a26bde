#include "journal/attributes.h"

#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/component/event_id.h>

#include "journal/record.h"

namespace weir::journal {
namespace {

constexpr std::uint64_t epoch = 7;

/// So many events from a partition, written at `marks`.
Batch read_from(const std::string& name, std::uint32_t events, std::vector<SourcePartition::Mark> marks) {
  std::string text;
  std::vector<Batch::Slot> index;
  for (std::uint32_t i = 0; i < events; ++i) {
    index.push_back({static_cast<std::uint32_t>(text.size()), 2, i * 3});  // stages left some out
    text += "{}\n";
  }
  const Batch::Run run{nullptr, events};
  BatchInfo info;
  info.first_id = 1'000;
  info.first_position = 41;
  auto place = std::make_shared<SourcePartition>();
  place->name = name;
  place->marks = std::move(marks);
  info.place = std::move(place);
  return make_batch(text, index, {&run, 1}, info, Ticket{}, false);
}

std::vector<std::string> ids_of(const Batch& batch) {
  std::vector<std::string> ids(batch.size());
  for (std::uint32_t i = 0; i < batch.size(); ++i) append_own_id(ids[i], batch, i);
  return ids;
}

/// As it comes back from a segment.
std::vector<std::string> read_back(const Batch& batch) {
  std::string bytes(record_size(batch), 'x');
  encode_record(batch, {epoch, 1, 1}, bytes);
  const auto record = parse_record(bytes, epoch);
  EXPECT_TRUE(record);
  if (!record) return {};
  EXPECT_EQ(record->size, bytes.size());
  std::vector<Batch::Slot> index;
  record->append_to(index);
  const Batch::Run run{nullptr, batch.size()};
  Batch back = make_batch(record->text, index, {&run, 1}, record->info({}), Ticket{}, false);
  auto ids = ids_of(back);
  back.dissolve();
  return ids;
}

TEST(RecordAttributes, KeepWhatAnEventIsKnownByWhereverItsBatchWasSplit) {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<SourcePartition::Mark> marks;
    const auto events = static_cast<std::uint32_t>(1 + rng.below(40));
    for (std::uint32_t number = 0; number < events * 3; ++number)
      if (rng.below(4) == 0) marks.push_back({number, static_cast<std::int64_t>(1'700'000'000'000 + rng.below(1'000))});
    Batch rest = read_from(rng.below(2) ? "orders/3" : std::string(249, 't') + "/0", events, marks);
    while (!rest.empty()) {
      Batch front = rest.split(static_cast<std::uint32_t>(1 + rng.below(rest.size())));
      EXPECT_EQ(read_back(front), ids_of(front));
      front.dissolve();
    }
  }
}

TEST(RecordAttributes, AreNotWrittenForEventsWithoutAPlace) {
  const Batch::Slot slot{0, 2, 0};
  const Batch::Run run{nullptr, 1};
  Batch batch = make_batch("{}\n", {&slot, 1}, {&run, 1}, {.first_id = 5}, Ticket{}, false);
  EXPECT_EQ(attributes_size(batch), 0u);
  EXPECT_EQ(record_size(batch), record_size(3, 1));
  EXPECT_EQ(read_back(batch), std::vector<std::string>{"5"});
  batch.dissolve();
}

TEST(RecordAttributes, OfKindsThatAreNotKnownAreSteppedOverAndBrokenOnesSayNothing) {
  Batch batch = read_from("orders/3", 2, {{0, 9}});
  std::string good(attributes_size(batch), '\0');
  EXPECT_EQ(encode_attributes(batch, good.data()), good.data() + good.size());
  batch.dissolve();
  const std::string other("\x63\0\0\0\3\0\0\0abc", 11);
  BatchInfo info;
  decode_attributes(other + good + other, info);
  ASSERT_TRUE(info.place);
  EXPECT_EQ(info.place->name, "orders/3");
  EXPECT_EQ(info.first_position, 41u);
  for (std::size_t length = 0; length < good.size(); ++length) {
    BatchInfo cut;
    decode_attributes(std::string_view(good).substr(0, length), cut);
    EXPECT_FALSE(cut.place) << length;
  }
  good[16] = '\x7f';  // more marks than there is room for
  BatchInfo broken;
  decode_attributes(good, broken);
  EXPECT_FALSE(broken.place);
  EXPECT_EQ(broken.first_position, 0u);
}

}  // namespace
}  // namespace weir::journal
