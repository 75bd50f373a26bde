#include "file_source.h"
#include "checkpoint.h"
#include "log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weir/base/sanitizers_for_test.h>
#include <weir/base/until_for_test.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/source_check.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "hanging_disk_for_test.h"
#include "names.h"
#include "written_disk.h"

namespace weir::file {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Keeps batches until the test ends them, as a slow sink does, and takes dead letters when told to.
class SlowOutput final : public SourceOutput {
 public:
  explicit SlowOutput(const Context& context) : context_(context) {}
  ~SlowOutput() override { settle_all(Fate::abandoned); }
  bool holds = false, takes_dead_letters = false;
  int takes = -1;  // so many more batches, then it is paused; negative: any number
  std::vector<std::string> events, dead;
  std::vector<Priority> priorities;
  Attributes read;                   // what the flow behind it reads
  std::vector<std::string> origins;  // of each event: file@offset
  std::vector<Batch> held;
  std::uint64_t too_large = 0;
  void settle_all(Fate fate) {
    for (Batch& batch : held) batch.settle(fate);
    held.clear();
  }

  Admitted<Ticket> admit(Bytes n, Priority, flow::BriefHold::HeldUnit*) override { return reserve(n); }
  Admitted<Ticket> reserve(Bytes n) override { return budget_.try_take(n); }
  Bytes cost(std::size_t bytes, std::size_t count) const override { return block_size(bytes, count, 1); }
  bool paused(Priority) const override { return takes == 0; }
  bool ready(Priority) const override { return true; }
  bool reads(Attribute attribute) const override { return read.has(attribute); }
  void push(Batch batch, Ticket) override {
    if (takes > 0) --takes;
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      events.emplace_back(batch[i]);
      priorities.push_back(batch.priority());
      if (const auto& origin = batch.info().origin)
        origins.push_back(origin->file + "@" + std::to_string(origin->offset(batch.number(i)).value_or(0)));
    }
    held.push_back(std::move(batch));
    if (!holds) settle_all(Fate::stored);
  }
  void add(std::string_view, Priority, Receipt*, Ticket) override {}
  void flush() override {}
  bool has_dead_letters() const override { return takes_dead_letters; }
  bool dead_letters_ready() const override { return takes_dead_letters; }
  void dead_letter(std::string_view event, Reason, std::string_view why, std::optional<EventPosition>,
                   Receipt* receipt) override {
    dead.push_back(std::string(why) + "|" + std::string(event));
    receipt->settle(1, Fate::dead_lettered);
  }
  std::uint64_t next_ids(std::uint32_t n) override { return std::exchange(next_id_, next_id_ + n); }
  const Context& context() const override { return context_; }
  void refused(std::uint64_t n, Reason reason) override { too_large += reason == Reason::event_too_large ? n : 0; }
  std::string_view why(Reason) const override { return {}; }

 private:
  const Context& context_;
  Budget budget_{64_MiB};
  std::uint64_t next_id_ = 1;
};

class FileSourceTest : public testing::Test {
 protected:
  FileSourceTest() {
    log::set_level(log::Level::off);
    fs::create_directories(folder);
    options.set("path", path);
    options.set("mode", std::string("follow"));
    options.set("poll", Duration(1ms));
  }
  ~FileSourceTest() override {
    close();
    fs::remove_all(folder);
  }

  void open(Level acks = Level::stored, InputDisk& disk = system_input_disk()) {
    source = source_type(disk, true).make({"in", options, acks, priorities, context});
    const auto opened = source->open();
    ASSERT_TRUE(opened) << opened.error().message;
    reactor = std::make_unique<boost::asio::io_context>();
    output = std::make_unique<SlowOutput>(context);
    output->takes_dead_letters = dead_letters;
    output->read = read;
    intake = source->intake({*reactor, 0, *output});
    intake->start();
    run();
  }
  void run(Duration time = 10ms) {
    const auto step = std::max<Duration>(5ms, time / 20);
    for (Duration passed{0}; passed < time; passed += step) {
      clock.advance(step);
      reactor->restart();
      reactor->run_for(std::chrono::milliseconds(4));
    }
  }
  /// However long its place takes to be saved.
  bool becomes_quiet() {
    return until([&] { return intake->quiet(); }, [&] { run(5ms); });
  }
  /// As a stop does it; what is held then is abandoned.
  void close() {
    if (!intake) return;
    intake->stop(1s);
    if (output) output->settle_all(Fate::abandoned);
    // What its own thread still has on the way comes to the reactor in real time.
    const auto waits = boost::asio::make_work_guard(*reactor);
    EXPECT_TRUE(becomes_quiet());
    intake.reset();
    output.reset();
    source.reset();
  }
  std::string open_error() {
    auto made = source_type().make({"in", options, Level::stored, priorities, context});
    const auto opened = made->open();
    return opened ? "" : opened.error().message;
  }
  void write(const std::string& text, const std::string& to) { std::ofstream(to, std::ios::app) << text; }
  void write(const std::string& text) { write(text, path); }
  std::vector<std::string> taken() { return std::exchange(output->events, {}); }

