#include <gmock/gmock.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/event_id.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "disk_journal.h"
#include "journal_source.h"

namespace weir::disk {
namespace {

using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

/// Keeps what it is given unsettled until told.
class HoldingOutput : public conformance::FakeOutput {
 public:
  using FakeOutput::FakeOutput;
  ~HoldingOutput() override { settle_all(Fate::abandoned); }
  void push(Batch batch, Ticket) override { held.push_back(std::move(batch)); }
  void settle(std::size_t i, Fate fate) { held[i].settle(fate); }
  void settle_all(Fate fate) {
    for (auto& batch : held)
      if (!batch.empty()) batch.settle(fate);
    held.clear();
  }
  std::vector<Batch> held;
};

class DiskJournalTest : public testing::Test {
 public:
  DiskJournalTest() {
    std::filesystem::remove_all(folder);
    config.path = folder;
    config.segment = 64_KiB;
    config.max_bytes = 1_MiB;
  }
  ~DiskJournalTest() override { std::filesystem::remove_all(folder); }

  std::shared_ptr<DiskJournal> open(std::vector<JournalConsumer> consumers = {{.name = "reader"}}) {
    auto journal = std::make_shared<DiskJournal>("ingest", config, context, journal::system_disk());
    const auto opened = journal->open(consumers);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return journal;
  }
  static void write(DiskJournal& journal, std::vector<std::string> events, std::uint64_t first_id = 1) {
    const Delivered group(batch_of(events, first_id));
    auto writer = journal.writer();
    ASSERT_EQ(writer->deliver(group).outcome, Delivery::Outcome::done);
  }
  void run() {
    io.restart();
    while (io.poll_one() > 0) {
    }
  }

  const std::string folder = testing::TempDir() + "weir-disk-" + std::to_string(::getpid()) + "/" +
                             testing::UnitTest::GetInstance()->current_test_info()->name();
  journal::LogConfig config;
  Context context;
  boost::asio::io_context io{1};
  conformance::FakeOutput output{context, 16_MiB};
  HoldingOutput holding{context, 16_MiB};
};

TEST_F(DiskJournalTest, AnEventIsKnownByThePlaceItWasReadFromBehindAJournalToo) {
  std::vector<std::string> sent, came;
  auto journal = open();
  auto source = journal->reader("reader");
  auto writer = journal->writer();
  for (std::uint64_t first = 0; first < 40; first += 4) {
    const std::string text = "{}\n{}\n{}\n{}\n";
    const Batch::Slot index[] = {{0, 2, 0}, {3, 2, 1}, {6, 2, 2}, {9, 2, 3}};
    const Batch::Run run{nullptr, 4};
    BatchInfo info;
    info.first_id = 500 + first;
    if (first != 20)  // small records of one kind are read together, and these are of two
      info.place = std::make_shared<const SourcePartition>(
          SourcePartition{first < 20 ? "orders/3" : "orders/4", {{0, 17}, {2, 18}}});
    info.first_position = 7 + first;
    Batch batch = make_batch(text, index, {&run, 1}, info, Ticket{}, false);
    for (std::uint32_t i = 0; i < 4; ++i) append_own_id(sent.emplace_back(), batch, i);
    ASSERT_EQ(writer->deliver({&batch, 1}).outcome, Delivery::Outcome::done);
    batch.dissolve();
  }
  auto intake = source->intake({io, 0, holding});
  intake->start();
  run();
  for (const Batch& batch : holding.held)
    for (std::uint32_t i = 0; i < batch.size(); ++i) append_own_id(came.emplace_back(), batch, i);
  EXPECT_THAT(came, ElementsAreArray(sent));
  holding.settle_all(Fate::stored);
  run();
}

TEST_F(DiskJournalTest, IsCheckedWithoutMakingAnything) {
  const auto checked = [&] {
    const auto fit = DiskJournal("ingest", config, context, journal::system_disk()).check();
    return fit ? "" : fit.error().message;
  };
  EXPECT_EQ(checked(), "");
  config.segment = 2_MiB;
  EXPECT_EQ(checked(), "segment: is more than max_bytes: not even one of its files would fit");
  config.segment = 0_B;
  EXPECT_EQ(checked(), "segment: is too small: at least 64KiB");
  config.segment = 64_KiB;
  config.path.clear();
  EXPECT_EQ(checked(), "path: is empty: name the folder it lives in");
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(DiskJournalTest, GivesItsReaderEverythingInOrder) {
  auto journal = open();
  const auto events = json_events("a", 3000);
  for (std::size_t i = 0; i < events.size(); i += 100)
    write(*journal,
          {events.begin() + static_cast<std::ptrdiff_t>(i), events.begin() + static_cast<std::ptrdiff_t>(i + 100)},
          i + 1);
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, output});
  intake->start();
  run();
  EXPECT_THAT(output.events, ElementsAreArray(events));
  EXPECT_THAT(output.violations, IsEmpty());
  EXPECT_TRUE(intake->quiet());
  EXPECT_EQ(journal->status().consumers[0].lag_events, 0u);
}

TEST_F(DiskJournalTest, GathersSmallRecordsAndKeepsTheirIds) {
  auto journal = open();
  for (std::uint64_t id = 10; id < 60; ++id) write(*journal, {"{\"n\":" + std::to_string(id) + "}"}, id);
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, holding});
  intake->start();
  run();
  ASSERT_EQ(holding.held.size(), 1u);
  const Batch& batch = holding.held[0];
  ASSERT_EQ(batch.size(), 50u);
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(batch[i], "{\"n\":" + std::to_string(batch.id(i)) + "}");
  intake->abandon();
  holding.settle_all(Fate::abandoned);
  run();
}

