#include "gateway/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::gateway {
namespace {

using ::testing::HasSubstr;

class AccessLogTest : public ::testing::Test {
 protected:
  AccessLogTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-log-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = folder + "/access.log";
  }
  ~AccessLogTest() override { std::filesystem::remove_all(folder); }
  static std::string read(const std::string& file) {
    std::stringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
  }
  std::string folder, path;
};

TEST_F(AccessLogTest, ALineIsJsonWithoutWhatCouldBreakOutOfIt) {
  const std::string line = to_json({.time = WallTime(std::chrono::milliseconds(1'700'000'000'123)),
                                    .path = "/a\"\n\x01",
                                    .status = 200,
                                    .sent = 7,
                                    .all = std::chrono::microseconds(1500)});
  EXPECT_THAT(line, HasSubstr(R"("time":"2023-11-14T22:13:20.123Z")"));
  EXPECT_THAT(line, HasSubstr(R"("path":"/a\"\n\u0001")"));
  EXPECT_THAT(line, HasSubstr(R"("sent":7,"head_ms":0.000,"ms":1.500})"));
  EXPECT_LT(to_json({.path = std::string(5000, 'x')}).size(), 1500u) << "of a path at most 1024 bytes";
}

TEST_F(AccessLogTest, WhatWasAddedIsWrittenByTheEndAndNobodyElseMayReadIt) {
  {
    AccessLog log({.path = path}, Rng(1));
    ASSERT_TRUE(log.open());
    for (int i = 0; i < 100; ++i) log.add({.id = std::to_string(i)});
  }
  const std::string all = read(path);
  EXPECT_EQ(std::ranges::count(all, '\n'), 100);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(AccessLogTest, AFileThatWasMovedIsFollowedByANewOne) {
  {
    AccessLog log({.path = path}, Rng(1));
    ASSERT_TRUE(log.open());
    log.add({.id = "before"});
    while (log.stats().written == 0) std::this_thread::yield();
    std::filesystem::rename(path, path + ".1");
    ASSERT_TRUE(log.reopen());
    log.add({.id = "after"});
  }
  EXPECT_THAT(read(path + ".1"), HasSubstr("before"));
  EXPECT_THAT(read(path), HasSubstr("after"));
}

TEST_F(AccessLogTest, ADiskThatDoesNotKeepUpCostsLinesAndTheyAreCounted) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread reader;
  AccessLog::Stats stats;
  {
    std::ifstream in;
    std::thread opens([&] { in.open(path); });  // a pipe opens when both ends do
    AccessLog log({.path = path}, Rng(1));
    ASSERT_TRUE(log.open());
    opens.join();
    const std::string id(1000, 'x');
    for (int i = 0; i < 2000; ++i) log.add({.id = id});  // nobody reads
    stats = log.stats();
    EXPECT_GT(stats.dropped, 1000u);
    reader = std::thread([&] { in.ignore(std::numeric_limits<std::streamsize>::max()); });
    while (log.stats().written + log.stats().dropped < 2000) std::this_thread::yield();
    log.add({.id = "again"});
    std::filesystem::remove(path);
    ASSERT_TRUE(log.reopen());  // the last writer of the pipe goes, so its reader ends
    reader.join();
  }
}

TEST_F(AccessLogTest, AFolderThatIsNotThereIsNamed) {
  AccessLog log({.path = folder + "/none/access.log"}, Rng(1));
  const auto opened = log.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("/none/access.log: cannot be opened to append: No such file"));
}

TEST_F(AccessLogTest, AShareIsTold) {
  AccessLog none({.path = path, .sample = 0}, Rng(1)), some({.path = path, .sample = 0.5}, Rng(1));
  int told = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(none.wants());
    told += some.wants() ? 1 : 0;
  }
  EXPECT_GT(told, 400);
  EXPECT_LT(told, 600);
}

}  // namespace
}  // namespace weir::gateway