  const std::string folder = testing::TempDir() + "file_source_" + std::to_string(::getpid());
  const std::string path = folder + "/app.log";
  ManualClock clock;
  Context context{clock};
  Options options;
  PriorityRule priorities;
  bool dead_letters = false;
  Attributes read;
  std::unique_ptr<Source> source;
  std::unique_ptr<boost::asio::io_context> reactor;
  std::unique_ptr<SlowOutput> output;
  std::unique_ptr<Intake> intake;
};

/// What a sink of this process does.
class Writer {
 public:
  Writer(const Context& context, const std::string& path) : disk_(context.written()), fd_(disk_.open(path)) {}
  ~Writer() { disk_.close(fd_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void write(std::string text) {
    const iovec piece{text.data(), text.size()};
    EXPECT_GT(disk_.write(fd_, &piece, 1), 0);
  }

 private:
  WrittenDisk disk_;
  int fd_;
};

TEST_F(FileSourceTest, ReadsNothingThatItsProcessWritesWhateverItsName) {
  options.set("path", folder + "/*.log");
  options.set("rotate_wait", Duration(5ms));
  Writer before(context, folder + "/elsewhere");
  fs::create_hard_link(folder + "/elsewhere", folder + "/link.log");
  before.write("own 1\n");
  write("1\n");
  open();
  run(100ms);
  EXPECT_THAT(taken(), ElementsAre("1"));
  Writer later(context, folder + "/later.log");
  later.write("own 2\n");
  fs::create_symlink("later.log", folder + "/symbolic.log");
  write("2\n");
  run(200ms);
  EXPECT_THAT(taken(), ElementsAre("2"));
  fs::rename(folder + "/later.log", folder + "/rotated.log");
  later.write("own 3\n");
  write("3\n");
  run(200ms);
  EXPECT_THAT(taken(), ElementsAre("3"));
  close();
  open();
  write("4\n");
  run(100ms);
  EXPECT_THAT(taken(), ElementsAre("4"));
}

TEST_F(FileSourceTest, ReadsOnNothingThatASinkOfItsProcessOpensLater) {
  write("1\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("1"));
  Writer late(context, path);
  run(100ms);
  late.write("own\n");
  run(200ms);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(FileSourceTest, NeverReadsItsCheckpointThroughALink) {
  fs::create_directories(folder + "/real");
  fs::create_directory_symlink("real", folder + "/link");
  options.set("path", folder + "/link/*");
  options.set("checkpoint", folder + "/real/place");
  write("1\n", folder + "/real/a");
  open();
  for (int i = 0; i < 20; ++i) run(100ms);
  EXPECT_THAT(taken(), ElementsAre("1"));
  close();
  open();
  run(100ms);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(FileSourceTest, KeepsWhatEverySourcePromises) {
  for (int i = 0; i < 500; ++i) write("line " + std::to_string(i) + "\n");
  auto type = source_type();
  type.make = [&](const SourceSetup& setup) {
    fs::remove(folder + "/.app.log.checkpoint");  // each trial begins anew
    return source_type().make(setup);
  };
  const auto step = [](ManualClock& given) { given.advance(20ms); };
  for (const char* mode : {"read", "follow"}) {
    options.set("mode", std::string(mode));
    EXPECT_THAT(conformance::check_source({.type = type, .options = options, .events = 500, .step = step}), IsEmpty());
  }
}

TEST_F(FileSourceTest, LeavesALineUnreadUntilItHasEnded) {
  write("one\n\ntw");
  open();
  EXPECT_THAT(taken(), ElementsAre("one"));
  write("o\nthree");
  run();
  EXPECT_THAT(taken(), ElementsAre("two"));
}

TEST_F(FileSourceTest, SaysWhereEachLineBeginsWhenSomebodyReadsIt) {
  write("one\r\n\ntwo\n");
  open();
  EXPECT_THAT(output->origins, IsEmpty()) << "nobody asked";
  read.add(Attribute::offset);
  close();
  write("three\nfour\n");
  open();
  EXPECT_THAT(output->origins, ElementsAre(path + "@10", path + "@16"));
}

TEST_F(FileSourceTest, SaysWhereLinesOfSeveralPrioritiesBegin) {
  priorities.path = ".p";
  priorities.map = {{"h", Priority::high}};
  read.add(Attribute::offset);
  write("{}\n{\"p\":\"h\"}\n{}\n");
  open();
  EXPECT_THAT(taken(), ElementsAre(R"({"p":"h"})", "{}", "{}"));
  EXPECT_THAT(output->origins, ElementsAre(path + "@3", path + "@0", path + "@13"));
}

TEST_F(FileSourceTest, TakesTheLastLineWithoutItsEndWhenAFileIsReadOnce) {
  options.set("mode", std::string("read"));
  write("one\ntwo");
  open();
  EXPECT_THAT(taken(), ElementsAre("one", "two"));
  EXPECT_TRUE(becomes_quiet());
}

TEST_F(FileSourceTest, GoesOnAfterARestartWhereEverythingWasSettled) {
  write("one\ntwo\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("one", "two"));
  close();
  write("three\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("three"));
}

TEST_F(FileSourceTest, ReadsAgainAfterARestartWhatWasNotSettled) {
  write("one\n");
  open();
  run();
  output->holds = true;
  write("two\n");
  run();
  write("three\n");
  run();
  ASSERT_EQ(output->held.size(), 2u);
  output->held.back().settle(Fate::stored);  // the later range first: nothing may be committed over the gap
  output->held.pop_back();
  run();
  close();
  open();
  EXPECT_THAT(taken(), ElementsAre("two", "three"));
}

TEST_F(FileSourceTest, ReadsAgainWhatFailedAndNeverSkipsIt) {
  open();
  output->holds = true;
  write("one\n");
  run();
  output->settle_all(Fate::failed);
  run(200ms);
  EXPECT_THAT(taken(), ElementsAre("one", "one"));
  output->settle_all(Fate::stored);
  run(200ms);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(FileSourceTest, CommitsWhatFailedWhenOnlyProcessedWasPromised) {
  open(Level::processed);
  output->holds = true;
  write("one\n");
  run();
  output->settle_all(Fate::failed);
  run(300ms);
  EXPECT_THAT(taken(), ElementsAre("one"));
}

TEST_F(FileSourceTest, ReadsARenamedFileToItsEndBeforeTheNewOne) {
  write("a1\n");
  open();
  fs::rename(path, path + ".1");
  write("a2\n", path + ".1");
  write("b1\n");
  run();
  write("a3\n", path + ".1");  // the writer has not noticed yet
  run();
  EXPECT_THAT(taken(), ElementsAre("a1", "a2", "b1", "a3"));
}

TEST_F(FileSourceTest, TakesTheLastLineOfARenamedFileWhenItHasNotGrownForRotateWait) {
  write("a1\na2");
  open();
  fs::rename(path, path + ".1");
  write("b1\n");
  run(4s);
  EXPECT_THAT(taken(), ElementsAre("a1", "b1"));
  run(2s);
  EXPECT_THAT(taken(), ElementsAre("a2"));
}

TEST_F(FileSourceTest, FindsARenamedFileAgainAfterARestart) {
  write("a1\n");
  open();
  close();
  write("a2\n");
  fs::rename(path, path + ".1");
  write("b1\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("a2", "b1"));
}

TEST_F(FileSourceTest, ReadsADeletedFileToItsEndAndItsSuccessorFromTheStart) {
  write("a1\n");
  open();
  std::ofstream writer(path, std::ios::app);
  fs::remove(path);
  writer << "a2\n" << std::flush;
  write("b1\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("a1", "a2", "b1"));
}

TEST_F(FileSourceTest, BeginsAnewWhenAFileWasEmptied) {
  write("one\ntwo\nthree\n");
  open();
  EXPECT_EQ(taken().size(), 3u);
  fs::resize_file(path, 0);
  write("four\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("four"));
}

TEST_F(FileSourceTest, NoticesAFileThatWasEmptiedAndIsLongerAgain) {
  write("one\n");
  open();
  taken();
  fs::resize_file(path, 0);
  write("another beginning\nand more\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("another beginning", "and more"));
}

TEST_F(FileSourceTest, ReadsOnWhenAHoleIsMadeBeforeWhatWasReadLast) {
  const std::string first(6000, 'a');
  write(first + "\nsecond\n");
  open();
  EXPECT_EQ(taken().size(), 2u);
  std::fstream(path) << std::string(4096, '\0');  // as fallocate --punch-hole leaves it
  write("third\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("third"));
  close();
  write("fourth\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("fourth")) << "its place holds for what it is now";
}

TEST_F(FileSourceTest, BeginsAnewWhenAFileWasEmptiedAndWrittenBehindAHole) {
  write(std::string(1999, 'a') + "\n");
  open();
  EXPECT_EQ(taken().size(), 1u);
  fs::resize_file(path, 0);
  fs::resize_file(path, 1500);  // zeros
  const std::string long_line(1000, 'b');
  write("new\n" + long_line + "\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("new", long_line));
}

TEST_F(FileSourceTest, ReadsOnAfterARestartWhenAHoleWasMadeMeanwhile) {
  write(std::string(6000, 'a') + "\nsecond\n");
  open();
  EXPECT_EQ(taken().size(), 2u);
  close();
  std::fstream(path) << std::string(4096, '\0');
  write("third\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("third"));
}

TEST_F(FileSourceTest, ReadsOnWhenAHoleEndsJustBeforeItsPlace) {
  write(std::string(4090, 'a') + "\nsecond\n");  // its place is two bytes behind a block
  open();
  EXPECT_EQ(taken().size(), 2u);
  std::fstream(path) << std::string(4096, '\0');
  write("third\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("third"));
  close();
  std::fstream(path) << std::string(4096, '\0');
  write("fourth\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("fourth"));
}

TEST_F(FileSourceTest, BeginsAnewAfterARestartWhenAFileWasEmptiedAndWrittenAtTheOldOffset) {
  const std::string first(2999, 'a');
  write(first + "\n");
  open();
  EXPECT_EQ(taken().size(), 1u);
  // Twice: the second time the file that was known began with a hole already.
  for (const char* line : {"behind a hole", "behind another"}) {
    close();
    fs::resize_file(path, 0);
    fs::resize_file(path, 2100);  // zeros, up to before the place
    write(std::string(line) + "\n" + first + "\n");
    open();
    EXPECT_THAT(taken(), ElementsAre(line, first));
  }
}

TEST_F(FileSourceTest, BeginsAnewAfterARestartWhenAFileBeginsAsBeforeAndIsAnother) {
  const std::string header(1999, 'h');
  write(header + "\nfirst\n");
  open();
  EXPECT_EQ(taken().size(), 2u);
  close();
  fs::resize_file(path, 0);
  write(header + "\nother lines\n");
  open();
  EXPECT_THAT(taken(), ElementsAre(header, "other lines"));
}

TEST_F(FileSourceTest, RangesOfBeforeDoNotCountForAFileThatWasEmptied) {
  open();
  output->holds = true;
  write("a long first line\n");
  run();
  fs::resize_file(path, 0);
  write("new\n");
  run();
  ASSERT_EQ(output->held.size(), 2u);
  output->held.front().settle(Fate::stored);
  output->held.erase(output->held.begin());
  run();
  close();  // "new" was never settled
  open();
  EXPECT_THAT(taken(), ElementsAre("new"));
}

TEST_F(FileSourceTest, DoesNotTakeAnInodeThatIsUsedAgainForTheOldFile) {
  write("one\n");
  open();
  close();
  std::ofstream(path, std::ios::trunc) << "another, and longer\n";  // the same inode, another file
  open();
  EXPECT_THAT(taken(), ElementsAre("another, and longer"));
}

TEST_F(FileSourceTest, StartsAtTheEndOnlyWhenThereIsNoCheckpoint) {
  options.set("start_at", std::string("end"));
  write("old\n");
  open();
  write("new\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("new"));
  close();
  write("while away\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("while away"));
}

TEST_F(FileSourceTest, CountsALineThatIsTooLargeAndStepsOverIt) {
  options.set("max_event", 10_B);
  write("one\n" + std::string(300'000, 'x') + "\ntwo\n");
  open();
  run(50ms);
  EXPECT_THAT(taken(), ElementsAre("one", "two"));
  EXPECT_EQ(output->too_large, 1u);
}

TEST_F(FileSourceTest, SendsALineThatIsTooLargeToTheDeadLettersOnce) {
  options.set("max_event", 10_B);
  dead_letters = true;
  write("0123456789\n0123456789a\nend\n");
  open();
  run(50ms);
  EXPECT_THAT(taken(), ElementsAre("0123456789", "end"));
  EXPECT_THAT(output->dead, ElementsAre("a line of 12 bytes at 11 of " + path + "; these are its first 10|0123456789"));
  close();
  open();
  EXPECT_THAT(output->dead, IsEmpty());
}

TEST_F(FileSourceTest, TakesALineLongerThanAPiece) {
  options.set("max_event", 2_MiB);
  const std::string line(1'500'000, 'x');
  write("one\n" + line + "\ntwo\n");
  open();
  run(50ms);
  EXPECT_THAT(taken(), ElementsAre("one", line, "two"));
}

/// Pieces of one order wait outside the flow when it pauses in between; a stop then takes back what was not given.
TEST_F(FileSourceTest, GivesEveryLineOfSeveralPiecesOnceThroughPausesAndRestarts) {
  options.set("path", folder + "/*.log");
  options.set("max_event", 512_KiB);
  options.set("checkpoint", folder + "/checkpoint");
  const std::string padding(150, 'x'), blank(300 << 10, '\n'), large(200 << 10, 'y');
  std::map<std::string, std::vector<std::string>> wanted;
  for (const std::string name : {"a", "b"}) {
    std::string text;
    for (int i = 0; i < 12'000; ++i) {
      wanted[name].push_back(name + std::to_string(i) + padding);
      text += wanted[name].back() + "\n";
      if (i % 2'500 == 0) text += blank;
      if (i == 7'000) {
        wanted[name].push_back(name + large);
        text += wanted[name].back() + "\n";
      }
    }
    write(text, folder + "/" + name + ".log");
  }
  std::map<std::string, std::vector<std::string>> found;
  for (int life = 0; life < 48; ++life) {
    open();
    output->takes = life < 47 ? life % 8 : -1;
    run(life < 47 ? 50ms : 500ms);
    for (auto& line : taken()) found[line.substr(0, 1)].push_back(std::move(line));
    close();
  }
  EXPECT_TRUE(found == wanted) << found["a"].size() << " and " << found["b"].size() << " lines of "
                               << wanted["a"].size();
}

TEST_F(FileSourceTest, ReadsNoFurtherAheadThanMaxUnsettled) {
  options.set("max_unsettled", 1_B);
  open();
  output->holds = true;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "a line of some length, so that there are several pieces\n";
  write(text);
  for (int i = 0; i < 3; ++i) {
    run(50ms);
    EXPECT_EQ(output->held.size(), 1u);
    output->settle_all(Fate::stored);
  }
}

TEST_F(FileSourceTest, FollowsAllFilesOfAPatternAndNoCompressedOnes) {
  options.set("path", folder + "/*.log*");
  write("a\n", folder + "/a.log");
  write("b\n", folder + "/b.log");
  write("not text\n", folder + "/b.log.1.gz");
  open();
  run();
  write("c\n", folder + "/c.log");
  fs::rename(folder + "/a.log", folder + "/a.log.1");  // matches as well: the same file, not read again
  run(50ms);
  auto all = taken();
  std::ranges::sort(all);
  EXPECT_THAT(all, ElementsAre("a", "b", "c"));
}

TEST_F(FileSourceTest, DoesNotReadTheCopyOfCopytruncateAgain) {
  options.set("path", path + "*");
  for (const bool copy_seen_first : {true, false}) {
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += "{\"n\":" + std::to_string(i) + ",\"copy_seen_first\":" + (copy_seen_first ? "1}\n" : "0}\n");
    write(text);
    open();
    run();
    EXPECT_EQ(taken().size(), 100u);
    write("101\n");
    fs::copy_file(path, path + ".1");  // with a line that was not read yet
    if (copy_seen_first) run(20ms);
    fs::resize_file(path, 0);
    write("102\n");
    run(50ms);
    auto all = taken();
    std::ranges::sort(all);
    EXPECT_THAT(all, ElementsAre("101", "102"));
    close();
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
}

TEST_F(FileSourceTest, ReadsAFileWholeThatOnlyBeginsLikeAnother) {
  options.set("path", path + "*");
  const std::string heading(2'000, '#');
  write(heading + "\nline 1\n");
  open();
  run();
  EXPECT_EQ(taken().size(), 2u);
  write(heading + "\nother \nmore\n", path + ".1");
  run(20ms);
  EXPECT_THAT(taken(), ElementsAre(heading, "other ", "more"));
}

TEST_F(FileSourceTest, StartsAtTheEndBehindTheLineThatIsBeingWritten) {
  options.set("start_at", std::string("end"));
  options.set("max_event", Bytes(1_MiB));
  const std::string half(20'000, 'x');
  write("old\n" + half);
  open();
  write("y\nnew\n");
  run();
  EXPECT_THAT(taken(), ElementsAre(half + "y", "new"));
}

TEST_F(FileSourceTest, StartsAtTheEndBehindALineThatIsLongerThanAnyEvent) {
  options.set("start_at", std::string("end"));
  write(std::string(17 << 20, 'x'));
  open();
  write("y\nnew\n");
  run(50ms);
  EXPECT_THAT(taken(), ElementsAre("new"));
  EXPECT_EQ(output->too_large, 0u);
}

TEST_F(FileSourceTest, NeverDropsAFileItFollowsForNewOnes) {
  options.set("path", folder + "/*.log");
  options.set("max_files", std::uint64_t{4});
  options.set("rotate_wait", Duration(1s));
  const auto name = [&](int i) { return folder + "/" + std::to_string(100 + i) + ".log"; };
  for (int i = 8; i < 12; ++i) write("a" + std::to_string(i) + "\n", name(i));
  open();
  EXPECT_EQ(taken().size(), 4u);
  for (int i = 0; i < 8; ++i) write("b" + std::to_string(i) + "\n", name(i));
  run(500ms);
  EXPECT_THAT(taken(), IsEmpty());
  EXPECT_THAT(source->upstream().trouble, HasSubstr("8 files wait for a place"));
  for (int i = 8; i < 12; ++i) write("c\n", name(i));
  run(100ms);
  EXPECT_EQ(taken().size(), 4u);
  run(4s);  // they are idle: others have their turn, and are idle in theirs
  run(4s);
  EXPECT_EQ(taken().size(), 8u);
  EXPECT_EQ(source->upstream().trouble, "");
  write("d\n", name(8));
  run(4s);
  EXPECT_THAT(taken(), ElementsAre("d"));
}

TEST_F(FileSourceTest, StartsAgainWithMoreFinishedFilesThanMayBeOpen) {
  options.set("path", folder + "/*.log");
  options.set("max_files", std::uint64_t{4});
  options.set("rotate_wait", Duration(100ms));
  const auto name = [&](int i) { return folder + "/" + std::to_string(100 + i) + ".log"; };
  for (int i = 0; i < 4; ++i) write("a\n", name(i));
  open();
  run(1s);
  for (int i = 4; i < 8; ++i) write("b\n", name(i));
  run(1s);
  EXPECT_EQ(taken().size(), 8u);
  close();
  write("late\n", name(2));
  for (int i = 8; i < 13; ++i) write("new\n", name(i));
  open();
  run(1s);
  EXPECT_THAT(taken(), UnorderedElementsAre("late", "new", "new", "new", "new", "new"));
}

/// `most_positions` without those that are open, as an earlier run has noted them.
void note_places(const std::string& checkpoint, std::uint64_t inode, std::uint64_t max_files) {
  std::vector<FilePosition> places;
  for (std::uint64_t i = 0; i < most_positions - max_files; ++i)
    places.push_back({{1, inode, hash_start, 0}, 1000 + i});
  ASSERT_TRUE(save_checkpoint(checkpoint, encode(places)));
}

TEST_F(FileSourceTest, ForgetsThePlacesOfFilesThatAreGoneForNewOnes) {
  options.set("path", folder + "/*.log");
  options.set("max_files", std::uint64_t{4});
  options.set("rotate_wait", Duration(100ms));
  options.set("checkpoint", folder + "/place");
  note_places(folder + "/place", ~0ull, 4);
  for (int i = 0; i < 4; ++i) write("a\n", folder + "/" + std::to_string(i) + ".log");
  open();
  run(1s);
  EXPECT_EQ(taken().size(), 4u);
  for (int i = 4; i < 8; ++i) write("b\n", folder + "/" + std::to_string(i) + ".log");
  run(1s);
  EXPECT_EQ(taken().size(), 4u);
  run(1s);
  EXPECT_THAT(taken(), IsEmpty()) << "the places of those that are there are kept";
}

TEST_F(FileSourceTest, SaysThatNoMorePlacesCanBeNoted) {
  options.set("path", folder + "/*.log");
  options.set("max_files", std::uint64_t{4});
  options.set("rotate_wait", Duration(100ms));
  options.set("checkpoint", folder + "/place");
  write("finished\n", folder + "/finished");
  struct stat finished{};
  ASSERT_EQ(::stat((folder + "/finished").c_str(), &finished), 0);
  note_places(folder + "/place", finished.st_ino, 4);
  for (int i = 0; i < 4; ++i) write("a\n", folder + "/" + std::to_string(i) + ".log");
  open();
  run(1s);
  write("b\n", folder + "/4.log");
  run(1s);
  EXPECT_THAT(source->upstream().trouble, HasSubstr("move finished files out of the folder"));
  fs::remove(folder + "/finished");
  run(1s);
  EXPECT_EQ(source->upstream().trouble, "");
  EXPECT_THAT(taken(), ElementsAre("a", "a", "a", "a", "b"));
}

/// Its folder has more names than are looked at, and first of all those that are there.
struct CrowdedFolder final : InputDisk {
  int list(const std::string& folder, const std::function<bool(const dirent&)>& f) override {
    bool goes_on = true;
    InputDisk::list(folder, [&](const dirent& entry) { return goes_on = f(entry); });
    dirent other{};
    std::strcpy(other.d_name, "other");
    for (std::size_t i = 0; goes_on && i < others; ++i) goes_on = f(other);
    return 0;
  }
  std::size_t others = 0;
};

TEST_F(FileSourceTest, SaysThatAFolderHasMoreNamesThanAreLookedAt) {
  options.set("path", folder + "/*.log");
  write("one\n", folder + "/a.log");
  CrowdedFolder disk;
  open(Level::stored, disk);
  EXPECT_EQ(source->upstream().trouble, "");
  disk.others = most_entries;
  run();
  EXPECT_THAT(source->upstream().trouble, HasSubstr("more names than are looked at"));
  disk.others = 0;
  run();
  EXPECT_EQ(source->upstream().trouble, "");
  EXPECT_THAT(taken(), ElementsAre("one"));
  close();
}

/// Where to list a folder takes three seconds, and what is asked of open files is counted.
struct SlowFolder final : InputDisk {
  explicit SlowFolder(ManualClock& clock) : clock(clock) {}
  using InputDisk::status;
  int list(const std::string& folder, const std::function<bool(const dirent&)>& f) override {
    clock.advance(3s);
    ++lists;
    return InputDisk::list(folder, f);
  }
  int status(int fd, struct stat& to) override {
    ++asked;
    return InputDisk::status(fd, to);
  }
  ManualClock& clock;
  int lists = 0, asked = 0;
};

TEST_F(FileSourceTest, ReadsBetweenLooksHoweverLongTheyTake) {
  options.set("path", folder + "/*.log");
  options.set("poll", Duration(200ms));
  write("first\n", folder + "/first.log");
  SlowFolder disk(clock);
  open(Level::stored, disk);
  for (int i = 0; i < 40; ++i) write("a\n", folder + "/" + std::to_string(i) + ".log");
  disk.lists = 0;
  while (output->events.size() < 41 && disk.lists < 41) run(20ms);
  EXPECT_LT(disk.lists, 10);
  close();
}

TEST_F(FileSourceTest, AsksForThoseThatAreIdleOnceALook) {
  options.set("path", folder + "/*.log");
  options.set("max_files", std::uint64_t{8});
  for (int i = 0; i < 8; ++i) write("a\n", folder + "/" + std::to_string(i) + ".log");
  SlowFolder disk(clock);
  options.set("rotate_wait", Duration(1h));
  open(Level::stored, disk);
  for (int i = 8; i < 208; ++i) write("b\n", folder + "/" + std::to_string(i) + ".log");
  run(100ms);
  disk.asked = disk.lists = 0;
  run(100ms);
  ASSERT_GT(disk.lists, 0);
  EXPECT_LT(disk.asked / disk.lists, 100) << "200 wait for one of 8 places";
  close();
}

/// No file can be opened any more while it lives.
struct NoDescriptors {
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

TEST_F(FileSourceTest, TakesAFolderThatItCannotListForNoEmptyOne) {
  if (checks_need_descriptors) GTEST_SKIP() << "the sanitizer needs descriptors of its own";
  options.set("path", folder + "/*.log");
  write("one\ntw");
  open();
  {
    const NoDescriptors none;
    run(20s);
    EXPECT_THAT(source->upstream().trouble, HasSubstr("Too many open files")) << "it is told, and counted";
    const auto counts = source->upstream().counts;
    EXPECT_GT(
        std::ranges::find(counts, std::string_view("could_not_look"), [](const auto& c) { return c.first; })->second,
        0u);
  }
  run();
  EXPECT_EQ(source->upstream().trouble, "");
  EXPECT_THAT(taken(), ElementsAre("one"));  // and not the unfinished line of a file that "has ended"
  write("o\n");
  run();
  EXPECT_THAT(taken(), ElementsAre("two"));
}

TEST_F(FileSourceTest, NeverReadsItsOwnCheckpoint) {
  options.set("path", folder + "/*");
  options.set("checkpoint", folder + "/place");
  write("one\n");
  open();
  run(3s);
  EXPECT_THAT(taken(), ElementsAre("one"));
}

TEST_F(FileSourceTest, TakesTextAsWindowsWritesIt) {
  write("\xef\xbb\xbfone\r\n\r\ntwo\r\n\nthree\r\n");
  open();
  run();
  EXPECT_THAT(taken(), ElementsAre("one", "two", "three"));
}

TEST_F(FileSourceTest, StepsOverTheHoleThatCopytruncateLeft) {
  write("one\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("one"));
  fs::resize_file(path, 0);
  fs::resize_file(path, 5'000'000'000);
  write("two\n");
  run(100ms);
  EXPECT_THAT(taken(), ElementsAre("two"));
  EXPECT_EQ(output->too_large, 0u);
}

TEST_F(FileSourceTest, EndsAFileThatIsShorterThanItSays) {
  const std::string shorter = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!fs::exists(shorter)) GTEST_SKIP() << "no such file here";
  options.set("path", shorter);
  options.set("mode", std::string("read"));
  options.set("checkpoint", folder + "/place");
  open();
  run(100ms);
  EXPECT_EQ(taken().size(), 1u);
  EXPECT_TRUE(becomes_quiet());
}

TEST_F(FileSourceTest, KnowsAFileWhoseDeviceHasAnotherNumberSinceTheReboot) {
  write("one\n");
  open();
  close();
  const auto checkpoint = folder + "/.app.log.checkpoint";
  auto places = *load_checkpoint(checkpoint);
  ASSERT_TRUE(places && places->size() == 1);
  places->front().id.device += 7;
  ASSERT_TRUE(save_checkpoint(checkpoint, encode(*places)));
  write("two\n");
  open();
  EXPECT_THAT(taken(), ElementsAre("two"));
}

TEST_F(FileSourceTest, TakesThePriorityFromAField) {
  priorities = {.path = ".level", .map = {{"error", Priority::critical}}, .fallback = Priority::low};
  write("{\"level\":\"info\"}\n{\"level\":\"error\"}\nno json\n");
  open();
  EXPECT_THAT(output->priorities, ElementsAre(Priority::critical, Priority::low, Priority::low));
  EXPECT_THAT(taken(), ElementsAre("{\"level\":\"error\"}", "{\"level\":\"info\"}", "no json"));
}

/// With its own thread and in real time: what is shown is that nobody waits for a call that does not return.
TEST_F(FileSourceTest, AFileSystemThatHangsHoldsUpNeitherTheReactorNorTheEnd) {
  static HangingDisk& disk = *new HangingDisk;  // for as long as a thread that is left behind may use it
  const Context real;
  write("one\n");
  auto hung = source_type(disk).make({"in", options, Level::stored, priorities, real});
  ASSERT_TRUE(hung->open());
  boost::asio::io_context loop;
  SlowOutput gets(real);
  auto reads = hung->intake({loop, 0, gets});
  const auto run_until = [&](const auto& is_so) {
    return until(is_so, [&] {
      loop.restart();
      loop.run_for(2ms);
    });
  };
  reads->start();
  ASSERT_TRUE(run_until([&] { return gets.events.size() == 1; }));
  disk.hang();
  write("two\n");
  ASSERT_TRUE(run_until([&] { return disk.holds_somebody(); }));
  bool other_work = false;
  boost::asio::post(loop, [&] { other_work = true; });
  EXPECT_TRUE(run_until([&] { return other_work; }));
  reads->stop(1s);
  EXPECT_TRUE(run_until([&] { return reads->quiet(); }));
  EXPECT_TRUE(disk.holds_somebody());
  reads.reset();
  hung.reset();
  disk.recover();
  EXPECT_EQ(gets.events.size(), 1u) << "what comes after the end is read by the next start";
  open();
  const auto again = taken();  // "one" as well, unless its settlement had been noted before the mount hung
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again.back(), "two");
}

TEST_F(FileSourceTest, SaysWhatIsWrong) {
  options.set("mode", std::string("read"));
  EXPECT_THAT(open_error(), HasSubstr("there is no such file"));
  write("x\n");
  write("garbage", folder + "/.app.log.checkpoint");
  EXPECT_THAT(open_error(), HasSubstr("is damaged or no checkpoint: delete it"));
  fs::remove(folder + "/.app.log.checkpoint");
  open();
  EXPECT_THAT(open_error(), HasSubstr("another process (or another source) has it"));
  options.set("path", folder + "/*/app.log");
  EXPECT_THAT(open_error(), HasSubstr("only the name of the file may be a pattern"));
}

}  // namespace
}  // namespace weir::file
