// Bits that flip, files that go, that are cut, doubled or foreign: opening succeeds, what is lost is that one place,
// and it is counted or told; only a format that is not known is refused.
#include <gmock/gmock.h>

#include "journal/harness_for_test.h"

namespace weir::journal {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string folder = "data/ingest/";
std::string segment(std::uint64_t n) { return folder + numbered(n, "segment"); }

/// A journal of 36 records of 10 events in four segments; each test damages a copy.
class Damage : public testing::Test, public LogHarness {
 protected:
  static constexpr std::uint64_t events = 361, per_record = 10;
  void SetUp() override {
    auto log = open();
    for (std::uint64_t n = 1; n < events; n += per_record) ASSERT_TRUE(write(*log, n, n + per_record));
    ASSERT_EQ(log->stats().segments, 4u);
    Reader reader(*log, {});
    for (auto record = reader.next(); record && *record; record = reader.next()) {
      firsts.push_back(reader.position());
      size = (*record)->size;
      reader.step();
    }
    ASSERT_TRUE(log->close());
  }

  struct Outcome {
    bool refused = false;
    std::vector<std::uint64_t> missing;
    Reader::Losses losses;
    std::uint64_t torn_bytes = 0, damaged_places = 0;
    std::vector<std::string> notes;
    std::uint64_t counted() const { return losses.gone + losses.damaged; }
  };
  /// Opens what is there, reads it all, writes on, and reads that.
  Outcome look(PowerDisk& damaged) {
    Outcome out;
    auto log = Log::open(damaged, small_log(), context);
    if (!log) {
      EXPECT_EQ(log.error().kind, Error::Kind::unsupported) << log.error().message;
      out.refused = true;
      return out;
    }
    const auto read = read_all(**log);
    EXPECT_TRUE(std::ranges::is_sorted(read.events));
    EXPECT_EQ(std::ranges::adjacent_find(read.events), read.events.end());
    std::ranges::set_difference(numbers(1, events), read.events, std::back_inserter(out.missing));
    out.losses = read.losses;
    out.torn_bytes = (*log)->stats().torn_bytes;
    out.damaged_places = (*log)->stats().damaged_places;
    out.notes = (*log)->notes();
    EXPECT_TRUE(write(**log, 1000, 1010));
    EXPECT_EQ(read_all(**log, read.end).events, numbers(1000, 1010));
    return out;
  }

