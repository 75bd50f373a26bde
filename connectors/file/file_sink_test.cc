#include "file_sink.h"
#include "file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::file {
namespace {

namespace fs = std::filesystem;
using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using conformance::Layout;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return (std::ostringstream() << in.rdbuf()).str();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// A disk whose next calls a test can make fail.
class BadDisk final : public Disk {
 public:
  struct Plan {
    std::uint64_t room = UINT64_MAX;  ///< bytes until it is full
    std::size_t short_write = SIZE_MAX;
    int write_error = 0, sync_error = 0, truncate_error = 0, rename_error = 0;
    int syncs = 0, opens = 0, folder_syncs = 0;
  };
  explicit BadDisk(Plan& plan) : plan_(plan) {}
  int open(const std::string& path) override {
    ++plan_.opens;
    return Disk::open(path);
  }
  ssize_t write(int fd, const iovec* parts, int n, std::uint64_t offset) override {
    if (plan_.write_error) return -plan_.write_error;
    std::string all;
    for (int i = 0; i < n; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    const auto size = std::min<std::uint64_t>({all.size(), plan_.short_write, plan_.room});
    if (size == 0) return -ENOSPC;
    if (plan_.room != UINT64_MAX) plan_.room -= size;
    const iovec part{all.data(), size};
    return Disk::write(fd, &part, 1, offset);
  }
  int sync(int fd) override {
    ++plan_.syncs;
    return plan_.sync_error ? -std::exchange(plan_.sync_error, 0) : Disk::sync(fd);
  }
  int truncate(int fd, std::uint64_t length) override {
    return plan_.truncate_error ? -std::exchange(plan_.truncate_error, 0) : Disk::truncate(fd, length);
  }
  int rename(const std::string& from, const std::string& to) override {
    return plan_.rename_error ? -plan_.rename_error : Disk::rename(from, to);
  }
  int sync_folder(const std::string& path) override {
    ++plan_.folder_syncs;
    return Disk::sync_folder(path);
  }

 private:
  Plan& plan_;
};

class FileSinkTest : public testing::Test {
 protected:
  FileSinkTest() { fs::create_directories(folder); }
  ~FileSinkTest() override { fs::remove_all(folder); }

  std::unique_ptr<FileSink> bad_sink() {
    auto sink = std::make_unique<FileSink>("out", options, std::make_unique<BadDisk>(plan));
    const auto opened = sink->open();
    EXPECT_TRUE(opened) << opened.error().message;
    return sink;
  }
  void write(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
  Options with_path(const std::string& to) {
    Options made;
    made.set("path", to);
    made.set("sync", std::string("commit"));
    return made;
  }
  static Delivered some(std::string_view prefix, std::size_t n = 3) {
    return Delivered(batch_of(json_events(prefix, n, 40), 1));
  }
  std::vector<std::string> texts(std::initializer_list<const char*> prefixes, std::size_t n = 3) {
    std::vector<std::string> all;
    for (const auto* prefix : prefixes) std::ranges::copy(json_events(prefix, n, 40), std::back_inserter(all));
    return all;
  }

  static std::string test_folder() {
    const char* of_parent = std::getenv("WEIR_FILE_SINK_TEST_FOLDER");
    return of_parent ? of_parent : testing::TempDir() + "file_sink_" + std::to_string(::getpid());
  }

  const std::string folder = test_folder();
  const std::string path = folder + "/deep/out.ndjson";
  Options options = with_path(path);
  BadDisk::Plan plan;
};

TEST_F(FileSinkTest, KeepsWhatEverySinkPromises) {
  Catalog catalog;
  add_to(catalog);
  for (const std::string sync : {"commit", "none"}) {
    int count = 0;
    conformance::SinkUnderTest under_test{.type = *catalog.sink("file"), .fresh = [&] {
                                            auto fresh = with_path(folder + "/" + sync + std::to_string(count++));
                                            fresh.set("sync", sync);
                                            return fresh;
                                          }};
    under_test.read_back = [](const Options& o) { return lines_of(o.text("path")); };
    under_test.as_stored = [](std::string_view event) {
      std::string stored(event);
      std::ranges::replace(stored, '\n', ' ');
      return stored;
    };
    under_test.refuses = {"plain\ntext", "{\"a\":\"x\ny\"}", "\n"};
    EXPECT_THAT(conformance::check_sink(under_test), IsEmpty());
  }
}

TEST_F(FileSinkTest, SyncsOnceForManyBatches) {
  auto sink = bad_sink();
  Delivered many;
  for (std::uint64_t i = 0; i < 50; ++i)
    many.add(batch_of(json_events("b", 100), i * 100, i % 2 ? Layout::array : Layout::lines));
  EXPECT_EQ(sink->deliver(many).outcome, Outcome::done);
  EXPECT_EQ(plan.syncs, 1);
  EXPECT_EQ(lines_of(path), many.texts());
}

TEST_F(FileSinkTest, FinishesShortWrites) {
  auto sink = bad_sink();
  plan.short_write = 7;
  Delivered group(batch_of(json_events("a", 30), 1, Layout::array));
  EXPECT_EQ(sink->deliver(group).outcome, Outcome::done);
  EXPECT_EQ(lines_of(path), group.texts());
}

TEST_F(FileSinkTest, UndoesAGroupThatDoesNotFitOnTheDisk) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  const auto before = contents(path);
  plan.room = 50;
  const auto failed = sink->deliver(some("b"));
  EXPECT_EQ(failed.outcome, Outcome::again);
  EXPECT_THAT(failed.error.message,
              HasSubstr("sink out: " + path + ": cannot write to it: No space left on device: free some space"));
  EXPECT_EQ(contents(path), before);
  plan.room = UINT64_MAX;
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(lines_of(path), texts({"a", "b"}));
}

TEST_F(FileSinkTest, UndoesAGroupLaterWhenItCannotBeUndoneAtOnce) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a", 5)).outcome, Outcome::done);
  plan.room = 100;
  plan.truncate_error = EIO;
  EXPECT_EQ(sink->deliver(some("long", 5)).outcome, Outcome::again);
  EXPECT_GT(contents(path).size(), 5u * 41);
  plan.room = UINT64_MAX;
  EXPECT_EQ(sink->deliver(some("b", 1)).outcome, Outcome::done);
  auto expected = texts({"a"}, 5);
  expected.push_back(json_events("b", 1, 40)[0]);
  EXPECT_EQ(lines_of(path), expected);
}

TEST_F(FileSinkTest, NeverBelievesADescriptorAfterAFailedSync) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  plan.sync_error = EIO;
  EXPECT_EQ(sink->deliver(some("b", 30)).outcome, Outcome::again);
  const int opens = plan.opens;
  EXPECT_EQ(sink->deliver(some("b", 30)).outcome, Outcome::done);
  EXPECT_EQ(plan.opens, opens + 1);
  auto expected = texts({"a"});
  std::ranges::copy(texts({"b"}, 30), std::back_inserter(expected));
  EXPECT_EQ(lines_of(path), expected);
}

