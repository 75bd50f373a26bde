#include "file_sink.h"
#include "file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
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

/// What zcat says: gzread goes over all members; an empty file holds none. A damaged file gives one line that says so.
std::vector<std::string> packed_lines_of(const std::string& path) {
  std::vector<std::string> lines;
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (!file) return lines;
  std::string text, piece(65'536, '\0');
  int n = 0;
  while ((n = ::gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0)
    text.append(piece, 0, static_cast<std::size_t>(n));
  int error = Z_OK;
  const std::string why = ::gzerror(file, &error);
  ::gzclose(file);
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (n < 0 || error != Z_OK) lines.push_back("damaged: " + why);
  return lines;
}

/// Text that deflate cannot make smaller.
std::vector<std::string> noise(std::size_t n, std::size_t size) {
  std::mt19937_64 dice(7);
  std::vector<std::string> events;
  for (std::size_t i = 0; i < n; ++i) {
    std::string event = "\"";
    while (event.size() + 1 < size) event += static_cast<char>('a' + dice() % 26);
    events.push_back(event + '"');
  }
  return events;
}

/// A disk whose next calls a test can make fail.
class BadDisk final : public Disk {
 public:
  struct Plan {
    std::uint64_t room = UINT64_MAX;  ///< bytes until it is full
    std::size_t short_write = SIZE_MAX;
    int write_error = 0, sync_error = 0, truncate_error = 0, rename_error = 0;
    int look_error = 0, list_error = 0;  ///< until they are taken back
    int syncs = 0, opens = 0, folder_syncs = 0;
    std::function<void()> after_write, after_sync;  ///< what others do meanwhile, once
  };
  explicit BadDisk(Plan& plan) : plan_(plan) {}
  int open(const std::string& path) override {
    ++plan_.opens;
    return Disk::open(path);
  }
  ssize_t write(int fd, const iovec* parts, int n) override {
    if (plan_.write_error) return -plan_.write_error;
    std::string all;
    for (int i = 0; i < n; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    const auto size = std::min<std::uint64_t>({all.size(), plan_.short_write, plan_.room});
    if (size == 0) return -ENOSPC;
    if (plan_.room != UINT64_MAX) plan_.room -= size;
    const iovec part{all.data(), size};
    const auto written = Disk::write(fd, &part, 1);
    if (plan_.after_write) std::exchange(plan_.after_write, nullptr)();
    return written;
  }
  int sync(int fd) override {
    ++plan_.syncs;
    if (plan_.sync_error) return -std::exchange(plan_.sync_error, 0);
    const int synced = Disk::sync(fd);
    if (plan_.after_sync) std::exchange(plan_.after_sync, nullptr)();
    return synced;
  }
  using Disk::look;
  std::expected<std::optional<FileLook>, int> look(const std::string& path) override {
    if (plan_.look_error) return std::unexpected(plan_.look_error);
    return Disk::look(path);
  }
  std::expected<std::vector<std::string>, int> list(const std::string& folder) override {
    if (plan_.list_error) return std::unexpected(plan_.list_error);
    return Disk::list(folder);
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
  int count = 0;
  for (const std::string sync : {"commit", "none", "gzip"}) {
    const bool packed = sync == "gzip";
    conformance::SinkUnderTest under_test{.type = *catalog.sink("file"), .fresh = [&] {
                                            auto fresh = with_path(folder + "/" + sync + std::to_string(count++));
                                            fresh.set("sync", packed ? "commit" : sync);
                                            fresh.set("compression", std::string(packed ? "gzip" : "none"));
                                            return fresh;
                                          }};
    under_test.read_back = [&](const Options& o) {
      return packed ? packed_lines_of(o.text("path")) : lines_of(o.text("path"));
    };
    under_test.as_stored = [](std::string_view event) {
      std::string stored(event);
      std::ranges::replace(stored, '\n', ' ');
      return stored;
    };
    under_test.refuses = {"plain\ntext", "{\"a\":\"x\ny\"}", "\n"};
    EXPECT_THAT(conformance::check_sink(under_test), IsEmpty());
  }
}

TEST_F(FileSinkTest, AHangupMakesItGoOnInTheFileThatHasItsNameByThen) {
  auto sink = bad_sink();
  ASSERT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  fs::rename(path, path + ".1");
  EXPECT_THAT(sink->on_hangup().value_or(""), HasSubstr("again before its next delivery"));
  ASSERT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  ASSERT_TRUE(sink->on_hangup());  // and nothing was moved
  const int opens = plan.opens;
  ASSERT_EQ(sink->deliver(some("c")).outcome, Outcome::done);
  EXPECT_EQ(plan.opens, opens + 1);
  EXPECT_EQ(lines_of(path + ".1"), texts({"a"}));
  EXPECT_EQ(lines_of(path), texts({"b", "c"}));
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
  for (const std::string tail : {"{\"id\":1}", "some text", "12", R"({"wei":123456789012345678901234567890})",
                                 "[ERROR] the disk failed", "\"quoted\" text", "[main] started"}) {
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

TEST_F(FileSinkTest, KeepsATornLineBesideTheFile) {
  fs::create_directories(folder + "/deep");
  write("{\"id\":0}\n{\"id\":1");
  bad_sink();
  write("{\"id\":0}\n{\"id\":2");
  bad_sink();
  EXPECT_EQ(contents(path), "{\"id\":0}\n");
  EXPECT_EQ(contents(path + ".torn"), "{\"id\":1\n{\"id\":2\n");
}

TEST_F(FileSinkTest, EndsATornLineThatItCannotKeepElsewhere) {
  fs::create_directories(path + ".torn");
  write("{\"id\":1");
  EXPECT_EQ(bad_sink()->deliver(some("a", 1)).outcome, Outcome::done);
  EXPECT_THAT(lines_of(path), ElementsAre("{\"id\":1", json_events("a", 1, 40)[0]));
}

/// What others do to the file between two deliveries, and while one is written. Plain, and packed.
class TakenFileSinkTest : public FileSinkTest, public testing::WithParamInterface<bool> {
 protected:
  TakenFileSinkTest() { options.set("compression", std::string(GetParam() ? "gzip" : "none")); }
  std::vector<std::string> found(const std::string& at) { return GetParam() ? packed_lines_of(at) : lines_of(at); }
  void logrotate() { fs::rename(path, path + ".1"); }
};

TEST_P(TakenFileSinkTest, MakesAFileAnewThatWasDeleted) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  fs::remove_all(folder);
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(sink->deliver(some("c")).outcome, Outcome::done);
  EXPECT_EQ(found(path), texts({"b", "c"}));
}

TEST_P(TakenFileSinkTest, LeavesARenamedFileAndBeginsANewOne) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  logrotate();
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(found(path + ".1"), texts({"a"}));
  EXPECT_EQ(found(path), texts({"b"}));
}

TEST_P(TakenFileSinkTest, WritesAGroupAgainWhoseFileWasRenamedMeanwhile) {
  for (auto* moment : {&plan.after_write, &plan.after_sync}) {
    fs::remove_all(folder);
    auto sink = bad_sink();
    EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
    *moment = [&] { logrotate(); };
    EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
    EXPECT_EQ(found(path + ".1"), texts({"a"}));
    EXPECT_EQ(found(path), texts({"b"}));
  }
}

TEST_P(TakenFileSinkTest, WritesAGroupAgainWhoseFileWasEmptiedMeanwhile) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  plan.after_sync = [&] { fs::resize_file(path, 0); };
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(found(path), texts({"b"}));
}

TEST_P(TakenFileSinkTest, BeginsAtTheStartOfAFileThatWasEmptied) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  fs::resize_file(path, 0);
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(found(path), texts({"b"}));
}

TEST_P(TakenFileSinkTest, AnswersNothingWhileItCannotSeeItsFile) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  for (const bool late : {false, true}) {
    if (late)
      plan.after_sync = [&] { plan.look_error = EACCES; };
    else
      plan.look_error = EACCES;
    const auto blind = sink->deliver(some("b"));
    EXPECT_EQ(blind.outcome, Outcome::again);
    EXPECT_THAT(blind.error.message, HasSubstr("cannot look whether it is still there: Permission denied"));
    plan.look_error = 0;
  }
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(found(path), texts({"a", "b"}));
  EXPECT_EQ(plan.opens, 1);
}

TEST_P(TakenFileSinkTest, GivesUpForNowWhenItsFileIsTakenAwayAgainAndAgain) {
  auto sink = bad_sink();
  int taken = 0;
  std::function<void()> take = [&] {
    logrotate();
    if (++taken < 5) plan.after_sync = take;
  };
  plan.after_sync = take;
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::again);
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  EXPECT_EQ(found(path), texts({"a"}));
}

