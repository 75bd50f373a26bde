// Disks that are full, that fail and that are read-only: the journal says so, loses nothing that was answered, and goes
// on when the disk does.
#include <gmock/gmock.h>

#include "journal/harness_for_test.h"
#include "journal/step_disk_for_test.h"

namespace weir::journal {
namespace {

using Op = PowerDisk::Op;
using std::chrono::seconds;
using testing::HasSubstr;

const Error disk_full{Error::Kind::overloaded, "No space left on device", Duration{0}};
const std::string folder = "data/ingest/";

class DiskFault : public testing::Test, public LogHarness {
 protected:
  static Consumer* add(Log& log, const std::string& name) { return *log.add_consumer({.name = name}); }
  /// What a reader from the oldest on gets after the power went now.
  std::vector<std::uint64_t> after_power_loss(const LogConfig& config = small_log()) {
    Rng rng(7);
    LogHarness other;
    const auto left = disk.after_power_loss(rng, LossMode::nothing_unsynced);
    const auto log = Log::open(*left, config, context);
    EXPECT_TRUE(log.has_value());
    return log ? read_all(**log).events : std::vector<std::uint64_t>{};
  }
};

TEST_F(DiskFault, AFullDiskRefusesWritesUntilThereIsRoom) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.set_capacity(disk.used() + 1_KiB);
  std::uint64_t n = 11;
  Result<void> written;
  while ((written = write(*log, n, n + 10, 200))) n += 10;
  EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
  EXPECT_THAT(log->stats().error, HasSubstr("No space left"));
  EXPECT_EQ(read_all(*log).events, numbers(1, n));
  disk.set_capacity(10_MiB);
  ASSERT_TRUE(write(*log, n, n + 10, 200));
  EXPECT_EQ(read_all(*log).events, numbers(1, n + 10));
  EXPECT_EQ(after_power_loss(), numbers(1, n + 10));
  EXPECT_EQ(log->stats().error, "");
}

TEST_F(DiskFault, ADiskThatIsFoundFullBySyncingLosesNothingThatWasAnswered) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_once(Op::sync, 1, disk_full);
  const auto written = write(*log, 11, 21);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(after_power_loss(), numbers(1, 21));
}

TEST_F(DiskFault, AFullDiskDoesNotKeepSegmentsFromBeingGivenUp) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 300, 200));
  log->settle(*consumer, log->end());
  disk.fail_once(Op::rename, 1, disk_full);
  disk.fail_once(Op::remove, 1, disk_full);
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
  EXPECT_EQ(log->stats().error, "");
}

TEST_F(DiskFault, ACursorThatFindsTheDiskFullGetsTheReserve) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 11));
  log->settle(*consumer, log->end());
  ASSERT_TRUE(disk.exists(folder + "reserve"));
  disk.set_capacity(disk.used());
  disk.fail_once(Op::write, 1, disk_full);
  disk.fail_from(Op::allocate, 1, disk_full);
  log->tick();
  EXPECT_FALSE(disk.exists(folder + "reserve"));
  EXPECT_EQ(CursorFile::look(disk, folder + "c.cursor").value()->sequence, 11u);
  disk.mend();
  log->tick();
  EXPECT_TRUE(disk.exists(folder + "reserve"));
}

TEST_F(DiskFault, ACursorThatCannotBeSavedHoldsItsSegments) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 300, 200));
  const auto segments = log->stats().segments;
  log->settle(*consumer, log->end());
  disk.fail_once(Op::sync, 1, PowerDisk::io_error());
  log->tick();
  EXPECT_EQ(log->stats().segments, segments);
  EXPECT_THAT(log->stats().error, HasSubstr("c.cursor"));
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
}

