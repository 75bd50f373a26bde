// What people do to a journal's files behind its back: nothing is answered that nobody can find any more. And what
// cannot be looked at is not taken for gone.
#include <gmock/gmock.h>

#include "journal/harness_for_test.h"
#include "journal/repair.h"

namespace weir::journal {
namespace {

using Op = PowerDisk::Op;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string folder = "data/ingest";
const Error too_many{Error::Kind::failed, "Too many open files", Duration{0}};

struct TakenAway : testing::Test, LogHarness {
  static std::string path_of(std::uint64_t segment) { return folder + "/" + numbered(segment, "segment"); }
};

TEST_F(TakenAway, AWriteWhoseSegmentWasDeletedIsRefusedAndThenStandsInANewOne) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.erase(path_of(1));
  const auto written = write(*log, 11, 21);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("was deleted or renamed"));
  ASSERT_TRUE(write(*log, 11, 21));
  log.reset();
  log = open();
  EXPECT_EQ(read_all(*log, {11, 0, 0}).events, numbers(11, 21));
}

TEST_F(TakenAway, AGroupOfSeveralSegmentsNeedsAllOfThem) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  const auto group = [] { return std::vector<std::vector<std::string>>(4, {event(1, 9000)}); };
  disk.put(path_of(1),
           disk.content(path_of(1)).substr(0, 8192));  // cut by somebody: the first of the group stands in it
  EXPECT_FALSE(log->write(Events(group()).span()));
  EXPECT_TRUE(log->write(Events(group()).span()));
}

TEST_F(TakenAway, AJournalWhoseFolderIsElsewhereAnswersNothingUntilItIsBack) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  disk.move_folder(folder, "data/moved");
  for (const bool made_anew : {false, true}) {
    if (made_anew) ASSERT_TRUE(disk.make_folder(folder));
    for (int tries = 0; tries < 2; ++tries) {
      const auto written = write(*log, 11, 21);
      ASSERT_FALSE(written);
      EXPECT_THAT(written.error().message, HasSubstr("data/ingest was moved or deleted while it was in use"));
    }
    log->tick();
    EXPECT_THAT(log->stats().error, HasSubstr("was moved or deleted"));
  }
  EXPECT_THAT(*disk.list(folder), testing::IsEmpty());
  disk.move_folder("data/moved", folder);
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
}

TEST_F(TakenAway, NothingIsAnsweredThatCouldNotBeLookedAt) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 11));
  for (std::uint64_t nth = 1; nth <= 2; ++nth) {
    disk.fail_once(Op::look, nth, too_many);
    EXPECT_FALSE(write(*log, 11, 21)) << nth;
    EXPECT_EQ(read_all(*log).events, numbers(1, 11));
  }
  ASSERT_TRUE(write(*log, 11, 21));
  EXPECT_EQ(read_all(*log).events, numbers(1, 21));
}

TEST_F(TakenAway, ACursorThatWasDeletedIsMadeAnew) {
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "c"});
  ASSERT_TRUE(write(*log, 1, 11));
  disk.erase(folder + "/c.cursor");
  log->settle(*consumer, log->end());
  log->tick();
  const auto saved = CursorFile::look(disk, folder + "/c.cursor");
  ASSERT_TRUE(saved && *saved);
  EXPECT_EQ((*saved)->sequence, 11u);
}

TEST_F(TakenAway, EventsOfASegmentThatWasDeletedAreLostAndCountedAndTheRestIsRead) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 300));
  const auto second = log->extent_of(200);
  ASSERT_TRUE(second && second->number > 1);
  disk.erase(path_of(second->number));
  const auto read = read_all(*log);
  EXPECT_EQ(read.losses.damaged, second->end - second->first);
  EXPECT_EQ(read.events.size() + read.losses.damaged, 299u);
}

TEST_F(TakenAway, ASegmentThatCannotBeOpenedIsReadLater) {
  auto log = open();
  ASSERT_TRUE(write(*log, 1, 300));
  Reader reader(*log, {});
  disk.fail_from(Op::open, 1, too_many);
  EXPECT_FALSE(reader.next());
  disk.move_folder(folder, "data/moved");
  disk.mend();
  EXPECT_FALSE(reader.next());
  disk.move_folder("data/moved", folder);
  EXPECT_EQ(read_all(*log).events, numbers(1, 300));
}

