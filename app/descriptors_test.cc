#include "descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace weir::app {
namespace {

TEST(Descriptors, AreRaisedToWhatTheSystemAllows) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Descriptors, ConnectionsThatDoNotFitAreNamedBeforeTheyAreMissed) {
  config::MemoryTable memory;
  memory.rows = {{"source a: connections", {.max_units = 512, .unit = "connection"}},
                 {"source b: connections", {.max_units = 512, .unit = "connection"}},
                 {"sink c: batch buffers", {.max_units = 9'000, .unit = "batch"}}};
  EXPECT_EQ(descriptor_warning(memory, 1152), "");
  const auto warning = descriptor_warning(memory, 1024);
  EXPECT_TRUE(warning.starts_with("1024 connections are configured, but this process may open 1024 files")) << warning;
  EXPECT_NE(warning.find("LimitNOFILE"), warning.npos) << warning;
}

}  // namespace
}  // namespace weir::app
