#include "net/rate_limit_fields.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

std::string fields(const std::vector<async::Quota>& quotas) { return rate_limit_fields(quotas); }

TEST(RateLimitFields, AreStructuredFieldsWithWholeSecondsRoundedUp) {
  const async::Quota one{.name = "rate", .limit = 100, .window = 1s, .remaining = 42, .reset = 580ms};
  EXPECT_EQ(fields({one}), "RateLimit-Policy: \"rate\";q=100;w=1\r\nRateLimit: \"rate\";r=42;t=1\r\n");
}

TEST(RateLimitFields, NameEachRateThatWasAskedInOrder) {
  const async::Quota all{.name = "all", .limit = 1000, .window = 60s, .remaining = 900, .reset = 6s};
  const async::Quota each{.name = "each", .limit = 5, .window = 1s, .remaining = 0, .reset = 200ms};
  EXPECT_EQ(fields({all, each}),
            "RateLimit-Policy: \"all\";q=1000;w=60, \"each\";q=5;w=1\r\n"
            "RateLimit: \"all\";r=900;t=6, \"each\";r=0;t=1\r\n");
}

TEST(RateLimitFields, MayHaveTheOlderFormOfTheRateThatHasTheLeastPartLeft) {
  const std::vector<async::Quota> quotas{{.name = "all", .limit = 1000, .window = 60s, .remaining = 900, .reset = 6s},
                                         {.name = "each", .limit = 5, .window = 1s, .remaining = 1, .reset = 800ms}};
  EXPECT_EQ(rate_limit_fields(quotas, {.ratelimit = false, .x_ratelimit = true}),
            "X-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: 1\r\n");
  EXPECT_EQ(rate_limit_fields(quotas, {.ratelimit = false}), "");
  EXPECT_NE(rate_limit_fields(quotas, {.x_ratelimit = true}).find("\r\nX-RateLimit-Limit: 5\r\n"), std::string::npos);
}

TEST(RateLimitFields, SayNothingOfRatesThatClientsWouldTakeForRequests) {
  EXPECT_EQ(fields({{.name = "rate", .limit = 9, .window = 1s, .of_requests = false}}), "");
  EXPECT_EQ(fields({}), "");
}

}  // namespace
}  // namespace weir::net
