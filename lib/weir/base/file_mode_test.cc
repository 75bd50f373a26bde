#include <weir/base/file_mode.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace weir {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

struct FileModes : testing::Test {
  FileModes() {
    std::string pattern = std::filesystem::temp_directory_path() / "weir-mode-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/file";
  }
  ~FileModes() override {
    ::umask(before);
    std::filesystem::remove_all(folder);
  }
  void make(const std::string& name, const char* mode) {
    const int fd = open_or_make(name, O_RDWR, *FileMode::from_text(mode));
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  const mode_t before = ::umask(022);
  std::string folder, path;
};

TEST_F(FileModes, AFileIsItsOwnersAloneUnlessToldOtherwise) {
  const int fd = open_or_make(path, O_RDWR);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(make_file(folder + "/other"), 0);
  EXPECT_EQ(mode_of(folder + "/other"), 0600u);
}

TEST_F(FileModes, TheUmaskNeitherNarrowsNorWidensIt) {
  for (const mode_t mask : {0u, 022u, 077u}) {
    ::umask(mask);
    for (const char* mode : {"0600", "0640", "0666"}) {
      const auto file = path + mode + std::to_string(mask);
      make(file, mode);
      EXPECT_EQ(mode_of(file), FileMode::from_text(mode)->bits()) << mode << " under " << mask;
      EXPECT_EQ(make_file(file + "n", *FileMode::from_text(mode)), 0);
      EXPECT_EQ(mode_of(file + "n"), FileMode::from_text(mode)->bits()) << mode << " under " << mask;
    }
  }
}

TEST_F(FileModes, NobodyElseCanChangeAFolder) {
  for (const mode_t mask : {0u, 022u, 077u}) {
    ::umask(mask);
    const auto above = folder + "/a" + std::to_string(mask);
    EXPECT_EQ(make_folders(above + "/b//c/"), 0);
    for (const auto* part : {"", "/b", "/b/c"}) EXPECT_EQ(mode_of(above + part), 0755u & ~mask) << part;
    EXPECT_EQ(make_folders(above + "/b"), 0) << "it is there";
  }
  make(path, "0600");
  EXPECT_EQ(make_folders(path), -ENOTDIR);
  EXPECT_EQ(make_folders(path + "/below"), -ENOTDIR);
  EXPECT_EQ(make_folders("/proc/none/below"), -ENOENT);
}

TEST_F(FileModes, WhatIsThereKeepsItsModeAndItsContent) {
  make(path, "0644");
  ASSERT_EQ(::truncate(path.c_str(), 7), 0);
  make(path, "0600");
  EXPECT_EQ(make_file(path), 0);
  EXPECT_EQ(mode_of(path), 0644u);
  EXPECT_EQ(std::filesystem::file_size(path), 7u);
}

TEST_F(FileModes, ExclusivelyOnlyAFileThatIsNotThereIsMade) {
  make(path, "0600");
  EXPECT_EQ(open_or_make(path, O_RDWR | O_EXCL), -EEXIST);
}

TEST_F(FileModes, ALinkToNothingMakesWhatItNames) {
  ASSERT_EQ(::symlink((folder + "/target").c_str(), path.c_str()), 0);
  make(path, "0600");
  EXPECT_EQ(mode_of(folder + "/target"), 0600u);
}

TEST_F(FileModes, ErrorsAreToldByNumber) {
  EXPECT_EQ(open_or_make(folder + "/none/file", O_RDWR), -ENOENT);
  EXPECT_EQ(make_file(folder + "/none/file"), -ENOENT);
  EXPECT_EQ(open_or_make(folder, O_RDWR), -EISDIR);
}

TEST(FileMode, IsReadAsOctalAndOnlyIfTheOwnerCanWork) {
  for (const char* good : {"0600", "0640", "0644", "0660", "0664", "0666"})
    EXPECT_EQ(FileMode::from_text(good).value().text(), good);
  EXPECT_EQ(FileMode::from_text("640").value().text(), "0640");
  for (const char* bad : {"", "0", "06", "0400", "0200", "0755", "0700", "4600", "1640", "0o640", "0x180", "rw-r-----",
                          "00640", "-640", "0 40", "416", "0680"})
    EXPECT_FALSE(FileMode::from_text(bad)) << bad;
  EXPECT_EQ(FileMode().text(), "0600");
}

}  // namespace
}  // namespace weir