TEST_F(DiskFault, AWriteThatFailsIsVoidAndMayBeTriedAgain) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_once(Op::write, 1, PowerDisk::io_error());
  ASSERT_FALSE(write(*log, 11, 21));
  ASSERT_TRUE(write(*log, 11, 31));
  EXPECT_EQ(read_all(*log).events, numbers(1, 31));
  log.reset();
  log = open();
  const auto read = read_all(*log);
  EXPECT_EQ(read.events, numbers(1, 31));
  EXPECT_EQ(read.losses.damaged + read.losses.gone, 0u);
}

TEST_F(DiskFault, ASegmentIsLeftAfterAFailedSyncSinceNobodyMayBelieveTheNext) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  const auto segments = log->stats().segments;
  disk.fail_once(Op::sync, 1, PowerDisk::io_error());
  ASSERT_FALSE(write(*log, 11, 21));
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(log->stats().segments, segments + 1);
  EXPECT_EQ(after_power_loss(), numbers(1, 21));
}

TEST_F(DiskFault, WithIntervalTheSegmentIsLeftTooAndPeopleAreTold) {
  auto config = small_log(Durability::interval);
  auto log = open(config);
  ASSERT_TRUE(write(*log, 1, 11));
  clock.advance(seconds(2));
  disk.fail_once(Op::sync, 1, PowerDisk::io_error());
  log->tick();
  EXPECT_THAT(log->stats().error, HasSubstr("Input/output error"));
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(log->stats().segments, 2u);
  clock.advance(seconds(2));
  log->tick();
  const auto left = after_power_loss(config);
  EXPECT_EQ(left, numbers(11, 21));
}

TEST_F(DiskFault, AReaderIsToldOfAFailedReadAndReadsOnLaterWhileOthersDo) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 100));
  Reader one(*log, {}), other(*log, {});
  disk.fail_once(Op::read, 1, PowerDisk::io_error());
  const auto failed = one.next();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("Input/output error"));
  ASSERT_TRUE(other.next() && *other.next());
  const auto record = one.next();
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->header.sequence, 1u);
  EXPECT_EQ(one.take_losses().damaged, 0u);
}

TEST_F(DiskFault, AReadThatFailsAnywhereLosesNothing) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 400, 150));
  for (std::uint64_t nth = 1; nth < 40; ++nth) {
    disk.fail_once(Op::read, nth, PowerDisk::io_error());
    Reader reader(*log, {});
    std::uint64_t events = 0, failures = 0;
    for (;;) {
      const auto record = reader.next();
      if (!record && ++failures > 1) break;
      if (!record) continue;
      if (!*record) break;
      events += (*record)->header.events;
      reader.step();
    }
    disk.mend();
    EXPECT_LE(failures, 1u);
    EXPECT_EQ(events, 399u) << "read " << nth;
    const auto losses = reader.take_losses();
    EXPECT_EQ(losses.damaged + losses.gone, 0u) << "read " << nth;
  }
}

TEST_F(DiskFault, ADiskThatIsRemountedReadOnlyIsReadAndWrittenAgainWhenItCanBe) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 101));
  log->settle(*consumer, read_all(*log).end);
  disk.set_read_only(true);
  for (int i = 0; i < 3; ++i) {
    const auto written = write(*log, 101, 111);
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message, HasSubstr("Read-only file system"));
    log->tick();
  }
  EXPECT_FALSE(log->stats().error.empty());
  EXPECT_EQ(read_all(*log).events, numbers(1, 101));
  EXPECT_FALSE(Log::open(disk, small_log(), context));
  disk.set_read_only(false);
  ASSERT_TRUE(write(*log, 101, 111));
  log->tick();
  EXPECT_EQ(read_all(*log, log->position(*consumer)).events, numbers(101, 111));
}

