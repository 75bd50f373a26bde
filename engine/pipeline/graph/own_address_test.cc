#include "pipeline/graph/own_address.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

TEST(OwnAddress, IsReachedByEveryNameOfThisMachine) {
  EXPECT_TRUE(reaches("127.0.0.1:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(reaches("localhost:8080", "127.0.0.1:8080"));
  EXPECT_TRUE(reaches("127.0.0.5:8080", "0.0.0.0:8080"));
  EXPECT_TRUE(reaches("localhost:8080", "0.0.0.0:8080"));
}

TEST(OwnAddress, IsNotReachedByOtherPortsAndMachines) {
  EXPECT_FALSE(reaches("127.0.0.1:8081", "127.0.0.1:8080"));
  EXPECT_FALSE(reaches("127.0.0.5:8080", "127.0.0.1:8080"));
  EXPECT_FALSE(reaches("192.0.2.1:8080", "0.0.0.0:8080")) << "an address for documentation";
  EXPECT_FALSE(reaches("localhost", "127.0.0.1:8080"));
  EXPECT_FALSE(reaches("127.0.0.1:0", "127.0.0.1:0")) << "any free port";
}

}  // namespace
}  // namespace weir::pipeline
