#include "journal/inspect.h"

#include <gmock/gmock.h>

#include "journal/harness_for_test.h"

namespace weir::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct InspectTest : StoppedJournal {
  Checked checked() {
    auto checked = check(disk, folder, limits);
    EXPECT_TRUE(checked.has_value()) << (checked ? "" : checked.error().message);
    return checked ? *checked : Checked{};
  }
  std::vector<std::string> codes() { return StoppedJournal::codes(disk); }
  std::vector<std::uint64_t> walked(std::uint64_t from = 0) {
    auto found = recover(disk, folder, limits.read_ahead, limits.largest_record);
    Walk walk(disk, folder, *found, from, limits);
    std::vector<std::uint64_t> all;
    for (;;) {
      const auto record = walk.next();
      EXPECT_TRUE(record.has_value());
      if (!record || !*record) break;
      std::size_t at = 0;
      for (std::uint32_t i = 0; i < (*record)->header.events; at += (*record)->entry(i++).length + 1u)
        if ((*record)->header.sequence + i >= from)
          all.push_back(number_in((*record)->text.substr(at, (*record)->entry(i).length)));
    }
    return all;
  }
};

TEST_F(InspectTest, FindsNothingInAJournalThatIsWhole) {
  const auto all = checked();
  EXPECT_THAT(all.findings, IsEmpty());
  EXPECT_FALSE(all.damaged());
  EXPECT_EQ(all.events, 299u);
  EXPECT_EQ(all.records, 6u);
  EXPECT_EQ(all.first, 1u);
  EXPECT_EQ(all.end, 300u);
  EXPECT_GE(all.segments, 3u);
}

TEST_F(InspectTest, WalksWhatAReaderReads) {
  EXPECT_EQ(walked(), numbers(1, 300));
  EXPECT_EQ(walked(120), numbers(120, 300));
  EXPECT_THAT(walked(300), IsEmpty());
}

TEST_F(InspectTest, ChangesNothing) {
  const auto steps = disk.steps();
  checked();
  EXPECT_EQ(disk.steps(), steps);
}

TEST_F(InspectTest, FindsARecordWithOneWrongBitAndSaysWhichEventsAreLost) {
  disk.flip_bit(path_of(1), segment_header_size + 200);
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "records");
  EXPECT_THAT(all.findings[0].what, HasSubstr("from offset 4096 on cannot be read; events 1 to 50 are lost (50)"));
  EXPECT_TRUE(all.damaged());
  EXPECT_EQ(all.lost, 50u);
  EXPECT_EQ(all.events, 249u);
  EXPECT_EQ(walked(), numbers(51, 300));
}

TEST_F(InspectTest, FindsTheLastRecordOfASegmentDamaged) {
  auto found = *recover(disk, folder, limits.read_ahead, limits.largest_record);
  const auto last_event = found.segments[0].end - 1;
  Walk walk(disk, folder, found, 0, limits);
  std::uint64_t offset = 0;
  while (const auto record = *walk.next()) {
    if (walk.segment() != 1) break;
    offset = walk.offset();
  }
  disk.flip_bit(path_of(1), offset + 100);
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "records");
  EXPECT_THAT(all.findings[0].what, HasSubstr(" to " + std::to_string(last_event) + " are lost"));
}

TEST_F(InspectTest, FindsASegmentThatIsMissing) {
  disk.erase(path_of(2));
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "missing");
  EXPECT_THAT(all.findings[0].what, HasSubstr("between segments 1 and 3 is missing"));
  EXPECT_GT(all.lost, 0u);
}

TEST_F(InspectTest, CallsATornTailNoDamage) {
  const auto end = checked();
  auto found = *recover(disk, folder, limits.read_ahead, limits.largest_record);
  disk.flip_bit(path_of(found.segments.back().number), found.segments.back().limit - 8);
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "torn");
  EXPECT_FALSE(all.damaged());
  EXPECT_LT(all.events, end.events);
}

