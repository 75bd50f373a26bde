#include "config/file_stamp.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace weir::config {
namespace {

struct FileStamps : testing::Test {
  FileStamps() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-stamp-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~FileStamps() override { std::filesystem::remove_all(folder); }
  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/" + name, std::ios::trunc) << text;
    return folder + "/" + name;
  }
  std::string folder;
};

TEST_F(FileStamps, AreEqualWhileNothingHappens) {
  const auto file = put("a", "one");
  EXPECT_EQ(FileStamp::of(file), FileStamp::of(file));
}

TEST_F(FileStamps, TellAFileThatWasMovedThereThoughItsSizeAndItsTimeOfWritingAreTheSame) {
  const auto file = put("a", "one"), other = put("b", "two");
  const auto before = FileStamp::of(file);
  std::filesystem::last_write_time(other, std::filesystem::last_write_time(file));
  std::filesystem::rename(other, file);
  EXPECT_NE(FileStamp::of(file), before);
}

TEST_F(FileStamps, TellALinkThatWasSwitchedAboveTheFile) {
  for (const char* version : {"v1", "v2"}) {
    std::filesystem::create_directory(folder + "/" + version);
    put(std::string(version) + "/key", "same");
  }
  std::filesystem::create_directory_symlink("v1", folder + "/..data");
  std::filesystem::create_symlink("..data/key", folder + "/key");
  const auto before = FileStamp::of(folder + "/key");
  std::filesystem::create_directory_symlink("v2", folder + "/..tmp");
  std::filesystem::rename(folder + "/..tmp", folder + "/..data");
  EXPECT_NE(FileStamp::of(folder + "/key"), before);
}

TEST_F(FileStamps, ThatItCannotBeLookedAtIsNoFile) {
  const auto stamp = FileStamp::of(folder + "/none");
  EXPECT_EQ(stamp.error, ENOENT);
  EXPECT_NE(stamp, FileStamp::of(put("none", "")));
}

}  // namespace
}  // namespace weir::config
