#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <weir/base/until_for_test.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/sink_check.h>
#include <weir/component/conformance/source_check.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <fstream>

#include "log/log.h"
#include "stdin_source.h"
#include "stdout_sink.h"

namespace weir::stdio {
namespace {

using namespace std::chrono_literals;
using conformance::batch_of;
using conformance::Delivered;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() {
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ::signal(SIGPIPE, SIG_IGN);
    log::set_level(log::Level::off);
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  void close_reader() { close(ends[0]); }
  void close_writer() { close(ends[1]); }
  void write(std::string_view text) {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string read(std::size_t most = 1 << 20) {
    std::string all;
    std::array<char, 4096> part;
    pollfd more{ends[0], POLLIN, 0};
    while (all.size() < most && ::poll(&more, 1, 0) == 1) {
      const auto n = ::read(ends[0], part.data(), part.size());
      if (n <= 0) break;
      all.append(part.data(), static_cast<std::size_t>(n));
    }
    return all;
  }
};

std::string path_of(const std::string& name) {
  return testing::TempDir() + "stdio_" + std::to_string(::getpid()) + name;
}

TEST(Stdin, KeepsWhatEverySourcePromises) {
  const auto path = path_of("lines");
  std::ofstream(path) << [] {
    std::string all;
    for (int i = 0; i < 500; ++i) all += "line " + std::to_string(i) + "\n";
    return all;
  }();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto type = stdin_type(fd);
  type.make = [&](const SourceSetup& setup) {
    ::lseek(fd, 0, SEEK_SET);
    return stdin_type(fd).make(setup);
  };
  const auto step = [](ManualClock& clock) {
    clock.advance(20ms);
    ::poll(nullptr, 0, 1);  // the reading thread's turn
  };
  EXPECT_THAT(conformance::check_source({.type = type, .options = {}, .events = 500, .step = step}), IsEmpty());
  ::close(fd);
  ::unlink(path.c_str());
}

struct StdinRun {
  Pipe pipe;
  ManualClock clock;
  Context context{clock};
  boost::asio::io_context reactor;
  conformance::FakeOutput output{context, 1_MiB};
  Options options;
  std::unique_ptr<Source> source;
  std::unique_ptr<Intake> intake;
  void start() {
    source = stdin_type(pipe.ends[0]).make({"in", options, Level::accepted, {}, context});
    ASSERT_TRUE(source->open());
    intake = source->intake({reactor, 0, output});
    intake->start();
  }
  template <typename Done>
  bool until(Done done) {
    return weir::until(done, [&] {
      reactor.restart();
      reactor.run_for(1ms);
      ::poll(nullptr, 0, 1);
    });
  }
};

TEST(Stdin, TakesLinesAndTheLastOneWithoutItsEnd) {
  StdinRun run;
  run.start();
  run.pipe.write("one\n\n\ntw");
  EXPECT_TRUE(run.until([&] { return run.output.events.size() == 1; }));
  EXPECT_FALSE(run.intake->quiet());
  run.pipe.write("o\nthree");
  run.pipe.close_writer();
  EXPECT_TRUE(run.until([&] { return run.intake->quiet(); }));
  EXPECT_THAT(run.output.events, ElementsAre("one", "two", "three"));
}

TEST(Stdin, TakesTextAsWindowsWritesIt) {
  StdinRun run;
  run.start();
  run.pipe.write("\xef\xbb\xbfone\r\n\r\ntwo\r");
  run.pipe.write("\nthree\r");
  run.pipe.close_writer();
  EXPECT_TRUE(run.until([&] { return run.intake->quiet(); }));
  EXPECT_THAT(run.output.events, ElementsAre("one", "two", "three"));
}

TEST(Stdin, StepsOverTheHoleThatAnEmptiedFileLeaves) {
  StdinRun run;
  run.options.set("max_event", Bytes(8));
  run.start();
  const std::string hole(1000, '\0');
  run.pipe.write(hole + "one\n" + hole);
  EXPECT_TRUE(run.until([&] { return run.output.events.size() == 1; }));
  run.pipe.write(hole + "two\r\n" + hole + "\n" + hole);
  EXPECT_TRUE(run.until([&] { return run.output.events.size() == 2; }));
  run.pipe.close_writer();
  EXPECT_TRUE(run.until([&] { return run.intake->quiet(); }));
  EXPECT_EQ(run.output.events, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(run.output.refusals, 0u) << "a hole is never a line that is too long";
}

TEST(Stdin, CountsLinesThatAreTooLong) {
  StdinRun run;
  run.options.set("max_event", 5_B);
  run.start();
  run.pipe.write("12345\n123456\n" + std::string(50'000, 'x') + "\nend\n");
  run.pipe.close_writer();
  EXPECT_TRUE(run.until([&] { return run.intake->quiet(); }));
  EXPECT_THAT(run.output.events, ElementsAre("12345", "end"));
  EXPECT_EQ(run.output.refusals, 2u);
}

TEST(Stdin, StopsWhileNothingComes) {
  StdinRun run;
  run.start();
  run.until([n = 0]() mutable { return ++n > 3; });
  run.intake->stop(1s);
  EXPECT_TRUE(run.intake->quiet());
}

TEST(Stdin, CountsTheLinesThatAStopLeavesUngiven) {
  StdinRun run;
  run.start();
  run.output.is_ready = false;
  run.pipe.write("one\ntwo\nthree\n");
  EXPECT_TRUE(run.until([&] {
    int unread = -1;
    return ::ioctl(run.pipe.ends[0], FIONREAD, &unread) == 0 && unread == 0;
  }));
  run.intake->stop(1s);
  EXPECT_THAT(run.output.events, IsEmpty());
  EXPECT_EQ(run.output.refusals, 3u);
}

TEST(Stdin, CountsTheLinesThatWereReadWhileItStopped) {
  StdinRun run;
  run.start();
  run.pipe.write("one\ntwo\n");
  pollfd more{run.pipe.ends[0], POLLIN, 0};
  ASSERT_TRUE(until([&] { return ::poll(&more, 1, 0) == 0; })) << "its thread reads";
  run.intake->stop(1s);  // before the reactor has heard of it
  EXPECT_EQ(run.output.refusals, 2u);
}

TEST(Stdin, CanHaveOneReaderOnly) {
  StdinRun run;
  run.start();
  const auto second = stdin_type().make({"b", run.options, Level::accepted, {}, run.context})->open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another source reads standard input already"));
}

std::string shown(std::string_view event, Format format, bool safe) {
  std::string out;
  append_event(out, event, format, safe);
  return out;
}

TEST(Stdout, ShowsEventsInItsFormat) {
  EXPECT_EQ(shown("{\"a\":\n1}", Format::json, false), "{\"a\": 1}\n");
  EXPECT_EQ(shown("a\n\x1b[2J", Format::text, false), "a\n\x1b[2J\n");
  EXPECT_EQ(shown(R"({"a":[1,{"b":"x,{\"y"}]})", Format::pretty, false),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"y\"\n    }\n  ]\n}\n");
}

TEST(Stdout, NeverSendsATerminalWhatItWouldObey) {
  EXPECT_EQ(shown("a\x1b[2J", Format::json, true), "a\\x1b[2J\n");
  EXPECT_EQ(shown("a\x1b[2J\u202e", Format::text, true), "a\\x1b[2J\\u{202e}\n");
  for (const bool terminal : {false, true})
    EXPECT_EQ(shown("{\"a\":\"\x1b\x9b\"}", Format::pretty, terminal), "{\n  \"a\": \"\\x1b\\x9b\"\n}\n");
}

TEST(Stdout, KeepsWhatEverySinkPromises) {
  int fd = -1;
  std::string path;
  auto type = stdout_type();
  type.make = [&](const SinkSetup& setup) { return stdout_type(fd).make(setup); };
  const auto fresh = [&, n = 0]() mutable {
    if (fd >= 0) ::close(fd);
    path = path_of(std::to_string(++n));
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return Options{};
  };
  const auto read_back = [&](const Options&) {
    std::vector<std::string> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  };
  const auto as_stored = [](std::string_view event) {
    std::string line(event);
    std::ranges::replace(line, '\n', ' ');
    return line;
  };
  EXPECT_THAT(conformance::check_sink({.type = type, .fresh = fresh, .read_back = read_back, .as_stored = as_stored}),
              IsEmpty());
  ::close(fd);
}

TEST(Stdout, FailsForGoodWhenItsReaderHasGone) {
  Pipe pipe;
  StdoutSink sink("out", Format::json, pipe.ends[1]);
  ASSERT_TRUE(sink.open());
  EXPECT_EQ(sink.deliver(Delivered(batch_of({"{}"}, 1))).outcome, Outcome::done);
  pipe.close_reader();
  const auto delivery = sink.deliver(Delivered(batch_of({"{}"}, 2)));
  EXPECT_EQ(delivery.outcome, Outcome::failed);
  EXPECT_THAT(delivery.error.message, HasSubstr("whoever read standard output has gone"));
  EXPECT_EQ(sink.deliver(Delivered(batch_of({"{}"}, 3))).outcome, Outcome::failed);
}

TEST(Stdout, GoesOnWhereItWasWhenItsReaderStoodStill) {
  Pipe pipe;
  StdoutSink sink("out", Format::json, pipe.ends[1]);
  ASSERT_TRUE(sink.open());
  const auto events = conformance::json_events("e", 1000, 200);
  const Delivered group(batch_of(events, 1));
  EXPECT_EQ(sink.deliver(group).outcome, Outcome::more);
  std::string got = pipe.read(), expected;
  for (int i = 0; i < 10 && sink.deliver(group).outcome == Outcome::more; ++i) got += pipe.read();
  got += pipe.read();
  for (const auto& event : events) expected += event + "\n";
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace weir::stdio
