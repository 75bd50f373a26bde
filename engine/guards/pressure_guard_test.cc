// What the machine is short of, read from files that a test writes.
#include "guards/pressure_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "log/log.h"

namespace weir::guards {
namespace {

using namespace std::chrono_literals;
using flow::MachineResource;

struct Machine : testing::Test {
  Machine() {
    log::set_level(log::Level::off);
    write("/proc/self/cgroup", "0::/a/b\n");
    write("/proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 900 kB\n");
    write("/proc/pressure/cpu", "some avg10=12.50 avg60=1.00 avg300=0.00 total=1\n");
    write("/proc/loadavg", "1.00 1.00 1.00 1/200 4242\n");
  }
  ~Machine() override { std::filesystem::remove_all(root); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  std::optional<double> reading(MachineResource resource) const {
    return MachineReader(root).read({1, 1, 1, 1, 0})[static_cast<std::size_t>(resource)];
  }
  const std::string root = testing::TempDir() + "weir-machine-" + std::to_string(::getpid());
  ManualClock clock;
  Context context{clock};
};

TEST_F(Machine, MemoryIsThatOfTheCgroupWithTheLeastRoomWithoutWhatCachesGiveBack) {
  EXPECT_NEAR(*reading(MachineResource::memory), 0.1, 1e-9) << "without a limit it is the machine's";
  write("/sys/fs/cgroup/a/memory.max", "1000\n");
  write("/sys/fs/cgroup/a/memory.current", "800\n");
  write("/sys/fs/cgroup/a/memory.stat", "anon 500\ninactive_file 200\n");
  write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  write("/sys/fs/cgroup/a/b/memory.current", "700\n");
  EXPECT_NEAR(*reading(MachineResource::memory), 0.6, 1e-9);
}

TEST_F(Machine, CpuIsThatOfTheCgroupWhereItIsTold) {
  EXPECT_NEAR(*reading(MachineResource::cpu), 0.125, 1e-9);
  write("/sys/fs/cgroup/a/b/cpu.pressure", "some avg10=50.00 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00\n");
  EXPECT_NEAR(*reading(MachineResource::cpu), 0.5, 1e-9);
}

TEST_F(Machine, WhatCannotBeReadIsNotZero) {
  std::filesystem::remove_all(root + "/proc/pressure");
  write("/proc/loadavg", "nonsense");
  EXPECT_FALSE(reading(MachineResource::cpu));
  EXPECT_FALSE(reading(MachineResource::run_queue));
  EXPECT_FALSE(reading(MachineResource::descriptors)) << "there is no such folder here";
  EXPECT_TRUE(MachineReader().read({0, 0, 0, 1, 0})[3]) << "and here there is";
}

TEST_F(Machine, UnderPressureTheLowestPriorityIsRefusedFirstAndToldWhy) {
  PressureGuard guard({.thresholds = {0.5, 0, 0, 0}}, "source", "in", context, MachineReader(root));
  const auto passes = [&](Priority priority) { return guard.try_start({.priority = priority}).has_value(); };
  EXPECT_TRUE(passes(Priority::batch));
  write("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\n");
  EXPECT_TRUE(passes(Priority::batch)) << "it looks four times a second";
  clock.advance(250ms);
  const auto refused = guard.try_start({.priority = Priority::batch});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::overloaded);
  EXPECT_EQ(refused.error().retry_after, 1s);
  EXPECT_TRUE(passes(Priority::low));
  EXPECT_EQ(words_of(guard.facts()), "memory in use 90 %, threshold 50 %");
  for (int s = 0; s < 10; ++s) clock.advance(1s), (void)passes(Priority::low);
  EXPECT_FALSE(passes(Priority::high));
  EXPECT_TRUE(passes(Priority::critical));
  write("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n");
  for (int s = 0; s < 10; ++s) clock.advance(1s), (void)passes(Priority::low);
  EXPECT_TRUE(passes(Priority::batch));
}

TEST_F(Machine, ALateReactorIsPressureAndOneThatNobodyMeasuresIsUnknown) {
  PressureGuard guard({.thresholds = {0, 0, 0, 0, 0.25}}, "source", "in", context, MachineReader(root));
  const auto passes = [&] { return guard.try_start({.priority = Priority::batch}).has_value(); };
  EXPECT_TRUE(passes());
  EXPECT_FALSE(guard.facts().readings[4]);
  Duration lag = 300ms;
  guard.set_reactor_lag([&](TimePoint) { return lag; });
  clock.advance(1s);
  EXPECT_FALSE(passes());
  EXPECT_EQ(words_of(guard.facts()), "lateness of a reactor 300 ms, threshold 250 ms");
  lag = 0ms;
  clock.advance(1s);
  EXPECT_TRUE(passes());
}

}  // namespace
}  // namespace weir::guards
