#include "observe/host_names.h"

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

TEST(HostNames, AreAddressesLocalhostAndThoseGiven) {
  const HostNames names("weir-1:9600", {"weir.example.org", "metrics"});
  for (const char* host : {"127.0.0.1:9600", "10.1.2.3", "[::1]:9600", "[::1]", "localhost:9600", "LOCALHOST",
                           "weir-1:9600", "Weir.Example.org", "metrics:80", ""})
    EXPECT_TRUE(names.answers(host)) << host;
}

TEST(HostNames, ThoseOfAWebPageAreNot) {
  const HostNames names("127.0.0.1:9600", {});
  for (const char* host : {"evil.example:9600", "127.0.0.1.evil.example", "localhost.evil.example:9600", "weir-1"})
    EXPECT_FALSE(names.answers(host)) << host;
}

}  // namespace
}  // namespace weir::observe
