#include "journal/log.h"

#include <gmock/gmock.h>

#include "journal/harness_for_test.h"

namespace weir::journal {
namespace {

using testing::HasSubstr;

class LogTest : public testing::Test, public LogHarness {};

TEST_F(LogTest, ReadsWhatWasWritten) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  ASSERT_TRUE(write(*log, 11, 12, 9000));
  const auto read = read_all(*log);
  EXPECT_EQ(read.events, numbers(1, 12));
  EXPECT_EQ(log->end().sequence, 12u);
}

TEST_F(LogTest, KeepsPriorityIdsAndWallTime) {
  auto log = open();
  ASSERT_TRUE(log->write(Events({"a", "b\nb"}, Priority::critical, 77).span()));
  Reader reader(*log, {});
  const auto record = reader.next();
  ASSERT_TRUE(record && *record);
  const auto info = (*record)->info(TimePoint{});
  EXPECT_EQ(info.priority, Priority::critical);
  EXPECT_EQ(info.first_id, 77u);
  EXPECT_EQ(info.received_wall, WallTime(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ((*record)->text, "a\nb\nb\n");
  EXPECT_EQ((*record)->entry(1).length, 3u);
}

TEST_F(LogTest, GoesOnWhereItWasAfterBeingOpenedAgain) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 300));
  log.reset();
  log = open();
  ASSERT_TRUE(write(*log, 300, 400));
  const auto read = read_all(*log);
  EXPECT_EQ(read.events, numbers(1, 400));
  EXPECT_EQ(read.losses.gone + read.losses.damaged, 0u);
}

TEST_F(LogTest, ShowsReadersOnlyWhatIsCommitted) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_once(PowerDisk::Op::sync, 1, PowerDisk::io_error());
  EXPECT_FALSE(write(*log, 11, 21));
  EXPECT_EQ(read_all(*log).events, numbers(1, 11));
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
}

TEST_F(LogTest, GivesUpASegmentOnceEveryHolderHasReadItAndTheCursorsAreSaved) {
  auto log = open();
  auto* fast = *log->add_consumer({.name = "fast"});
  auto* slow = *log->add_consumer({.name = "slow"});
  ASSERT_TRUE(write(*log, 1, 400, 200));
  const auto segments = log->stats().segments;
  ASSERT_GT(segments, 3u);
  const auto end = read_all(*log, log->position(*fast)).end;
  log->settle(*fast, end);
  log->tick();
  EXPECT_EQ(log->stats().segments, segments);
  log->settle(*slow, end);
  EXPECT_EQ(log->stats().segments, segments);
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
}

TEST_F(LogTest, IsFullOfWhatIsUnreadAndGoesOnWhenItHasBeenRead) {
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "warehouse"});
  std::uint64_t n = 1;
  Result<void> written;
  while ((written = write(*log, n, n + 10, 200))) n += 10;
  EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
  EXPECT_THAT(written.error().message, HasSubstr("warehouse"));
  EXPECT_LE(log->stats().bytes, small_log().max_bytes.count());
  const auto read = read_all(*log, log->position(*consumer));
  EXPECT_EQ(read.events, numbers(1, n));
  log->settle(*consumer, read.end);
  EXPECT_TRUE(write(*log, n, n + 10, 200));
  EXPECT_EQ(read_all(*log, log->position(*consumer)).events, numbers(n, n + 10));
}

/// Events of which none two fit into one segment of small_log().
std::vector<std::vector<std::string>> large_ones(std::size_t n) {
  return std::vector<std::vector<std::string>>(n, {event(1, 9000)});
}

TEST_F(LogTest, WritesThatFindNoRoomTakeNone) {
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "warehouse"});
  while (log->write(Events(large_ones(1)).span())) {
  }
  // Room comes back a segment at a time, and each time somebody tries.
  Reader reader(*log, log->position(*consumer));
  while (*reader.next()) {
    reader.step();
    log->settle(*consumer, reader.position());
    log->tick();
    ASSERT_FALSE(log->write(Events(large_ones(11)).span()));
  }
  EXPECT_TRUE(log->write(Events(large_ones(3)).span()));
}

