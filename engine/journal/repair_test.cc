#include "journal/repair.h"

#include <gmock/gmock.h>

#include "journal/harness_for_test.h"

namespace weir::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct RepairTest : StoppedJournal {
  RepairPlan plan(Disk& on) {
    auto plan = plan_repair(on, folder, limits);
    EXPECT_TRUE(plan.has_value()) << (plan ? "" : plan.error().message);
    return plan ? *plan : RepairPlan{};
  }
  Result<void> repair(Disk& on) {
    for (const auto& step : plan(on).steps)
      if (auto r = apply(on, folder, step); !r) return r;
    return {};
  }
  void break_it() {
    disk.flip_bit(path_of(2), 30);
    disk.put(folder + "/out.cursor", std::string(8192, 'x'));
    disk.flip_bit(folder + "/journal", 25);
    disk.copy_file(path_of(1), path_of(70));
    disk.put(path_of(71), std::string(16 << 10, 'x'));
  }
};

TEST_F(RepairTest, HasNothingToDoWhereNothingIsWrong) { EXPECT_THAT(plan(disk).steps, IsEmpty()); }

TEST_F(RepairTest, PlansWithoutChangingAnything) {
  break_it();
  const auto steps = disk.steps();
  std::vector<std::string> files;
  for (const auto& step : plan(disk).steps) files.push_back(step.file);
  EXPECT_THAT(files, ElementsAre("journal", numbered(2, "segment"), numbered(70, "segment"), numbered(71, "segment"),
                                 "out.cursor"));
  EXPECT_EQ(disk.steps(), steps);
}

TEST_F(RepairTest, MakesWhatWasWrongRightAndKeepsWhatItReplaced) {
  const std::string header = disk.content(path_of(2)).substr(0, segment_header_size);
  const std::string own = disk.content(folder + "/journal");
  break_it();
  ASSERT_TRUE(repair(disk));
  EXPECT_THAT(codes(disk), IsEmpty());
  EXPECT_THAT(plan(disk).steps, IsEmpty());
  EXPECT_EQ(disk.content(folder + "/journal"), own);
  const auto before = decode_segment_header(header),
             after = decode_segment_header(disk.content(path_of(2)).substr(0, segment_header_size));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->first_sequence, before->first_sequence);
  EXPECT_EQ(after->journal, before->journal);
  for (const auto& name : {std::string("journal"), numbered(2, "segment"), numbered(70, "segment"),
                           numbered(71, "segment"), std::string("out.cursor")})
    EXPECT_TRUE(disk.exists(folder + "/aside/" + name)) << name;
  auto log = open();
  EXPECT_EQ(read_all(*log).events, numbers(1, 300));
  EXPECT_THAT(log->notes(), IsEmpty());
  EXPECT_EQ((*log->add_consumer({.name = "out", .from_newest = true}))->config.name, "out");
  EXPECT_EQ(log->consumers()[0].settled.sequence, 1u);
}

/// Whatever is on the disk when the power goes, the next repair ends where this one would have.
TEST_F(RepairTest, IsFinishedByTheNextOneWhereverThePowerGoes) {
  break_it();
  const auto undisturbed = disk.clone();
  ASSERT_TRUE(repair(*undisturbed));
  const auto steps = undisturbed->steps() - disk.steps();
  ASSERT_GT(steps, 10u);
  Rng rng(7);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    for (const auto mode : {LossMode::random, LossMode::nothing_unsynced}) {
      const auto crashing = disk.clone();
      crashing->crash_after(crashing->steps() + step);
      (void)repair(*crashing);
      const auto left = crashing->after_power_loss(rng, mode);
      ASSERT_TRUE(repair(*left)) << step;
      EXPECT_THAT(codes(*left), IsEmpty()) << step;
      auto log = Log::open(*left, small_log(), context);
      ASSERT_TRUE(log) << step;
      EXPECT_EQ(read_all(**log).events, numbers(1, 300)) << step;
    }
  }
}

TEST_F(RepairTest, DoesNotClaimThatTheSegmentBeforeIsVoid) {
  disk.flip_bit(path_of(2), 30);
  disk.flip_bit(path_of(2), segment_header_size + 100);  // its first record too
  const auto first = decode_segment_header(disk.content(path_of(3)).substr(0, segment_header_size))->first_sequence;
  ASSERT_TRUE(repair(disk));
  EXPECT_THAT(codes(disk), ElementsAre("records"));
  auto log = open();
  const auto read = read_all(*log).events;
  const auto has = [&](std::uint64_t n) { return std::ranges::find(read, n) != read.end(); };
  EXPECT_TRUE(has(1) && has(first) && has(299));
  EXPECT_EQ(299 - read.size(), check(disk, folder, limits)->lost);
}

TEST_F(RepairTest, DoesNotMoveEverythingBecauseTheJournalsOwnFileIsAnothers) {
  disk.put(folder + "/journal", encode_id(JournalId{9}));
  ASSERT_TRUE(repair(disk));
  EXPECT_THAT(codes(disk), IsEmpty());
  EXPECT_TRUE(disk.exists(path_of(1)));
}

TEST_F(RepairTest, RefusesWhatANewerWeirHasWrittenAndWhatIsMixed) {
  disk.erase(folder + "/journal");
  disk.put(path_of(72), encode_segment_header({JournalId{9}, 72, 1, 0}));
  EXPECT_THAT(plan(disk).refused, HasSubstr("by hand"));
  EXPECT_THAT(plan(disk).steps, IsEmpty());
  std::string block = disk.content(path_of(72));
  block[8] = 9;
  disk.put(path_of(72), block);
  EXPECT_THAT(plan(disk).refused, HasSubstr("newer"));
  EXPECT_THAT(plan(disk).steps, IsEmpty());
}

}  // namespace
}  // namespace weir::journal