// ---- consumers that are left out of one start ----

struct LeftOut : TakenAway {
  /// A life in which "out" reads nothing, and "late" may skip.
  void SetUp() override {
    auto log = open();
    ASSERT_TRUE(log->add_consumer({.name = "out"}));
    ASSERT_TRUE(log->add_consumer({.name = "late", .holds = false}));
    ASSERT_TRUE(write(*log, 1, 300));
    ASSERT_TRUE(log->close());
  }
  /// Another consumer alone has read everything, and the log has looked what it may give up.
  std::unique_ptr<Log> life_without_them() {
    auto log = open();
    auto* other = *log->add_consumer({.name = "other"});
    log->settle(*other, log->end());
    log->tick();
    return log;
  }
};

TEST_F(LeftOut, ARequiredConsumerKeepsWhatItHasNotRead) {
  life_without_them()->tick();
  auto log = open();
  auto* out = *log->add_consumer({.name = "out"});
  EXPECT_EQ(read_all(*log, log->position(*out)).events, numbers(1, 300));
}

TEST_F(LeftOut, AFullJournalNamesItAndWhatToDo) {
  auto log = life_without_them();
  std::uint64_t n = 300;
  Result<void> written;
  while ((written = write(*log, n, n + 10, 200)) && n < 10'000) n += 10;
  EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
  EXPECT_THAT(written.error().message,
              HasSubstr("the oldest wait for consumer out, which the configuration leaves out"));
  EXPECT_THAT(written.error().message, HasSubstr("weir journal forget data/ingest out"));
}

TEST_F(LeftOut, ForgottenItHoldsNothing) {
  auto log = life_without_them();
  EXPECT_GT(log->stats().segments, 1u);
  EXPECT_TRUE(log->forget("out").value());
  EXPECT_FALSE(log->forget("out").value());
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
  EXPECT_FALSE(disk.exists(folder + "/out.cursor"));
}

TEST_F(LeftOut, OneThatMaySkipHoldsNothing) {
  auto log = open();
  auto* out = *log->add_consumer({.name = "out"});
  log->settle(*out, log->end());
  log->tick();
  EXPECT_EQ(log->stats().segments, 1u);
}

TEST_F(LeftOut, WhetherItHoldsIsWhatItsLastLifeSaid) {
  auto log = open();
  ASSERT_TRUE(log->add_consumer({.name = "out", .holds = false}));
  ASSERT_TRUE(log->add_consumer({.name = "late", .holds = true}));
  log.reset();
  log = life_without_them();
  for (const auto& consumer : log->consumers())
    if (!consumer.configured) EXPECT_EQ(consumer.holds, consumer.name == "late") << consumer.name;
}

TEST_F(LeftOut, ItsPlaceIsOnTheDiskBeforeAnythingIsGivenUpByIt) {
  {
    auto log = open();
    auto* out = *log->add_consumer({.name = "out"});
    log->settle(*out, {150, 0, 0});
    log->tick();
  }
  (void)life_without_them();
  Rng rng(7);
  const auto left = disk.after_power_loss(rng, LossMode::nothing_unsynced);
  auto log = Log::open(*left, small_log(), context);
  ASSERT_TRUE(log);
  auto* out = *(*log)->add_consumer({.name = "out"});
  const auto read = read_all(**log, (*log)->position(*out));
  EXPECT_EQ(read.losses.gone + read.losses.damaged, 0u);
}

struct RepairThatCannotSee : StoppedJournal {};

TEST_F(RepairThatCannotSee, ReplacesNothingOfWhichItCouldKeepNoCopy) {
  disk.flip_bit(folder + "/journal", 25);
  const auto damaged = disk.content(folder + "/journal");
  const auto plan = plan_repair(disk, folder, limits);
  ASSERT_TRUE(plan && plan->steps.size() == 1);
  disk.fail_once(Op::open, 1, too_many);
  EXPECT_FALSE(apply(disk, folder, plan->steps.front()));
  EXPECT_EQ(disk.content(folder + "/journal"), damaged);
  EXPECT_TRUE(apply(disk, folder, plan->steps.front()));
}

}  // namespace
}  // namespace weir::journal
