#include "journal/disk_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>

#include "journal/disk.h"

namespace weir::journal {
namespace {

using Open = Disk::Open;

class SystemDisk : public testing::Test {
 protected:
  SystemDisk() {
    std::string pattern = std::filesystem::temp_directory_path() / "weir-disk-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~SystemDisk() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::unique_ptr<File> make(const std::string& name) { return *disk_.open(path(name), Open::create); }
  static std::string content(File& file) {
    std::string bytes(4096, '?');
    bytes.resize(*file.read(bytes, 0));
    return bytes;
  }

  Disk& disk_ = system_disk();
  std::string root_;
};

TEST_F(SystemDisk, GivesBackWhatWasWrittenAndLessOnlyAtTheEnd) {
  const auto file = make("a");
  ASSERT_TRUE(file->write("hello world", 0));
  ASSERT_TRUE(file->write("W", 6));
  ASSERT_TRUE(file->sync("test"));
  EXPECT_EQ(content(*file), "hello World");
  std::string some(4, '?');
  EXPECT_EQ(file->read(some, 9).value(), 2u);
  EXPECT_EQ(file->read(some, 100).value(), 0u);
  EXPECT_EQ(content(**disk_.open(path("a"), Open::read)), "hello World");
}

TEST_F(SystemDisk, SaysWhichFileIsMissing) {
  const auto file = disk_.open(path("none"), Open::read);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "cannot open " + path("none") + ": No such file or directory");
  EXPECT_EQ(file.error().kind, Error::Kind::failed);
}

TEST_F(SystemDisk, CreatesOnlyWhatIsNotThere) {
  make("a");
  EXPECT_EQ(disk_.open(path("a"), Open::create).error().message, "cannot create " + path("a") + ": File exists");
  EXPECT_TRUE(disk_.open(path("a"), Open::write));
  EXPECT_FALSE(disk_.open(path("b"), Open::write));
}

TEST_F(SystemDisk, HandsNoFileToAProgramItStarts) {
  const auto file = make("a");
  const auto lock = disk_.lock(path("lock"));
  int ours = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!std::filesystem::read_symlink(entry.path(), gone).string().starts_with(root_)) continue;
    ++ours;
    EXPECT_TRUE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) << entry.path();
  }
  EXPECT_EQ(ours, 2);
}