  std::vector<Position> firsts;  // of each record
  std::size_t size = 0;          // of one record
};

TEST_F(Damage, AFlippedBitAnywhereInARecordLosesThatRecordAndCountsIt) {
  const std::size_t middle = 5, last_of_segment = 10, last = firsts.size() - 1;
  const std::size_t index = sizeof(RecordHeader) + per_record * 101;
  for (const auto which : {std::size_t{0}, middle, last_of_segment, last}) {
    std::vector<std::size_t> bytes{index, index + 5, sizeof(RecordHeader), index - 1, size - 1};
    for (std::size_t i = 0; i < sizeof(RecordHeader); ++i) bytes.push_back(i);
    for (const auto byte : bytes)
      for (const unsigned bit : {0u, 6u}) {
        const auto damaged = disk.clone();
        damaged->flip_bit(segment(firsts[which].segment), firsts[which].offset + byte, bit);
        const auto out = look(*damaged);
        const auto from = firsts[which].sequence;
        SCOPED_TRACE(testing::Message() << "record " << which << ", byte " << byte << ", bit " << bit);
        EXPECT_FALSE(out.refused);
        EXPECT_EQ(out.missing, numbers(from, from + per_record));
        if (which == last) {
          EXPECT_GT(out.torn_bytes, 0u);
          EXPECT_THAT(out.notes, Contains(HasSubstr("cut off")));
        } else {
          EXPECT_EQ(out.counted(), per_record);
        }
        if (HasFailure()) return;
      }
  }
}

TEST_F(Damage, AFlippedBitInASegmentsHeaderLosesNothing) {
  for (std::uint64_t n = 1; n <= 4; ++n)
    for (std::size_t byte = 0; byte < 64; ++byte) {
      const auto damaged = disk.clone();
      damaged->flip_bit(segment(n), byte, 2);
      const auto out = look(*damaged);
      const bool version = byte >= 8 && byte < 12;
      EXPECT_EQ(out.refused, version) << "segment " << n << ", byte " << byte;
      if (out.refused) continue;
      EXPECT_THAT(out.missing, IsEmpty()) << "segment " << n << ", byte " << byte;
      EXPECT_EQ(out.counted(), 0u);
      EXPECT_THAT(out.notes, Contains(HasSubstr("without it")));
    }
}

TEST_F(Damage, AFlippedBitInTheJournalsOwnFileLosesNothing) {
  for (std::size_t byte = 0; byte < 40; ++byte) {
    const auto damaged = disk.clone();
    damaged->flip_bit(folder + "journal", byte, 1);
    const auto out = look(*damaged);
    EXPECT_EQ(out.refused, byte >= 8 && byte < 12) << byte;
    if (out.refused) continue;
    EXPECT_THAT(out.missing, IsEmpty());
    EXPECT_THAT(out.notes, Contains(HasSubstr("taken from its segments")));
    EXPECT_THAT(look(*damaged).notes, IsEmpty());  // it was written again
  }
}

TEST_F(Damage, ASegmentThatIsDeletedIsMissedAndCounted) {
  for (std::uint64_t n = 1; n <= 3; ++n) {
    const auto damaged = disk.clone();
    damaged->erase(segment(n));
    const auto out = look(*damaged);
    EXPECT_EQ(out.counted(), out.missing.size()) << n;
    EXPECT_GT(out.counted(), 50u);
    if (n > 1) EXPECT_THAT(out.notes, Contains(HasSubstr(std::to_string(out.missing.size()) + " events are lost")));
  }
}

TEST_F(Damage, ASegmentThatIsCutLosesWhatWasCutOff) {
  for (const std::uint64_t length : {0ul, 100ul, 4096ul, 4200ul, 8000ul}) {
    const auto damaged = disk.clone();
    damaged->cut(segment(2), length);
    const auto out = look(*damaged);
    EXPECT_FALSE(out.refused);
    EXPECT_EQ(out.counted(), out.missing.size()) << length;
    EXPECT_GT(out.missing.size(), 50u);
  }
}

TEST_F(Damage, TheLastSegmentMayBeCutAnywhere) {
  for (std::uint64_t length = 0; length < 13000; length += 197) {
    const auto damaged = disk.clone();
    damaged->cut(segment(4), length);
    const auto out = look(*damaged);
    EXPECT_FALSE(out.refused) << length;
    EXPECT_EQ(out.missing, numbers(events - out.missing.size(), events)) << length;
    EXPECT_EQ(out.missing.empty(), length > 4096 + 6 * size);
  }
}

TEST_F(Damage, CopiesAndForeignSegmentsAreToldAndLeftAlone) {
  LogHarness other;
  other.context.rng();  // another journal has another name
  {
    auto log = other.open();
    ASSERT_TRUE(write(*log, 500, 600));
  }
  disk.copy_file(segment(2), segment(7));
  disk.put(segment(8), other.disk.content(segment(1)));
  disk.put(segment(9), "");
  // A foreign one that got the number it had.
  auto foreign = other.disk.content(segment(1));
  const SegmentHeader header{.journal = {1, 2, 3}, .number = 10, .first_sequence = 1, .created_wall = 0};
  foreign.replace(0, segment_header_size, encode_segment_header(header));
  disk.put(segment(10), foreign);
  for (const auto* name : {"notes.txt", "backup.new", "1.segment", "x.segment", "README"})
    disk.put(folder + name, "do not touch");
  const auto out = look(disk);
  EXPECT_FALSE(out.refused);
  EXPECT_THAT(out.missing, IsEmpty());
  EXPECT_EQ(out.counted(), 0u);
  EXPECT_THAT(out.notes, Contains(HasSubstr("copy of segment 2")));
  EXPECT_THAT(out.notes, Contains(HasSubstr("another journal")));
  for (const auto n : {7ul, 8ul, 9ul, 10ul}) EXPECT_TRUE(disk.exists(segment(n))) << n;
  for (const auto* name : {"notes.txt", "backup.new", "1.segment", "x.segment", "README"})
    EXPECT_EQ(disk.content(folder + name), "do not touch") << name;
}

TEST_F(Damage, SparesOfAnotherSizeAreNotUsed) {
  disk.put(folder + numbered(20, "spare"), "");
  disk.put(folder + numbered(21, "spare"), std::string(40'000, 'x'));
  auto log = open();
  EXPECT_GE(log->stats().bytes, 4 * 16'384 + 40'000u);
  ASSERT_TRUE(write(*log, 1000, 1010));
  EXPECT_FALSE(disk.exists(folder + numbered(20, "spare")));
  EXPECT_FALSE(disk.exists(folder + numbered(21, "spare")));
  EXPECT_EQ(disk.content(segment(22)).size(), 16'384u);
}

TEST_F(Damage, TextThatLooksLikeARecordIsNeverTakenForOne) {
  // A sender that guesses where and when: a whole record of a later epoch in the text of an event that is now spare.
  const auto forged = [&](std::uint64_t epoch) {
    const Events one({"forged"});
    std::string text(record_size(one.span()[0]), '\0');
    encode_record(one.span()[0], {epoch, 1'000'000, 1'000'000}, text);
    return text;
  };
  LogHarness harness;
  auto log = harness.open();
  auto* consumer = *log->add_consumer({.name = "c"});
  std::string text;
  while (text.size() < 10'000) text += forged(2) + forged(3) + forged(4);
  ASSERT_TRUE(log->write(Events({text}).span()));
  ASSERT_TRUE(write(*log, 2, 3, 9000));
  log->settle(*consumer, log->end());
  log->tick();
  ASSERT_GT(log->stats().spare_bytes, 0u);
  log.reset();
  log = harness.open();
  consumer = *log->add_consumer({.name = "c"});
  ASSERT_TRUE(write(*log, 3, 4));
  log.reset();
  log = harness.open();
  EXPECT_EQ(log->end().sequence, 4u);
  EXPECT_EQ(read_all(*log, {log->stats().first, 0, 0}).events.back(), 3u);
  EXPECT_THAT(log->notes(), IsEmpty());
}

/// A consumer that has saved its place twice.
class DamagedCursor : public Damage {
 protected:
  void SetUp() override {
    Damage::SetUp();
    auto log = open();
    auto* consumer = *log->add_consumer({.name = "c"});
    for (const auto record : {5, 9}) {
      log->settle(*consumer, firsts[static_cast<std::size_t>(record)]);
      log->tick();
    }
  }
  struct Spot {
    bool refused = false;
    std::uint64_t sequence = 0;
    std::vector<std::string> notes;
  };
  Spot place(PowerDisk& damaged) {
    auto log = Log::open(damaged, small_log(), context);
    if (!log) {
      EXPECT_EQ(log.error().kind, Error::Kind::unsupported) << log.error().message;
      return {.refused = true};
    }
    const auto consumer = (*log)->add_consumer({.name = "c"});
    EXPECT_TRUE(consumer);
    const auto read = read_all(**log, (*log)->position(**consumer));
    EXPECT_EQ(read.events, numbers((*log)->position(**consumer).sequence, events));
    EXPECT_EQ(read.losses.damaged, 0u);
    return {.sequence = (*log)->position(**consumer).sequence, .notes = (*log)->notes()};
  }
  const std::string cursor = folder + "c.cursor";
};

TEST_F(DamagedCursor, OneSlotIsEnough) {
  std::set<std::uint64_t> seen;
  for (const std::size_t slot : {0u, 4096u})
    for (std::size_t byte = 0; byte < 64; ++byte) {
      const auto damaged = disk.clone();
      damaged->flip_bit(cursor, slot + byte, 3);
      const auto at = place(*damaged);
      EXPECT_EQ(at.refused, byte >= 8 && byte < 12) << byte;
      if (!at.refused) seen.insert(at.sequence);
    }
  EXPECT_EQ(seen, (std::set{firsts[5].sequence, firsts[9].sequence}));
}

TEST_F(DamagedCursor, WithoutAnyItStartsAtTheOldestAndSaysSo) {
  const auto oldest = open()->stats().first;
  disk.flip_bit(cursor, 30);
  disk.flip_bit(cursor, 4096 + 30);
  const auto at = place(disk);
  EXPECT_EQ(at.sequence, oldest);
  EXPECT_THAT(at.notes, testing::ElementsAre(HasSubstr("c.cursor")));  // told once
}

TEST_F(DamagedCursor, DeletedItStartsAtTheOldest) {
  const auto oldest = open()->stats().first;
  disk.erase(cursor);
  EXPECT_EQ(place(disk).sequence, oldest);
}

TEST_F(DamagedCursor, CutShortItIsReadAsFarAsItGoes) {
  for (const std::uint64_t length : {0ul, 10ul, 4096ul, 5000ul}) {
    const auto damaged = disk.clone();
    damaged->cut(cursor, length);
    EXPECT_FALSE(place(*damaged).refused) << length;
  }
}

TEST_F(DamagedCursor, AheadOfTheLogItMissesNothingThatIsWrittenLater) {
  disk.erase(segment(4));
  {
    auto log = open();
    auto* consumer = *log->add_consumer({.name = "c"});
    ASSERT_TRUE(write(*log, 700, 710));
    log->settle(*consumer, log->end());
    log->tick();
  }
  const auto names = *disk.list("data/ingest");
  for (const auto& name : names)
    if (name.ends_with(".segment")) disk.erase(folder + name);
  auto log = open();
  auto* consumer = *log->add_consumer({.name = "c"});
  ASSERT_TRUE(write(*log, 800, 810));
  EXPECT_EQ(read_all(*log, log->position(*consumer)).events, numbers(800, 810));
}

/// With durability none nobody knows what had to be there: from the first record that is broken on nothing counts.
TEST(CursorAhead, WhatAnOpeningHasGivenUpDoesNotComeBack) {
  LogHarness harness;
  const auto config = small_log(Durability::none);
  {
    auto log = harness.open(config);
    auto* consumer = *log->add_consumer({.name = "c"});
    for (std::uint64_t n = 1; n < 31; n += 10) ASSERT_TRUE(write(*log, n, n + 10));
    log->settle(*consumer, log->end());
    ASSERT_TRUE(log->close());
  }
  harness.disk.flip_bit(segment(1), segment_header_size + 1300);
  auto expected = numbers(1, 11);
  std::ranges::copy(numbers(31, 41), std::back_inserter(expected));
  for (int opening = 0; opening < 3; ++opening) {
    auto log = harness.open(config);
    auto* consumer = *log->add_consumer({.name = "c"});
    if (opening == 0) ASSERT_TRUE(write(*log, 31, 41));
    const auto read = read_all(*log);
    EXPECT_EQ(read.events, expected);
    EXPECT_EQ(read.losses.damaged, 20u);
    EXPECT_EQ(read_all(*log, log->position(*consumer)).events, numbers(31, 41));
    EXPECT_EQ(log->end().sequence, 41u);
  }
}

}  // namespace
}  // namespace weir::journal