TEST_F(DiskFault, AFolderSyncThatFailsDoesNotStopSegmentsFromBeingGivenUpLater) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 400, 200));
  log->settle(*consumer, log->end());
  disk.fail_once(Op::sync_folder, 1, PowerDisk::io_error());
  log->tick();
  EXPECT_FALSE(log->stats().error.empty());
  EXPECT_EQ(log->stats().spare_bytes, 0u) << "its old name may come back: it must not be written to";
  const auto read = read_all(*log, {log->stats().first, 0, 0});
  EXPECT_EQ(read.losses.gone + read.losses.damaged, 0u);
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
  EXPECT_GT(log->stats().spare_bytes, 0u);
}

TEST_F(DiskFault, ASegmentThatSomebodyRemovesDoesNotStopTheOthersFromBeingGivenUp) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 400, 200));
  log->settle(*consumer, log->end());
  disk.erase(folder + numbered(1, "segment"));
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
}

TEST_F(DiskFault, ASegmentThatCannotBeNamedLeavesNothingBehind) {
  for (const auto op : {Op::allocate, Op::rename, Op::sync_folder}) {
    LogHarness harness;
    auto log = harness.open();
    ASSERT_TRUE(write(*log, 1, 11));
    ASSERT_TRUE(write(*log, 11, 12, 7000));
    const auto before = *harness.disk.list("data/ingest");
    harness.disk.fail_once(op, 1, PowerDisk::io_error());
    ASSERT_FALSE(write(*log, 12, 13, 7000));
    EXPECT_EQ(*harness.disk.list("data/ingest"), before);
    ASSERT_TRUE(write(*log, 12, 13, 7000));
    log.reset();
    log = harness.open();
    EXPECT_THAT(log->notes(), testing::IsEmpty());
    EXPECT_EQ(read_all(*log).events, numbers(1, 13));
  }
}

TEST_F(DiskFault, ASegmentThatCameBackAfterItsMakingFailedVoidsNothingThatWasWrittenSince) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_once(Op::sync_folder, 1, PowerDisk::io_error());
  ASSERT_FALSE(write(*log, 11, 12, 30'000));
  const auto back = [&](const PowerDisk& from) {
    for (Rng rng(1);;) {  // until the name has arrived and its removal has not
      auto left = from.after_power_loss(rng, LossMode::random);
      if (left->exists(folder + numbered(2, "segment"))) return left;
    }
  }(disk);
  ASSERT_TRUE(write(*log, 11, 21));
  disk.put(folder + numbered(2, "segment"), back->content(folder + numbered(2, "segment")));
  log.reset();
  log = open();
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
}

TEST_F(DiskFault, AGroupThatFailsIsNotToldAsLostEventsAfterALossOfPower) {
  auto log = open();
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_once(Op::sync, 3, PowerDisk::io_error());
  const std::vector<std::vector<std::string>> group{{event(11, 9000)}, {event(12, 9000)}};
  ASSERT_FALSE(log->write(Events(group).span()));
  log->settle(*consumer, log->end());
  log->tick();
  Rng rng(1);
  const auto left = disk.after_power_loss(rng, LossMode::everything);
  const auto again = *Log::open(*left, small_log(), context);
  consumer = add(*again, "c");
  ASSERT_TRUE(write(*again, 21, 31));
  const auto read = read_all(*again, again->position(*consumer));
  EXPECT_EQ(read.losses.gone + read.losses.damaged, 0u);
  EXPECT_THAT(read.events, testing::IsSupersetOf(numbers(21, 31)));
}

/// Events 1 to 21 and, void, a group of two whose first filled a segment before the last found a disk that cannot sync.
class GroupThatFailed : public DiskFault {
 protected:
  void SetUp() override {
    log = open();
    consumer = add(*log, "c");
    ASSERT_TRUE(write(*log, 1, 11));
    disk.fail_once(Op::sync, 3, PowerDisk::io_error());
    const std::vector<std::vector<std::string>> group{{event(11, 9000)}, {event(12, 9000)}};
    ASSERT_FALSE(log->write(Events(group).span()));
    ASSERT_TRUE(write(*log, 11, 21));
  }
  std::unique_ptr<Log> log;
  Consumer* consumer = nullptr;
};

TEST_F(GroupThatFailed, IsVoidInEachSegment) {
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
  log.reset();
  log = open();
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
}

TEST_F(GroupThatFailed, HidesNothingFromAConsumerThatIsNew) {
  log->settle(*consumer, {11, 0, 0});
  log->tick();
  log.reset();
  log = open();
  add(*log, "c");
  auto* fresh = add(*log, "fresh");
  EXPECT_EQ(read_all(*log, log->position(*fresh)).events, numbers(log->stats().first, 21));
  EXPECT_LE(log->stats().first, 11u);
}

TEST_F(DiskFault, ABrokenDiskDoesNotKeepTheJournalFromClosing) {
  auto log = open(small_log(Durability::interval));
  add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 11));
  disk.fail_from(Op::sync, 1, PowerDisk::io_error());
  disk.fail_from(Op::write, 1, PowerDisk::io_error());
  EXPECT_FALSE(log->close());
}

