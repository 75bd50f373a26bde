#include "journal/disk_for_test.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace weir::journal {
namespace {

using Open = Disk::Open;
using Op = PowerDisk::Op;

std::unique_ptr<File> make(PowerDisk& disk, const std::string& path, std::string_view bytes = {}) {
  auto file = disk.open(path, Open::create);
  EXPECT_TRUE(file) << file.error().message;
  EXPECT_TRUE((*file)->write(bytes, 0));
  return std::move(*file);
}

std::unique_ptr<File> make_durable(PowerDisk& disk, const std::string& path, std::string_view bytes) {
  auto file = make(disk, path, bytes);
  EXPECT_TRUE(file->sync("made"));
  EXPECT_TRUE(disk.sync_folder(std::string(Names::Spot(path).folder), "named"));
  return file;
}

std::string left(const PowerDisk& disk, const std::string& path, LossMode mode = LossMode::nothing_unsynced) {
  Rng rng(1);
  const auto after = disk.after_power_loss(rng, mode);
  return after->exists(path) ? after->content(path) : "absent";
}

/// All that may be seen after a loss, as far as so many draws show.
std::set<std::string> possible(const PowerDisk& disk, const std::function<std::string(const PowerDisk&)>& seen) {
  std::set<std::string> all;
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) all.insert(seen(*disk.after_power_loss(rng, LossMode::random)));
  return all;
}

std::set<std::string> possible(const PowerDisk& disk, const std::string& path) {
  return possible(disk, [&](const auto& d) { return d.exists(path) ? d.content(path) : "absent"; });
}

std::string names(const PowerDisk& disk) {
  std::string text;
  for (const auto* name : {"a", "b"}) text += disk.exists(name) ? name + ("=" + disk.content(name)) + " " : "";
  return text;
}

using Seen = std::set<std::string>;

TEST(PowerDisk, AnUnsyncedWriteMayVanishAndASyncedOneNever) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "old");
  ASSERT_TRUE(file->write("new", 0));
  EXPECT_EQ(disk.content("a"), "new");
  EXPECT_EQ(left(disk, "a"), "old");
  EXPECT_EQ(left(disk, "a", LossMode::everything), "new");
  EXPECT_EQ(possible(disk, "a"), (Seen{"old", "new"}));
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(possible(disk, "a"), Seen{"new"});
}

TEST(PowerDisk, ASyncOfAFileDoesNothingForItsName) {
  PowerDisk disk;
  const auto file = make(disk, "a", "x");
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(left(disk, "a"), "absent");
  EXPECT_EQ(possible(disk, "a"), (Seen{"absent", "x"}));
  ASSERT_TRUE(disk.sync_folder(".", "f"));
  EXPECT_EQ(possible(disk, "a"), Seen{"x"});
}

TEST(PowerDisk, ASyncOfAFolderDoesNothingForTheContentOfItsFilesNorForOtherFolders) {
  PowerDisk disk;
  ASSERT_TRUE(disk.make_folder("d/e"));
  const auto file = make(disk, "a", "x"), other = make_durable(disk, "d/e/f", "y");
  EXPECT_EQ(possible(disk, "d/e/f"), (Seen{"absent", "y"})) << "d and e themselves were never synced";
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(possible(disk, "a"), (Seen{"", std::string(1, '\0'), "x"}));
  EXPECT_EQ(left(disk, "d/e/f"), "absent");
  ASSERT_TRUE(disk.sync_folder("d", "f"));
  EXPECT_EQ(possible(disk, "d/e/f"), Seen{"y"});
}

TEST(PowerDisk, WritesArriveInAnyOrder) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "..");
  ASSERT_TRUE(file->write("1", 0));
  ASSERT_TRUE(file->write("2", 1));
  EXPECT_EQ(possible(disk, "a"), (Seen{"..", "1.", ".2", "12"}));
}

TEST(PowerDisk, AWriteIsTornOnlyBetweenSectors) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", std::string(1536, '.'));
  ASSERT_TRUE(file->write(std::string(1000, 'x'), 500));
  const auto sector = [](std::size_t dots, std::size_t crosses) {
    return std::string(dots, '.') + std::string(crosses, 'x');
  };
  Seen expected;
  for (int mask = 0; mask < 8; ++mask) {
    expected.insert((mask & 1 ? sector(500, 12) : sector(512, 0)) + (mask & 2 ? sector(0, 512) : sector(512, 0)) +
                    (mask & 4 ? sector(0, 476) + sector(36, 0) : sector(512, 0)));
  }
  EXPECT_EQ(possible(disk, "a"), expected);
}