TEST_F(FileSinkTest, LeavesAFileAloneThatReplacedItsOwnAfterAFailedSync) {
  auto sink = bad_sink();
  plan.sync_error = EIO;
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::again);
  fs::rename(path, path + ".moved");
  write("somebody else's line\nand another\n");
  EXPECT_EQ(sink->deliver(some("a", 1)).outcome, Outcome::done);
  EXPECT_THAT(lines_of(path), ElementsAre("somebody else's line", "and another", json_events("a", 1, 40)[0]));
}

TEST_F(FileSinkTest, CutsATornLine) {
  fs::create_directories(folder + "/deep");
  for (const std::string& tail :
       {std::string(R"({"id":1)"), std::string("{"), std::string("\"half"), std::string(20'000, '['),
        std::string("\0\0\0", 3), R"({"id":")" + std::string(100'000, 'x')}) {
    write("{\"id\":0}\n" + tail);
    EXPECT_EQ(bad_sink()->deliver(some("a", 1)).outcome, Outcome::done);
    EXPECT_THAT(lines_of(path), ElementsAre("{\"id\":0}", json_events("a", 1, 40)[0])) << tail.substr(0, 20);
  }
  write("{\"id\"");
  bad_sink();
  EXPECT_EQ(contents(path), "");
}

TEST_F(FileSinkTest, EndsALineThatIsWholeOrForeign) {
  fs::create_directories(folder + "/deep");
  for (const std::string tail : {"{\"id\":1}", "some text", "12"}) {
    write("{\"id\":0}\n" + tail);
    EXPECT_EQ(bad_sink()->deliver(some("a", 1)).outcome, Outcome::done);
    EXPECT_THAT(lines_of(path), ElementsAre("{\"id\":0}", tail, json_events("a", 1, 40)[0]));
  }
  write("{\"id\":1}");
  plan.sync_error = EIO;
  FileSink failing("out", options, std::make_unique<BadDisk>(plan));
  EXPECT_FALSE(failing.open());
  EXPECT_TRUE(failing.open());
  EXPECT_EQ(contents(path), "{\"id\":1}\n");
}

TEST_F(FileSinkTest, RefusesALastLineThatCannotBeItsOwn) {
  fs::create_directories(folder + "/deep");
  write(std::string(20'000'000, 'x'));
  FileSink sink("out", options);
  const auto opened = sink.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("longer than 16MiB"));
  EXPECT_EQ(fs::file_size(path), 20'000'000u);
}

TEST_F(FileSinkTest, RotatesBeforeAFileGrowsBeyondItsSize) {
  options.set("rotate_size", Bytes(300));
  auto sink = bad_sink();
  std::vector<std::string> all;
  for (int i = 0; i < 6; ++i) {
    const auto group = some("g" + std::to_string(i));
    EXPECT_EQ(sink->deliver(group).outcome, Outcome::done);
    std::ranges::copy(group.texts(), std::back_inserter(all));
  }
  std::vector<std::string> found;
  for (const auto* suffix : {".000001", ".000002", ""}) {
    EXPECT_LE(fs::file_size(path + suffix), 300u);
    std::ranges::copy(lines_of(path + suffix), std::back_inserter(found));
  }
  EXPECT_EQ(found, all);
  EXPECT_FALSE(fs::exists(path + ".000003"));
  EXPECT_EQ(plan.folder_syncs, 3);
}

TEST_F(FileSinkTest, DeletesRotatedFilesOnlyWhenToldHowManyToKeep) {
  options.set("rotate_size", Bytes(100));
  options.set("rotate_keep", std::uint64_t{2});
  auto sink = bad_sink();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(sink->deliver(some("g")).outcome, Outcome::done);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder + "/deep")) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("out.ndjson", "out.ndjson.000004", "out.ndjson.000005"));
}