class SyncThatFails : public DiskFault, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(SyncThatFails, WhileAGroupIsWrittenMakesTheGroupVoid) {
  auto config = small_log(Durability::interval);
  config.segment = 4_MiB;
  config.max_bytes = 64_MiB;
  config.largest_record = 2_MiB;
  StepDisk steps(disk);
  auto log = *Log::open(steps, config, context);
  ASSERT_TRUE(write(*log, 1, 11));
  // The buffer is written out before the second batch fits; housekeeping comes in between.
  clock.advance(seconds(2));
  disk.fail_once(Op::sync, 1, PowerDisk::io_error());
  bool ticked = false;
  steps.on_step = [&] {
    if (!std::exchange(ticked, true)) log->tick();
  };
  std::vector<std::vector<std::string>> group;
  for (std::uint64_t n = 11; n < 11 + GetParam(); ++n) group.push_back({event(n, 600'000)});
  EXPECT_FALSE(log->write(Events(group).span()));
  ASSERT_TRUE(log->write(Events(group).span()));
  EXPECT_EQ(log->stats().segments, 2u);
  EXPECT_EQ(read_all(*log).events, numbers(1, 11 + GetParam()));
}
INSTANTIATE_TEST_SUITE_P(BeforeTheLastOrEarlier, SyncThatFails, testing::Values(2u, 3u));

TEST_F(DiskFault, OpeningReadsOneBlockOfEachSegmentNotTheBacklog) {
  auto config = small_log();
  config.max_bytes = 1_MiB;
  auto log = open(config);
  ASSERT_TRUE(write(*log, 1, 601, 200));
  const auto segments = log->stats().segments;
  ASSERT_GT(segments, 8u);
  log.reset();
  // The lock is no read; the journal's own file is one; the last segment is read in pieces of read_ahead.
  const auto last = small_log().segment.count() / small_log().read_ahead.count();
  disk.fail_from(Op::read, 1 + segments + 2 * last + 1, PowerDisk::io_error());
  EXPECT_TRUE(Log::open(disk, config, context));
}

TEST_F(DiskFault, LagsAreNeverBelowNothing) {
  auto log = open(small_log(Durability::none));
  auto* consumer = add(*log, "c");
  ASSERT_TRUE(write(*log, 1, 101));
  log->settle(*consumer, log->end());
  log->tick();
  Rng rng(1);
  const auto left = disk.after_power_loss(rng, LossMode::nothing_unsynced);
  const auto again = Log::open(*left, small_log(), context);
  ASSERT_TRUE(again);
  auto* ahead = add(**again, "c");
  EXPECT_EQ((*again)->consumers().front().lag_events, 0u);
  EXPECT_EQ((*again)->consumers().front().lag_bytes, 0u);
  ASSERT_TRUE(write(**again, 101, 111));
  EXPECT_EQ(read_all(**again, (*again)->position(*ahead)).events, numbers(101, 111));
}

}  // namespace
}  // namespace weir::journal