TEST_F(InspectTest, TellsForeignCopiedAndUnreadableSegmentsApart) {
  disk.copy_file(path_of(1), path_of(70));
  disk.put(path_of(71), std::string(16 << 10, 'x'));
  disk.put(path_of(72), encode_segment_header({JournalId{9}, 72, 1, 0}));
  EXPECT_THAT(codes(), ElementsAre("copy", "unreadable", "foreign"));
  EXPECT_EQ(walked(), numbers(1, 300));
}

TEST_F(InspectTest, FindsDamagedHeadersCursorsAndTheJournalsOwnFile) {
  disk.flip_bit(path_of(2), 30);
  disk.put(folder + "/out.cursor", std::string(8192, 'x'));
  disk.flip_bit(folder + "/journal", 25);
  EXPECT_THAT(codes(), ElementsAre("journal", "header", "cursor"));
  EXPECT_EQ(walked(), numbers(1, 300));
}

TEST_F(InspectTest, ReadsNothingThatANewerWeirHasWritten) {
  std::string block = disk.content(path_of(3));
  block[8] = 9;
  disk.put(path_of(3), block);
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "newer");
  EXPECT_THAT(all.findings[0].what, HasSubstr("version 9"));
  EXPECT_EQ(all.events, 0u);
}

TEST_F(InspectTest, DoesNotGuessWhoseAJournalIsWhenItsSegmentsDisagree) {
  disk.erase(folder + "/journal");
  EXPECT_THAT(codes(), ElementsAre("journal"));
  disk.put(path_of(72), encode_segment_header({JournalId{9}, 72, 1, 0}));
  EXPECT_THAT(codes(), ElementsAre("journal", "mixed"));
}

TEST_F(InspectTest, SaysWhatElseLiesInTheFolder) {
  disk.put(folder + "/00000000000000000099.new", "");
  disk.put(folder + "/notes.txt", "");
  disk.put(folder + "/00000000000000000001-4096.damaged", "");
  EXPECT_THAT(codes(), ElementsAre("kept", "unfinished", "unknown"));
  EXPECT_FALSE(checked().damaged());
}

TEST_F(InspectTest, FindsACursorThatHasReadWhatIsNotThere) {
  auto cursor = CursorFile::open(disk, folder, "out", {});
  ASSERT_TRUE(cursor && cursor->save({400, 3, 4096}));
  const auto all = checked();
  ASSERT_EQ(all.findings.size(), 1u);
  EXPECT_EQ(all.findings[0].code, "ahead");
  EXPECT_THAT(all.findings[0].what, HasSubstr("event 400, and the newest that is there is 299"));
}

TEST_F(InspectTest, LeavesOutWhatAFailedWriteLeftBehind) {
  {
    auto log = open();
    ASSERT_TRUE(write(*log, 300, 310));
    disk.fail_once(PowerDisk::Op::sync, 1, PowerDisk::io_error());
    EXPECT_FALSE(write(*log, 310, 320));
    disk.mend();
    ASSERT_TRUE(write(*log, 310, 315));
    ASSERT_TRUE(log->close());
  }
  EXPECT_EQ(walked(), numbers(1, 315));
  EXPECT_FALSE(checked().damaged());
}

TEST_F(InspectTest, GoesOnWhenASegmentIsGivenUpMeanwhile) {
  auto found = *recover(disk, folder, limits.read_ahead, limits.largest_record);
  const auto first = found.segments[1].first;
  Walk walk(disk, folder, found, 0, limits);
  disk.erase(path_of(1));
  const auto record = walk.next();
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->header.sequence, first);
  const auto holes = walk.take_holes();
  ASSERT_EQ(holes.size(), 1u);
  EXPECT_TRUE(holes[0].gone);
  EXPECT_EQ(holes[0].events, first - 1);
}

TEST_F(InspectTest, KnowsAJournalFromAnyOtherFolder) {
  EXPECT_EQ(is_journal(disk, folder), true);
  EXPECT_EQ(is_journal(disk, "data"), false);
  EXPECT_FALSE(is_journal(disk, "nowhere").has_value());
}

}  // namespace
}  // namespace weir::journal