INSTANTIATE_TEST_SUITE_P(PlainAndPacked, TakenFileSinkTest, testing::Bool(),
                         [](const auto& packed) { return packed.param ? "packed" : "plain"; });

TEST_F(FileSinkTest, KeepsWhatAnotherProgramAppends) {
  auto sink = bad_sink();
  const auto note = [&](const char* text) { std::ofstream(path, std::ios::app) << text; };
  EXPECT_EQ(sink->deliver(some("a", 1)).outcome, Outcome::done);
  note("a note\n");
  EXPECT_EQ(sink->deliver(some("b", 1)).outcome, Outcome::done);
  note("{\"half\":");
  EXPECT_EQ(sink->deliver(some("c", 1)).outcome, Outcome::done);
  plan.after_sync = [&] { note("late\n"); };
  EXPECT_EQ(sink->deliver(some("d", 1)).outcome, Outcome::done);
  EXPECT_EQ(sink->deliver(some("e", 1)).outcome, Outcome::done);
  const auto one = [](const char* prefix) { return json_events(prefix, 1, 40)[0]; };
  EXPECT_THAT(lines_of(path),
              ElementsAre(one("a"), "a note", one("b"), "{\"half\":", one("c"), one("d"), "late", one("e")));
}

TEST_F(FileSinkTest, WritesAGroupAgainIntoWhichAnotherProgramWrote) {
  auto sink = bad_sink();
  plan.short_write = 50;  // in the second of its lines
  plan.after_write = [&] { std::ofstream(path, std::ios::app) << "a note\n"; };
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  auto lines = lines_of(path);
  ASSERT_GE(lines.size(), 4u);
  EXPECT_EQ(std::vector(lines.end() - 3, lines.end()), texts({"a"}));
  EXPECT_THAT(contents(path), HasSubstr("a note\n"));
}