TEST_F(LogTest, SparesAreNotInTheWayOfALargeEvent) {
  auto config = small_log();
  config.max_bytes = 48_KiB + 40_KiB;
  auto log = open(config);
  auto* consumer = *log->add_consumer({.name = "warehouse"});
  ASSERT_TRUE(log->write(Events(large_ones(3)).span()));
  log->settle(*consumer, log->end());
  log->tick();
  ASSERT_EQ(log->stats().spare_bytes, 2 * config.segment.count());
  EXPECT_TRUE(log->write(Events({event(4, 50'000)}).span()));
}

TEST_F(LogTest, ConsumersGoOnFromTheirSavedCursor) {
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "warehouse"});
  ASSERT_TRUE(write(*log, 1, 50));
  ASSERT_TRUE(write(*log, 50, 100));
  Reader reader(*log, log->position(*consumer));
  ASSERT_TRUE(reader.next());
  reader.step();
  log->settle(*consumer, reader.position());
  ASSERT_TRUE(log->close());
  log.reset();
  log = open();
  consumer = *log->add_consumer({.name = "warehouse"});
  EXPECT_EQ(read_all(*log, log->position(*consumer)).events, numbers(50, 100));
}

TEST_F(LogTest, ConsumersThatMaySkipAreToldHowManyEventsTheyMissed) {
  auto log = open();
  auto* holder = *log->add_consumer({.name = "holder"});
  auto* skips = *log->add_consumer({.name = "skips", .holds = false});
  for (std::uint64_t n = 1; n < 2001; n += 10) {
    ASSERT_TRUE(write(*log, n, n + 10, 200));
    log->settle(*holder, log->end());
  }
  const auto read = read_all(*log, log->position(*skips));
  EXPECT_GT(read.losses.gone, 1000u);
  EXPECT_EQ(read.losses.gone + read.events.size(), 2000u);
  EXPECT_EQ(read.events, numbers(read.losses.gone + 1, 2001));
}

TEST_F(LogTest, DropsTheOldestWhenTold) {
  auto config = small_log();
  config.drop_oldest = true;
  auto log = open(config);
  auto* reader = *log->add_consumer({.name = "reader"});
  for (std::uint64_t n = 1; n < 2001; n += 10) ASSERT_TRUE(write(*log, n, n + 10, 200));
  const auto read = read_all(*log, log->position(*reader));
  EXPECT_EQ(read.losses.gone, log->stats().dropped_events);
  EXPECT_EQ(read.losses.gone + read.events.size(), 2000u);
}

TEST_F(LogTest, CountsWhatItDropsOfConsumersThatMaySkipAndDropsNoMoreThanItMust) {
  auto config = small_log();
  config.drop_oldest = true;
  auto log = open(config);
  auto* skips = *log->add_consumer({.name = "skips", .holds = false});
  for (std::uint64_t n = 1; n < 2001; n += 10) {
    ASSERT_TRUE(write(*log, n, n + 10, 200));
    if (log->stats().first > 1) ASSERT_GT(log->stats().bytes, config.max_bytes.count() - config.segment.count());
    if (log->stats().first > 1) ASSERT_EQ(log->stats().spare_bytes, 0u);
  }
  const auto read = read_all(*log, log->position(*skips));
  EXPECT_GT(read.losses.gone, 1000u);
  EXPECT_EQ(read.losses.gone, log->stats().dropped_events);
}

TEST_F(LogTest, KeepsWhatHasBeenReadForAsLongAsItWasTold) {
  auto config = small_log();
  config.keep = std::chrono::hours(1);
  auto log = open(config);
  auto* consumer = *log->add_consumer({.name = "c"});
  ASSERT_TRUE(write(*log, 1, 300, 100));
  log->settle(*consumer, log->end());
  log->tick();
  EXPECT_EQ(read_all(*log).events.size(), 299u);
  clock.advance(std::chrono::hours(2));
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
}

TEST_F(LogTest, NoStepOfTheWallClockMakesWhatItKeepsOld) {
  auto config = small_log();
  config.keep = std::chrono::hours(1);
  auto log = open(config);
  auto* consumer = *log->add_consumer({.name = "c"});
  const auto written_and_read = [&](int from, int to) {
    ASSERT_TRUE(write(*log, from, to, 100));
    log->settle(*consumer, log->end());
    log->tick();
  };
  written_and_read(1, 300);
  clock.step_wall(std::chrono::hours(48));
  log->tick();
  EXPECT_EQ(read_all(*log).events.size(), 299u);
  clock.step_wall(-std::chrono::hours(96));
  written_and_read(300, 400);
  EXPECT_EQ(read_all(*log).events.size(), 399u);
}

TEST_F(LogTest, CutsATornTailAndKeepsEverythingBefore) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  ASSERT_TRUE(write(*log, 11, 21));
  log.reset();
  disk.flip_bit("data/ingest/00000000000000000001.segment", segment_header_size + 1300);
  log = open();
  EXPECT_EQ(read_all(*log).events, numbers(1, 11));
  EXPECT_GT(log->stats().torn_bytes, 0u);
  ASSERT_TRUE(write(*log, 11, 31));
  EXPECT_EQ(read_all(*log).events, numbers(1, 31));
}

TEST_F(LogTest, StepsOverDamageInTheMiddleAndCountsIt) {
  auto log = open();
  for (std::uint64_t n = 1; n < 51; n += 10) ASSERT_TRUE(write(*log, n, n + 10));
  log.reset();
  disk.flip_bit("data/ingest/00000000000000000001.segment", segment_header_size + 1300);
  log = open();
  const auto read = read_all(*log);
  auto expected = numbers(1, 11);
  std::ranges::copy(numbers(21, 51), std::back_inserter(expected));
  EXPECT_EQ(read.events, expected);
  EXPECT_EQ(read.losses.damaged, 10u);
  EXPECT_EQ(log->stats().damaged_places, 2u);  // seen at opening, and by the reader
  const auto names = *disk.list("data/ingest");
  EXPECT_TRUE(std::ranges::any_of(names, [](const auto& name) { return name.ends_with(".damaged"); }));
}

TEST_F(LogTest, ASecondOneOnTheSameFolderIsRefused) {
  auto log = open();
  const auto second = Log::open(disk, small_log(), context);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("lock"));
}

TEST_F(LogTest, RefusesAFormatItDoesNotKnow) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  log.reset();
  disk.flip_bit("data/ingest/00000000000000000001.segment", 8, 0);  // the version: 2 becomes 3
  const auto newer = Log::open(disk, small_log(), context);
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message, HasSubstr("version 3"));
}

