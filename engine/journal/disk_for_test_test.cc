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
  EXPECT_TRUE(disk.sync_folder(std::string(Names::Place(path).folder), "named"));
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

TEST(PowerDisk, AFullDiskTakesWhatFitsAndOverwritesWhatHasRoom) {
  PowerDisk disk;
  disk.set_capacity(Bytes(3 * 512));
  const auto file = make(disk, "a");
  ASSERT_TRUE(file->allocate(1024));
  const auto other = make(disk, "b");
  const auto written = other->write(std::string(1000, 'x'), 100);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
  EXPECT_EQ(written.error().message, "cannot write b: No space left on device");
  EXPECT_EQ(disk.content("b"), std::string(100, '\0') + std::string(412, 'x'));
  EXPECT_EQ(disk.free_space(".").value(), 0_B);
  EXPECT_TRUE(file->write(std::string(1024, 'y'), 0));
  EXPECT_EQ(file->allocate(1025).error().kind, Error::Kind::overloaded);
  EXPECT_EQ(file->size().value(), 1024u);
  ASSERT_TRUE(disk.remove("b"));
  EXPECT_EQ(disk.free_space(".").value(), 0_B) << "it is open";
}

TEST(PowerDisk, RemovingAndTruncatingGiveRoomBackAndAHoleHasNone) {
  PowerDisk disk;
  disk.set_capacity(1_KiB);
  make(disk, "a", std::string(512, 'x'));
  const auto hole = make(disk, "b");
  ASSERT_TRUE(hole->truncate(4096));
  EXPECT_EQ(disk.used(), 512_B);
  EXPECT_TRUE(hole->write("x", 2000));
  EXPECT_FALSE(hole->write("x", 0));
  ASSERT_TRUE(disk.remove("a"));
  EXPECT_TRUE(hole->write("x", 0));
  ASSERT_TRUE(hole->truncate(1));
  EXPECT_EQ(disk.used(), 512_B);
}

TEST(PowerDisk, FailsTheNthCallOnceOrFromThenOn) {
  PowerDisk disk;
  const auto file = make(disk, "a", "x");
  const auto outcomes = [&] {
    std::string text;
    for (int i = 0; i < 4; ++i) text += file->write("y", 0) ? '+' : '-';
    return text;
  };
  disk.fail_once(Op::write, 2, PowerDisk::io_error());
  EXPECT_EQ(outcomes(), "+-++");
  disk.fail_from(Op::write, 3, PowerDisk::io_error());
  EXPECT_EQ(outcomes(), "++--");
  disk.mend();
  EXPECT_EQ(outcomes(), "++++");
  disk.fail_once(Op::read, 1, PowerDisk::io_error());
  char byte = 0;
  EXPECT_EQ(file->read({&byte, 1}, 0).error().message, "cannot read a: Input/output error");
  EXPECT_EQ(file->read({&byte, 1}, 0).value(), 1u);
}

TEST(PowerDisk, NothingChangesOnAReadOnlyDisk) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "x");
  disk.set_read_only(true);
  EXPECT_EQ(file->write("y", 0).error().message, "cannot write a: Read-only file system");
  EXPECT_FALSE(disk.open("b", Open::create));
  EXPECT_FALSE(disk.rename("a", "b", "r"));
  EXPECT_FALSE(disk.remove("a"));
  EXPECT_FALSE(disk.make_folder("d"));
  EXPECT_FALSE(disk.sync_folder("", "f"));
  EXPECT_TRUE(disk.open("a", Open::read));
  EXPECT_EQ(names(disk), "a=x ");
}

TEST(PowerDisk, DamageIsAtOnceAndDurable) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "AA");
  ASSERT_TRUE(file->write("A", 0));
  disk.flip_bit("a", 0, 1);
  EXPECT_EQ(disk.content("a"), "CA");
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(left(disk, "a"), "CA");
  disk.copy_file("a", "b");
  disk.cut("a", 1);
  EXPECT_EQ(possible(disk, names), Seen{"a=C b=CA "});
  disk.erase("a");
  EXPECT_EQ(possible(disk, names), Seen{"b=CA "});
}

TEST(PowerDisk, LocksVanishWithThePower) {
  PowerDisk disk;
  auto lock = disk.lock("lock");
  ASSERT_TRUE(lock);
  EXPECT_FALSE(disk.lock("./lock"));
  EXPECT_EQ(disk.list("").value(), std::vector<std::string>{"lock"});
  disk.crash_after(0);
  Rng rng(1);
  EXPECT_TRUE(disk.after_power_loss(rng, LossMode::everything)->lock("lock"));
  lock->reset();
}

TEST(PowerDisk, ACloneGoesItsOwnWay) {
  PowerDisk disk;
  const auto file = make_durable(disk, "a", "old");
  ASSERT_TRUE(file->write("new", 0));
  const auto twin = disk.clone();
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(twin->content("a"), "new");
  EXPECT_EQ(left(*twin, "a"), "old");
  EXPECT_EQ(left(disk, "a"), "new");
}

TEST(PowerDisk, AnswersAsTheSystemDoes) {
  PowerDisk disk;
  make(disk, "a", "x");
  EXPECT_EQ(disk.open("b", Open::read).error().message, "cannot open b: No such file or directory");
  EXPECT_EQ(disk.open("a", Open::create).error().message, "cannot create a: File exists");
  EXPECT_EQ(disk.open("d/a", Open::create).error().message, "cannot create d/a: No such file or directory");
  EXPECT_EQ(disk.list("d").error().message, "cannot list d: No such file or directory");
  EXPECT_EQ(disk.remove("b").error().message, "cannot remove b: No such file or directory");
  EXPECT_EQ(disk.rename("b", "c", "r").error().message, "cannot rename b to c: No such file or directory");
  EXPECT_EQ(disk.make_folder("a").error().message, "cannot make folder a: Not a directory");
  EXPECT_EQ((*disk.open("a", Open::read))->write("y", 0).error().message, "cannot write a: Bad file descriptor");
  ASSERT_TRUE(disk.make_folder("/x/y"));
  EXPECT_EQ(disk.list("/x").value(), std::vector<std::string>{"y"});
}

}  // namespace
}  // namespace weir::journal
