#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/written_files.h>

#include <filesystem>
#include <optional>
#include <string>

namespace weir {
namespace {

namespace fs = std::filesystem;

struct WrittenFilesTest : testing::Test {
  WrittenFilesTest() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~WrittenFilesTest() override { fs::remove_all(folder); }
  static int open(const fs::path& path) { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }
  bool knows(const fs::path& path) const {
    const int fd = open(path);
    const bool known = files.is_written(fd);
    ::close(fd);
    return known;
  }
  /// When it was made; nothing where the file system does not tell.
  static std::optional<std::int64_t> born(const fs::path& path) {
    struct statx seen{};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BTIME, &seen) != 0 || !(seen.stx_mask & STATX_BTIME)) return {};
    return seen.stx_btime.tv_sec * 1'000'000'000 + seen.stx_btime.tv_nsec;
  }

  const fs::path folder = fs::path(testing::TempDir()) / ("written_files_" + std::to_string(::getpid()));
  WrittenFiles files;
};

TEST_F(WrittenFilesTest, KnowsAFileByWhateverNameItHas) {
  const int fd = open(folder / "out.log");
  files.opened(fd);
  fs::create_symlink(folder / "out.log", folder / "link");
  fs::create_hard_link(folder / "out.log", folder / "second");
  EXPECT_TRUE(knows(folder / "link"));
  EXPECT_TRUE(knows(folder / "second"));
  fs::rename(folder / "out.log", folder / "moved.log");
  EXPECT_TRUE(knows(folder / "moved.log"));
  EXPECT_FALSE(knows(folder / "out.log")) << "a new one";
  ::close(fd);
}

TEST_F(WrittenFilesTest, KnowsAFileThatWasClosedAndNotTheNextOneWithItsInode) {
  if (!born(folder)) GTEST_SKIP() << "this file system does not tell when a file was made";
  const int fd = open(folder / "out.log");
  files.opened(fd);
  files.closing(fd);
  ::close(fd);
  EXPECT_TRUE(knows(folder / "out.log"));
  const auto first = born(folder / "out.log");
  do {  // the file system's clock has ticks of some ms
    fs::remove(folder / "probe");
    ::close(open(folder / "probe"));
  } while (born(folder / "probe") == first);
  for (int i = 0; i < 100; ++i) {
    fs::remove(folder / "out.log");
    ASSERT_FALSE(knows(folder / "out.log"));
  }
}

TEST_F(WrittenFilesTest, ForgetsTheOldestThatIsClosedWhenThereAreTooMany) {
  const int held = open(folder / "held");
  files.opened(held);
  for (std::size_t i = 0; i <= WrittenFiles::most; ++i) {
    const int fd = open(folder / std::to_string(i));
    files.opened(fd);
    files.closing(fd);
    ::close(fd);
  }
  EXPECT_TRUE(knows(folder / "held"));
  EXPECT_FALSE(knows(folder / "0"));
  ::close(held);
}

}  // namespace
}  // namespace weir