TEST(PowerDisk, ManyWritesMayArriveInOrderUpToAPointAndTheNextTorn) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", {});
  for (std::uint64_t i = 0; i < 40; ++i) ASSERT_TRUE(file->write(std::string(1024, 'x'), i * 1024));
  const auto seen = possible(disk, "a");
  EXPECT_TRUE(seen.contains(std::string(20 * 1024, 'x')));
  EXPECT_TRUE(seen.contains(std::string(20 * 1024 + 512, 'x')));
}

TEST(PowerDisk, AllocatedBytesReadAsZerosAndLengthsAreInDoubtToo) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "abc");
  ASSERT_TRUE(file->allocate(5));
  const auto allocated = std::string("abc\0\0", 5);
  EXPECT_EQ(disk.content("a"), allocated);
  EXPECT_EQ(possible(disk, "a"), (Seen{"abc", allocated}));
  ASSERT_TRUE(file->sync("s"));
  ASSERT_TRUE(file->truncate(1));
  EXPECT_EQ(possible(disk, "a"), (Seen{allocated, "a"}));
}

TEST(PowerDisk, ARecycledFileMayShowItsOldBytesBehindNewOnes) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "old old");
  ASSERT_TRUE(file->truncate(0));
  ASSERT_TRUE(file->write("new", 0));
  const auto seen = possible(disk, "a");
  EXPECT_TRUE(seen.contains("new old"));
  EXPECT_TRUE(seen.contains(""));
  EXPECT_TRUE(seen.contains("new"));
}

TEST(PowerDisk, ARenameIsAtomic) {
  PowerDisk disk;
  make_durable(disk, "a", "new");
  make_durable(disk, "b", "old");
  ASSERT_TRUE(disk.rename("a", "b", "swap"));
  EXPECT_EQ(names(disk), "b=new ");
  EXPECT_EQ(possible(disk, names), (Seen{"a=new b=old ", "b=new "}));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(possible(disk, names), Seen{"b=new "});
}

TEST(PowerDisk, ARenameWhoseBarrierIsIgnoredTakesTwoSteps) {
  PowerDisk disk;
  disk.ignore("swap");
  make_durable(disk, "a", "new");
  make_durable(disk, "b", "old");
  const auto between = disk.clone();
  between->crash_after(between->steps() + 1);
  EXPECT_FALSE(between->rename("a", "b", "swap"));
  Rng rng(1);
  EXPECT_EQ(names(*between->after_power_loss(rng, LossMode::everything)), "a=new ");
  const auto before = disk.steps();
  ASSERT_TRUE(disk.rename("a", "b", "swap"));
  EXPECT_EQ(disk.steps(), before + 2);
  EXPECT_EQ(possible(disk, names), (Seen{"a=new b=old ", "a=new ", "b=new "}));
}

TEST(PowerDisk, ARenameBetweenFoldersNeverLosesTheFile) {
  PowerDisk disk;
  ASSERT_TRUE(disk.make_folder("d"));
  make_durable(disk, "a", "x");
  ASSERT_TRUE(disk.sync_folder("", "f"));
  ASSERT_TRUE(disk.rename("a", "d/b", "move"));
  const auto both = [](const PowerDisk& d) {
    return (d.exists("a") ? "a" : "") + std::string(d.exists("d/b") ? "b" : "");
  };
  EXPECT_EQ(possible(disk, both), (Seen{"a", "b"}));
  ASSERT_TRUE(disk.sync_folder("d", "f"));
  EXPECT_EQ(possible(disk, both), Seen{"b"});
}

TEST(PowerDisk, ANewNameThatWasRenamedAwayDoesNotComeBack) {
  PowerDisk disk;
  ASSERT_TRUE(disk.make_folder("d"));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  make(disk, "a");
  ASSERT_TRUE(disk.rename("a", "d/b", "move"));
  ASSERT_TRUE(disk.sync_folder("d", "f"));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(possible(disk, "a"), Seen{"absent"});
}

TEST(PowerDisk, AFileMadeAndRemovedBeforeAnySyncMayBeThere) {
  PowerDisk disk;
  ASSERT_TRUE(make(disk, "a", "x")->sync("s"));
  ASSERT_TRUE(disk.remove("a"));
  EXPECT_EQ(possible(disk, "a"), (Seen{"absent", "x"}));
}