TEST_F(SystemDisk, AFileIsAsLongAsAllocatedAndHasTheRoom) {
  const auto file = make("a");
  ASSERT_TRUE(file->write("abc", 0));
  ASSERT_TRUE(file->allocate(100'000));
  EXPECT_EQ(file->size().value(), 100'000u);
  struct stat status{};
  ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 100'000);
  EXPECT_EQ(content(*file).substr(0, 5), std::string("abc\0\0", 5));
  ASSERT_TRUE(file->allocate(2));
  EXPECT_EQ(content(*file), "ab");
  ASSERT_TRUE(file->truncate(1));
  EXPECT_EQ(content(*file), "a");
  ASSERT_TRUE(file->allocate(0));
  EXPECT_EQ(content(*file), "");
}

// As a file system without fallocate(2) answers, for the rest of this process.
void refuse_fallocate() {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::_Exit(77);
  }
}

TEST_F(SystemDisk, WritesZerosWhereTheFileSystemCannotAllocate) {
  const auto file = make("a");
  ASSERT_TRUE(file->write("abc", 0));
  const auto child = ::fork();
  if (child == 0) {
    refuse_fallocate();
    const bool refused = ::fallocate(0, 0, 0, 1) != 0 && errno == EOPNOTSUPP;
    std::_Exit(!refused ? 77 : file->allocate(200'000) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(file->size().value(), 200'000u);
  EXPECT_EQ(content(*file).substr(0, 5), std::string("abc\0\0", 5));
  struct stat info{};
  ASSERT_EQ(::stat(path("a").c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 200'000);
}

TEST_F(SystemDisk, CallsAFullDiskOverloadedAndAllElseFailed) {
  const auto full = disk_failure("write", "data/0001.journal", ENOSPC).error();
  EXPECT_EQ(full.kind, Error::Kind::overloaded);
  EXPECT_EQ(full.message, "cannot write data/0001.journal: No space left on device");
  EXPECT_EQ(disk_failure("write", "a", EDQUOT).error().kind, Error::Kind::overloaded);
  EXPECT_EQ(disk_failure("write", "a", EIO).error().kind, Error::Kind::failed);
  if (const auto file = disk_.open("/dev/full", Open::write)) {
    const auto written = (*file)->write("a", 0);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, Error::Kind::overloaded);
    EXPECT_EQ(written.error().message, "cannot write /dev/full: No space left on device");
  }
}

// The kernel writes up to the limit and fails at the next call: a short write, then its reason.
TEST_F(SystemDisk, GoesOnAfterAShortWriteAndReportsWhatStoppedIt) {
  const auto file = make("a");
  const auto child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto written = file->write(std::string(3000, 'x'), 0);
    std::_Exit(!written && written.error().message.ends_with(": File too large") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content(*file), std::string(1000, 'x'));
}

TEST_F(SystemDisk, WhatIsRenamedReplacesWhatHadTheName) {
  ASSERT_TRUE(make("a")->write("new", 0));
  ASSERT_TRUE(make("b")->write("old", 0));
  ASSERT_TRUE(disk_.rename(path("a"), path("b"), "test"));
  EXPECT_EQ(disk_.list(root_).value(), std::vector<std::string>{"b"});
  EXPECT_EQ(content(**disk_.open(path("b"), Open::read)), "new");
  EXPECT_EQ(disk_.rename(path("a"), path("b"), "test").error().message,
            "cannot rename " + path("a") + " to " + path("b") + ": No such file or directory");
  ASSERT_TRUE(disk_.remove(path("b")));
  EXPECT_EQ(disk_.remove(path("b")).error().message, "cannot remove " + path("b") + ": No such file or directory");
}

TEST_F(SystemDisk, MakesFoldersWithTheirParentsAndIsContentWithWhatIsThere) {
  ASSERT_TRUE(disk_.make_folder(path("x//y/z/")));
  ASSERT_TRUE(disk_.make_folder(path("x/y/z")));
  EXPECT_TRUE(std::filesystem::is_directory(path("x/y/z")));
  EXPECT_TRUE(disk_.make_folder("/"));
  EXPECT_TRUE(disk_.make_folder("."));
  EXPECT_TRUE(disk_.sync_folder(path("x"), "test"));
  EXPECT_EQ(disk_.sync_folder(path("q"), "test").error().message,
            "cannot sync folder " + path("q") + ": No such file or directory");
  make("file");
  EXPECT_EQ(disk_.make_folder(path("file")).error().message,
            "cannot make folder " + path("file") + ": Not a directory");
  EXPECT_FALSE(disk_.make_folder(path("file/under")));
}

TEST_F(SystemDisk, ListsByName) {
  for (const auto* name : {"c", "a", "b"}) make(name);
  EXPECT_EQ(disk_.list(root_).value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(disk_.list(path("none")).error().message, "cannot list " + path("none") + ": No such file or directory");
}

TEST_F(SystemDisk, KeepsASecondUserOutAndSaysWhoTheFirstIs) {
  auto lock = disk_.lock(path("lock"));
  ASSERT_TRUE(lock);
  const auto second = disk_.lock(path("lock"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot lock " + path("lock") + ": it is used by process " +
                                        std::to_string(::getpid()) + "; stop that one or configure another folder");
  lock->reset();
  EXPECT_TRUE(disk_.lock(path("lock")));
}

TEST_F(SystemDisk, KnowsItsFreeSpace) {
  EXPECT_GT(disk_.free_space(root_).value(), 0_B);
  EXPECT_FALSE(disk_.free_space(path("none")));
}

}  // namespace
}  // namespace weir::journal