TEST_F(LogTest, NamesACursorNobodyReadsByAndWaitsForNoneOfThoseThatMaySkip) {
  auto log = open();
  ASSERT_TRUE(log->add_consumer({.name = "gone", .holds = false}));
  ASSERT_TRUE(write(*log, 1, 11));
  ASSERT_TRUE(log->close());
  log.reset();
  log = open();
  auto* stays = *log->add_consumer({.name = "stays"});
  ASSERT_TRUE(write(*log, 11, 400, 200));
  log->settle(*stays, log->end());
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
  const auto all = log->consumers();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_FALSE(all[1].configured);
  EXPECT_EQ(all[1].name, "gone");
}

TEST_F(LogTest, UsesSpareSegmentsAgainAndNeverReadsWhatTheyHeld) {
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "c"});
  for (std::uint64_t n = 1; n < 3001; n += 100) {
    ASSERT_TRUE(write(*log, n, n + 100));
    const auto read = read_all(*log, log->position(*consumer));
    ASSERT_EQ(read.events, numbers(n, n + 100));
    log->settle(*consumer, read.end);
    log->tick();
  }
  EXPECT_GT(log->stats().spare_bytes, 0u);
  EXPECT_LE(log->stats().bytes, small_log().max_bytes.count());
  log.reset();
  log = open();
  consumer = *log->add_consumer({.name = "c"});
  EXPECT_TRUE(read_all(*log, log->position(*consumer)).events.empty());
}

}  // namespace
}  // namespace weir::journal