TEST_F(FileSinkTest, CountsOnFromTheRotatedFilesItFinds) {
  fs::create_directories(folder + "/deep");
  write("{\"id\":0}\n");
  std::ofstream(path + ".000041") << "old";
  std::ofstream(path + ".gz") << "other";
  options.set("rotate_size", Bytes(10));
  EXPECT_EQ(bad_sink()->deliver(some("a")).outcome, Outcome::done);
  EXPECT_EQ(contents(path + ".000042"), "{\"id\":0}\n");
  EXPECT_EQ(contents(path + ".000041"), "old");
}

TEST_F(FileSinkTest, WaitsWhenItCannotRotate) {
  options.set("rotate_size", Bytes(10));
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  plan.rename_error = EACCES;
  const auto failed = sink->deliver(some("b"));
  EXPECT_EQ(failed.outcome, Outcome::again);
  EXPECT_THAT(failed.error.message, HasSubstr("cannot rename it"));
  plan.rename_error = 0;
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(lines_of(path), texts({"b"}));
}

TEST_F(FileSinkTest, KeepsASecondWriterOut) {
  auto first = bad_sink();
  FileSink second("other", options);
  const auto opened = second.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("sink other: " + path + ": cannot open it: in use"));
  first->close();
  EXPECT_TRUE(second.open());
}

TEST_F(FileSinkTest, OpensRegularFilesOnly) {
  FileSink null("out", with_path("/dev/null"));
  const auto opened = null.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("must be a regular file"));
  fs::create_directories(path);
  EXPECT_FALSE(FileSink("out", options).open());
}

TEST_F(FileSinkTest, DeclaresDurableOnlyWhenItSyncs) {
  Catalog catalog;
  add_to(catalog);
  EXPECT_EQ(catalog.sink("file")->ack(options), SinkAck::durable);
  options.set("sync", std::string("none"));
  EXPECT_EQ(catalog.sink("file")->ack(options), SinkAck::sent);
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  EXPECT_EQ(plan.syncs, 0);
}

class KilledFileSinkTest : public FileSinkTest, public testing::WithParamInterface<const char*> {
 protected:
  std::vector<std::string> found() {
    std::vector<std::string> all;
    for (const auto* suffix : {".000001", ".000002", ".000003", ""})
      if (fs::exists(path + suffix)) std::ranges::copy(lines_of(path + suffix), std::back_inserter(all));
    return all;
  }
  [[noreturn]] void write_until_killed(const std::string& acked_path) {
    FileSink sink("out", options);
    if (!sink.open()) std::exit(1);
    for (int i = 0; i < 20; ++i) {
      const auto group = some("g" + std::to_string(i));
      if (sink.deliver(group).outcome != Outcome::done) std::exit(2);
      std::ofstream acked(acked_path, std::ios::app);
      for (const auto& text : group.texts()) acked << text << '\n';
    }
    std::exit(3);
  }
};

// The child is a new run of this binary, because a crash point reads its target once in a process.
TEST_P(KilledFileSinkTest, LeavesWholeAcknowledgedLines) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  options.set("rotate_size", Bytes(300));
  ::setenv("WEIR_FILE_SINK_TEST_FOLDER", folder.c_str(), 1);
  ::setenv("WEIR_CRASH_AT", (std::string("file.") + GetParam() + ":2").c_str(), 1);
  const auto acked_path = folder + "/acked";
  EXPECT_EXIT(write_until_killed(acked_path), testing::KilledBySignal(SIGKILL), "");
  ::unsetenv("WEIR_CRASH_AT");
  ::unsetenv("WEIR_FILE_SINK_TEST_FOLDER");
  bad_sink();
  auto all = found();
  const auto acked = lines_of(acked_path);
  ASSERT_GE(acked.size(), 3u);
  ASSERT_GE(all.size(), acked.size());
  EXPECT_LE(all.size(), acked.size() + 3);
  all.resize(acked.size());
  EXPECT_EQ(all, acked);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, KilledFileSinkTest,
                         testing::Values("before_write", "after_write", "after_sync", "before_rotate", "after_rename",
                                         "after_dir_sync"),
                         [](const auto& point) { return std::string(point.param); });

}  // namespace
}  // namespace weir::file