TEST_F(FileSinkTest, NeverCutsWhatAnotherProgramWroteBehindAGroupThatFailed) {
  auto sink = bad_sink();
  plan.room = 50;
  plan.after_write = [&] { std::ofstream(path, std::ios::app) << "a note\n"; };
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::again);
  plan.room = UINT64_MAX;
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  EXPECT_THAT(contents(path), HasSubstr("a note\n"));
  const auto lines = lines_of(path);
  EXPECT_EQ(std::vector(lines.end() - 3, lines.end()), texts({"a"}));
}

TEST_F(FileSinkTest, NeitherRotatesNorDeletesByAListingThatFailed) {
  options.set("rotate_size", Bytes(10));
  options.set("rotate_keep", std::uint64_t{2});
  auto sink = bad_sink();
  for (const char* prefix : {"a", "b", "c", "d"}) EXPECT_EQ(sink->deliver(some(prefix)).outcome, Outcome::done);
  plan.list_error = EMFILE;
  const auto failed = sink->deliver(some("e"));
  EXPECT_EQ(failed.outcome, Outcome::again);
  EXPECT_THAT(failed.error.message, HasSubstr("cannot list its folder to rotate it: Too many open files"));
  plan.list_error = 0;
  EXPECT_EQ(sink->deliver(some("e")).outcome, Outcome::done);
  EXPECT_EQ(lines_of(path + ".000003"), texts({"c"}));
  EXPECT_EQ(lines_of(path + ".000004"), texts({"d"}));
  EXPECT_EQ(lines_of(path), texts({"e"}));
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

TEST_F(FileSinkTest, LeavesNumberedFilesThatItDidNotMake) {
  fs::create_directories(folder + "/deep");
  options.set("rotate_size", Bytes(10));
  options.set("rotate_keep", std::uint64_t{2});
  const std::vector<std::string> others{".1", ".2", ".20261130", ".1764500000", ".0000001", ".18446744073709551615"};
  for (const auto& name : others) std::ofstream(path + name) << "other";
  auto sink = bad_sink();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sink->deliver(some("g")).outcome, Outcome::done);
  for (const auto& name : others) EXPECT_EQ(contents(path + name), "other") << name;
  for (const auto* own : {".000003", ".000004"}) EXPECT_TRUE(fs::exists(path + own)) << own;
  EXPECT_FALSE(fs::exists(path + ".000002"));
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

class PackedFileSinkTest : public FileSinkTest {
 protected:
  PackedFileSinkTest() {
    fs::create_directories(folder + "/deep");
    options.set("compression", std::string("gzip"));
  }
  void deliver(std::string_view prefix) { EXPECT_EQ(bad_sink()->deliver(some(prefix)).outcome, Outcome::done); }
  std::string why_not_opened() {
    FileSink sink("out", options);
    const auto opened = sink.open();
    return opened ? "it was opened" : opened.error().message;
  }
};

TEST_F(PackedFileSinkTest, MakesOneMemberOfADelivery) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  EXPECT_EQ(packed_lines_of(path), texts({"a"}));
  const auto first = contents(path);
  EXPECT_EQ(sink->deliver(some("b")).outcome, Outcome::done);
  EXPECT_EQ(packed_lines_of(path), texts({"a", "b"}));
  EXPECT_TRUE(contents(path).starts_with(first));
  EXPECT_EQ(contents(path).substr(first.size(), 3), "\x1f\x8b\x08");
  EXPECT_EQ(plan.syncs, 2);
}

