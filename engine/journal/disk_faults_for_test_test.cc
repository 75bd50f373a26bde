#include "journal/disk_for_test.h"

#include <gtest/gtest.h>

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

/// What is durable.
std::string left(const PowerDisk& disk, const std::string& path) {
  Rng rng(1);
  const auto after = disk.after_power_loss(rng, LossMode::nothing_unsynced);
  return after->exists(path) ? after->content(path) : "absent";
}

TEST(PowerDiskFaults, AFullDiskTakesWhatFitsAndOverwritesWhatHasRoom) {
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

TEST(PowerDiskFaults, RemovingAndTruncatingGiveRoomBackAndAHoleHasNone) {
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

TEST(PowerDiskFaults, FailsTheNthCallOnceOrFromThenOn) {
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

TEST(PowerDiskFaults, NothingChangesOnAReadOnlyDisk) {
  PowerDisk disk;
  const auto file = make(disk, "a", "x");
  disk.set_read_only(true);
  EXPECT_EQ(file->write("y", 0).error().message, "cannot write a: Read-only file system");
  EXPECT_FALSE(disk.open("b", Open::create));
  EXPECT_FALSE(disk.rename("a", "b", "r"));
  EXPECT_FALSE(disk.remove("a"));
  EXPECT_FALSE(disk.make_folder("d"));
  EXPECT_FALSE(disk.sync_folder("", "f"));
  EXPECT_TRUE(disk.open("a", Open::read));
  EXPECT_EQ(disk.list("").value(), std::vector<std::string>{"a"});
  EXPECT_EQ(disk.content("a"), "x");
}

TEST(PowerDiskFaults, DamageIsAtOnceAndDurable) {
  PowerDisk disk;
  const auto file = make(disk, "a", "AA");
  ASSERT_TRUE(file->sync("s"));
  ASSERT_TRUE(file->write("A", 0));
  disk.flip_bit("a", 0, 1);
  EXPECT_EQ(disk.content("a"), "CA");
  ASSERT_TRUE(file->sync("s"));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(left(disk, "a"), "CA");
  disk.copy_file("a", "b");
  disk.cut("a", 1);
  EXPECT_EQ(left(disk, "a"), "C");
  EXPECT_EQ(left(disk, "b"), "CA");
  disk.erase("a");
  EXPECT_EQ(left(disk, "a"), "absent");
}

TEST(PowerDiskFaults, WhatWasPendingDoesNotUndoDamage) {
  PowerDisk disk;
  make(disk, "a", "x");
  disk.erase("a");
  ASSERT_TRUE(disk.sync_folder("", "f"));
  EXPECT_EQ(left(disk, "a"), "absent");
}

TEST(PowerDiskFaults, LocksVanishWithThePower) {
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

TEST(PowerDiskFaults, ALockThatDiedLetsTheNextIn) {
  PowerDisk disk;
  ASSERT_TRUE(disk.lock("lock"));
  EXPECT_TRUE(disk.lock("lock"));
}

TEST(PowerDiskFaults, ACloneGoesItsOwnWay) {
  PowerDisk disk;
  const auto file = make(disk, "a", "old"), removed = make(disk, "b", "x");
  ASSERT_TRUE(file->sync("s"));
  ASSERT_TRUE(disk.remove("b"));
  ASSERT_TRUE(disk.sync_folder("", "f"));
  ASSERT_TRUE(file->write("new", 0));
  const auto twin = disk.clone();
  ASSERT_TRUE(file->sync("s"));
  EXPECT_EQ(twin->content("a"), "new");
  EXPECT_EQ(left(*twin, "a"), "old");
  EXPECT_EQ(left(disk, "a"), "new");
  EXPECT_EQ(disk.used(), 1_KiB);
  EXPECT_EQ(twin->used(), 512_B) << "nobody there has b open";
}

TEST(PowerDiskFaults, AnswersAsTheSystemDoes) {
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