TEST_F(DiskJournalTest, ReadsNothingWhilePausedAndGoesOnWhenThereIsRoom) {
  auto journal = open();
  write(*journal, json_events("a", 10));
  output.is_paused = true;
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, output});
  intake->start();
  run();
  EXPECT_THAT(output.events, IsEmpty());
  output.make_room();
  run();
  EXPECT_EQ(output.events.size(), 10u);
}

TEST_F(DiskJournalTest, MovesItsPlaceOverSettledPiecesOnly) {
  auto journal = open();
  const auto large = json_events("a", 300, 400);  // more than is gathered: a piece each
  for (int i = 0; i < 3; ++i) write(*journal, large, 1 + 300u * static_cast<unsigned>(i));
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, holding});
  intake->start();
  run();
  ASSERT_EQ(holding.held.size(), 3u);
  holding.settle(1, Fate::stored);
  run();
  EXPECT_EQ(journal->status().consumers[0].position, 1u);
  holding.settle(0, Fate::dead_lettered);
  run();
  EXPECT_EQ(journal->status().consumers[0].position, 601u);
  holding.settle(2, Fate::abandoned);
  run();
  EXPECT_EQ(journal->status().consumers[0].position, 601u) << "what a stop gave up is read again";
}

TEST_F(DiskJournalTest, GoesOnWhereItWas) {
  auto journal = open();
  write(*journal, json_events("a", 10));
  {
    auto source = journal->reader("reader");
    auto intake = source->intake({io, 0, output});
    intake->start();
    run();
  }
  write(*journal, json_events("b", 10), 11);
  journal->close();
  journal.reset();
  output.events.clear();
  journal = open();
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, output});
  intake->start();
  run();
  EXPECT_THAT(output.events, ElementsAreArray(json_events("b", 10)));
}

TEST_F(DiskJournalTest, WaitsForRoomAndSaysForWhom) {
  auto journal = open();
  auto writer = journal->writer();
  const auto events = json_events("a", 100, 400);
  Delivery last;
  std::uint64_t written = 0;
  for (int i = 0; i < 100; ++i) {
    const Delivered group(batch_of(events, 1));
    last = writer->deliver(group);
    if (last.outcome != Delivery::Outcome::done) break;
    ++written;
  }
  ASSERT_EQ(last.outcome, Delivery::Outcome::again);
  EXPECT_EQ(last.error.kind, Error::Kind::overloaded);
  EXPECT_GT(last.error.retry_after, Duration{0}) << "a full journal is a refusal, not a failure";
  EXPECT_THAT(last.error.message, HasSubstr("consumer reader"));
  auto source = journal->reader("reader");
  auto intake = source->intake({io, 0, output});
  intake->start();
  run();
  EXPECT_EQ(output.events.size(), written * 100);
  const Delivered group(batch_of(events, 1));
  EXPECT_EQ(writer->deliver(group).outcome, Delivery::Outcome::done);
}

TEST_F(DiskJournalTest, TellsEachConsumersLag) {
  auto journal = open({{.name = "fast"}, {.name = "slow"}});
  write(*journal, json_events("a", 10));
  auto source = journal->reader("fast");
  auto intake = source->intake({io, 0, output});
  intake->start();
  run();
  const auto status = journal->status();
  EXPECT_EQ(status.consumers[0].lag_events, 0u);
  EXPECT_EQ(status.consumers[1].lag_events, 10u);
  EXPECT_GT(status.consumers[1].lag_bytes, 2000u);
}

}  // namespace
}  // namespace weir::disk