TEST_F(PackedFileSinkTest, WritesADeliveryThatIsLargerThanItsBuffer) {
  plan.short_write = 50'001;
  auto sink = bad_sink();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(sink->deliver(Delivered(batch_of(noise(100, 5'000), 1, Layout::array))).outcome, Outcome::done);
  auto expected = noise(100, 5'000);
  std::ranges::copy(noise(100, 5'000), std::back_inserter(expected));
  EXPECT_GT(fs::file_size(path), 500'000u);
  EXPECT_EQ(packed_lines_of(path), expected);
}

TEST_F(PackedFileSinkTest, TakesItsLevel) {
  std::vector<std::string> events;
  for (int i = 0; i < 2'000; ++i) events.push_back("{\"id\":" + std::to_string(i * i % 7919) + ",\"name\":\"event\"}");
  std::vector<std::uint64_t> sizes;
  for (const char* level : {"1", "9"}) {
    fs::remove(path);
    options.set("level", std::string(level));
    EXPECT_EQ(bad_sink()->deliver(Delivered(batch_of(events, 1))).outcome, Outcome::done);
    EXPECT_EQ(packed_lines_of(path), events);
    sizes.push_back(fs::file_size(path));
  }
  EXPECT_LT(sizes[1], sizes[0]);
}

TEST_F(PackedFileSinkTest, CutsATornMemberWhereverItIsTorn) {
  deliver("a");
  const auto whole = contents(path);
  deliver("b");
  const auto both = contents(path);
  for (auto size = whole.size(); size < both.size(); ++size) {
    write(both.substr(0, size));
    bad_sink();
    ASSERT_EQ(contents(path), whole) << "torn at " << size;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    bad_sink();
    ASSERT_EQ(contents(path), "") << "torn at " << size;
  }
  write(both);
  bad_sink();
  EXPECT_EQ(contents(path), both);
}

TEST_F(PackedFileSinkTest, CutsTheZerosOfAPowerLoss) {
  deliver("a");
  const auto whole = contents(path);
  for (const std::size_t zeros : {1, 7, 100'000}) {
    write(whole + std::string(zeros, '\0'));
    deliver("b");
    EXPECT_EQ(packed_lines_of(path), texts({"a", "b"}));
    write(whole + whole.substr(0, 20) + std::string(zeros, '\0'));
    bad_sink();
    EXPECT_EQ(contents(path), whole);
  }
}

TEST_F(PackedFileSinkTest, CutsNothingThatMayHaveBeenConfirmed) {
  deliver("a");
  const auto first = contents(path);
  deliver("b");
  auto damaged = contents(path);
  damaged[first.size() / 2] = static_cast<char>(damaged[first.size() / 2] ^ 0x55);
  write(damaged);
  EXPECT_THAT(why_not_opened(), HasSubstr(path + ": it is damaged at byte 0 and more follows: move it away"));
  EXPECT_EQ(contents(path), damaged);
  write(first + "somebody's text");
  EXPECT_THAT(why_not_opened(), HasSubstr("is not gzip: move it away"));
  write("{\"id\":0}\n");
  EXPECT_THAT(why_not_opened(), HasSubstr("it is not gzip: choose another path, or compression: none"));
  EXPECT_EQ(contents(path), "{\"id\":0}\n");
}

TEST_F(PackedFileSinkTest, AppendsNoPlainLinesToAPackedFile) {
  deliver("a");
  options.set("compression", std::string("none"));
  EXPECT_THAT(why_not_opened(), HasSubstr("it is gzip: choose another path, or compression: gzip"));
}

TEST_F(PackedFileSinkTest, UndoesAMemberThatDoesNotFitOnTheDisk) {
  auto sink = bad_sink();
  EXPECT_EQ(sink->deliver(some("a")).outcome, Outcome::done);
  const auto before = contents(path);
  const Delivered large(batch_of(noise(100, 5'000), 1));
  for (const std::uint64_t room : {1, 10, 65'536, 65'537, 200'000}) {
    plan.room = room;
    EXPECT_EQ(sink->deliver(large).outcome, Outcome::again);
    EXPECT_EQ(contents(path), before);
  }
  plan.room = UINT64_MAX;
  plan.sync_error = EIO;
  EXPECT_EQ(sink->deliver(large).outcome, Outcome::again);
  EXPECT_EQ(sink->deliver(large).outcome, Outcome::done);
  auto expected = texts({"a"});
  std::ranges::copy(noise(100, 5'000), std::back_inserter(expected));
  EXPECT_EQ(packed_lines_of(path), expected);
}

TEST_F(PackedFileSinkTest, RotatesBeforeAPackedFileGrowsBeyondItsSize) {
  options.set("rotate_size", Bytes(400));
  auto sink = bad_sink();
  std::vector<std::string> all, found;
  for (int i = 0; i < 12; ++i) {
    const auto group = some("g" + std::to_string(i));
    EXPECT_EQ(sink->deliver(group).outcome, Outcome::done);
    std::ranges::copy(group.texts(), std::back_inserter(all));
  }
  std::size_t files = 0;
  for (int i = 1; i <= 12; ++i) {
    const auto name = path + (i == 12 ? "" : ".0000" + std::string(i < 10 ? "0" : "") + std::to_string(i));
    if (!fs::exists(name)) continue;
    ++files;
    EXPECT_LE(fs::file_size(name), 400u);
    std::ranges::copy(packed_lines_of(name), std::back_inserter(found));
  }
  EXPECT_EQ(found, all);
  EXPECT_GE(files, 3u);
  EXPECT_LE(files, 6u);  // of more than one delivery each: their packed size counts
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