TEST(PowerDisk, AfterALossTheDiskIsAsLargeAsBeforeAndIgnoresTheSameBarriers) {
  PowerDisk before;
  make_durable(before, "a", "x");
  before.set_capacity(1_KiB);
  before.ignore("data");
  before.fail_from(Op::write, 1, PowerDisk::io_error());
  before.crash_after(0);
  Rng rng(1);
  const auto disk = before.after_power_loss(rng, LossMode::random);
  EXPECT_EQ(disk->steps(), 0u);
  EXPECT_EQ(disk->free_space("").value(), 512_B);
  const auto file = make(*disk, "b", "y");
  ASSERT_TRUE(file->sync("data"));
  ASSERT_TRUE(disk->sync_folder("", "f"));
  EXPECT_EQ(left(*disk, "a"), "x");
  EXPECT_EQ(left(*disk, "b"), "");
}

TEST(PowerDisk, ARemovedNameMayStillBeThereAndAnOpenFileOutlivesIt) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "x");
  ASSERT_TRUE(disk.remove("a"));
  EXPECT_FALSE(disk.exists("a"));
  EXPECT_EQ(file->size().value(), 1u);
  EXPECT_EQ(possible(disk, "a"), (Seen{"absent", "x"}));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(possible(disk, "a"), Seen{"absent"});
}

TEST(PowerDisk, WhatAFailedSyncLeftBehindIsNeverDurable) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "..");
  ASSERT_TRUE(file->write("1", 0));
  disk.fail_once(Op::sync, 1, PowerDisk::io_error());
  const auto synced = file->sync("s");
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().message, "cannot sync a: Input/output error");
  ASSERT_TRUE(file->write("2", 1));
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(disk.content("a"), "12");
  EXPECT_EQ(possible(disk, "a"), Seen{".2"});
  EXPECT_EQ(left(disk, "a", LossMode::everything), ".2");
  ASSERT_TRUE(file->write("1", 0));
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(left(disk, "a"), "12");
}

TEST(PowerDisk, AnIgnoredBarrierOnlySaysThatItSucceeded) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "old");
  disk.ignore("data");
  disk.ignore("name");
  ASSERT_TRUE(file->write("new", 0));
  make(disk, "b");
  ASSERT_TRUE(file->sync("data"));
  ASSERT_TRUE(disk.sync_folder("", "name"));
  EXPECT_EQ(left(disk, "a"), "old");
  EXPECT_EQ(left(disk, "b"), "absent");
  EXPECT_EQ(disk.barriers(), (Seen{"made", "named", "data", "name"}));
  ASSERT_TRUE(file->sync("another"));
  EXPECT_EQ(left(disk, "a"), "new");
}

TEST(PowerDisk, CountsEachStepAndDoesNothingAfterItsLast) {
  PowerDisk disk;
  const auto run = [](PowerDisk& d) {
    if (!d.make_folder("x/y")) return 0;
    auto file = d.open("x/a", Open::create);
    if (!file) return 1;
    if (!(*file)->allocate(10)) return 2;
    if (!(*file)->write("abc", 0)) return 3;
    if (!(*file)->truncate(2)) return 4;
    if (!(*file)->sync("s")) return 5;
    if (!d.rename("x/a", "x/b", "r")) return 6;
    if (!d.sync_folder("x", "f")) return 7;
    if (!d.remove("x/b")) return 8;
    return 9;
  };
  const auto start = disk.clone();
  EXPECT_EQ(run(disk), 9);
  ASSERT_EQ(disk.steps(), 10u);
  for (std::uint64_t n = 0; n <= 10; ++n) {
    const auto again = start->clone();
    again->crash_after(n);
    EXPECT_EQ(run(*again), n < 2 ? 0 : static_cast<int>(n) - 1) << n;
    EXPECT_EQ(again->steps(), n);
    EXPECT_EQ(again->exists("x/b"), n >= 8 && n < 10) << n;
    EXPECT_EQ(again->open("x/b", Open::read).error().message, "cannot open x/b: power lost");
    EXPECT_FALSE(again->list("."));
    EXPECT_FALSE(again->free_space("."));
    EXPECT_EQ(again->steps(), n);
  }
}

TEST(PowerDisk, ASyncThatThePowerForestalledLosesNothingForCertain) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "old");
  ASSERT_TRUE(file->write("new", 0));
  disk.crash_after(disk.steps());
  EXPECT_EQ(file->sync("s").error().message, "cannot sync a: power lost");
  EXPECT_EQ(possible(disk, "a"), (Seen{"old", "new"}));
}

}  // namespace
}  // namespace weir::journal
