// What a shared cache may do, by the sections of RFC 9111.
#include "gateway/cache_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
const WallTime now{std::chrono::seconds(784111777)};  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::string_view date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

net::Head get(std::string_view fields = {}) { return {.method = "GET", .target = "/", .fields = fields}; }
bool keeps(std::string_view answer, std::string_view request = {}, int status = 200) {
  return may_keep(get(request), status, answer);
}
Freshness fresh(std::string_view answer, Duration took = 0s) { return freshness(answer, now, took); }

TEST(CacheRules, Section3WhatMayBeKept) {
  EXPECT_TRUE(keeps(""));
  EXPECT_FALSE(keeps("Cache-Control: no-store\r\n"));
  EXPECT_FALSE(keeps("Cache-Control: max-age=5, NO-STORE\r\n"));
  EXPECT_FALSE(keeps("Cache-Control: max-age=5\r\nCache-Control: no-store\r\n")) << "the second line counts too";
  EXPECT_FALSE(keeps("Cache-Control: private\r\n"));
  EXPECT_FALSE(keeps("Cache-Control: private=\"x, y\"\r\n"));
  EXPECT_TRUE(keeps("Cache-Control: x=\"no-store, private\", max-age=1\r\n")) << "what is in quotes is a value";
  EXPECT_FALSE(keeps("Cache-Control: x=\"y, no-store\r\n")) << "a quote that does not close hides nothing";
  EXPECT_FALSE(keeps("Set-Cookie: a=b\r\nCache-Control: public\r\n"));
  EXPECT_FALSE(keeps("", {}, 206)) << "a part is not the whole";
  EXPECT_FALSE(keeps("", {}, 304));
  EXPECT_FALSE(keeps("", {}, 500));
  EXPECT_FALSE(keeps("Content-Range: bytes 0-1/5\r\n"));
  EXPECT_TRUE(keeps("", {}, 404));
  EXPECT_FALSE(may_keep({.method = "POST"}, 200, "Cache-Control: max-age=5\r\n"));
  EXPECT_FALSE(may_keep({.method = "HEAD"}, 200, "")) << "it has no body to keep";
}

TEST(CacheRules, Section35WhoHasShownAPasswordGetsNothingKeptForOthers) {
  constexpr std::string_view secret = "Authorization: Basic x\r\n";
  EXPECT_FALSE(keeps("Cache-Control: max-age=5\r\n", secret));
  for (const char* allowed : {"public", "s-maxage=5", "must-revalidate"})
    EXPECT_TRUE(keeps("Cache-Control: " + std::string(allowed) + "\r\n", secret)) << allowed;
}

TEST(CacheRules, Section4WhichRequestsMayUseIt) {
  EXPECT_TRUE(may_use_cache(get("If-None-Match: \"a\"\r\n")));
  EXPECT_TRUE(may_use_cache({.method = "HEAD"}));
  EXPECT_FALSE(may_use_cache({.method = "POST"}));
  EXPECT_FALSE(may_use_cache(get("Cache-Control: no-store\r\n")));
  for (const char* field : {"Range: bytes=0-1", "If-Range: \"a\"", "If-Match: \"a\"", "If-Unmodified-Since: x"})
    EXPECT_FALSE(may_use_cache(get(std::string(field) + "\r\n"))) << field;
  net::Head body = get();
  body.content_length = Bytes(1);
  EXPECT_FALSE(may_use_cache(body));
}

TEST(CacheRules, Section41Vary) {
  EXPECT_FALSE(keeps("Vary: *\r\n"));
  EXPECT_FALSE(keeps("Vary: Accept\r\nVary: *\r\n"));
  const auto names = varies_by("Vary: Accept-Language, ACCEPT\r\nVary: accept\r\nVary: X\r\n");
  EXPECT_THAT(names, ElementsAre("accept", "accept-language", "x")) << "both lines count";
  const auto variant = [&](std::string_view fields) { return variant_of(fields, names); };
  EXPECT_EQ(variant("Other: 1\r\n"), variant("")) << "absent in both";
  EXPECT_NE(variant("X: 1\r\n"), variant("")) << "absent in one";
  EXPECT_NE(variant("X:\r\n"), variant("")) << "empty is not absent";
  EXPECT_EQ(variant("accept: a\r\nAccept: b\r\n"), variant("Accept: a, b\r\n"));
  EXPECT_NE(variant("Accept: a\r\n"), variant("Accept-Language: a\r\n"));
}

TEST(CacheRules, Section421HowLongItIsFresh) {
  EXPECT_EQ(fresh("Cache-Control: max-age=60\r\n").lifetime, 60s);
  EXPECT_EQ(fresh("Cache-Control: max-age=60, s-maxage=7\r\n").lifetime, 7s) << "it is a shared cache";
  EXPECT_EQ(fresh("Cache-Control: max-age=60, max-age=5\r\n").lifetime, 5s) << "the shorter of two";
  EXPECT_EQ(fresh("Cache-Control: max-age=\"60\"\r\n").lifetime, 60s);
  for (const char* bad : {"max-age=", "max-age=-1", "max-age=1.5", "max-age=x", "max-age"})
    EXPECT_EQ(fresh("Cache-Control: " + std::string(bad) + "\r\nExpires: Sun, 06 Nov 2094 08:49:37 GMT\r\n").lifetime,
              0s)
        << bad;
  EXPECT_EQ(fresh("Cache-Control: max-age=99999999999999999999\r\n").lifetime, 24h * 365) << "no overflow";
  EXPECT_EQ(fresh(std::string(date) + "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n").lifetime, 60s);
  EXPECT_EQ(fresh(std::string(date) + "Expires: 0\r\n").lifetime, 0s);
  EXPECT_EQ(fresh(std::string(date) + "Expires: Sun, 06 Nov 1994 08:48:37 GMT\r\n").lifetime, 0s);
  EXPECT_EQ(fresh("Last-Modified: Sun, 06 Nov 1974 08:49:37 GMT\r\n").lifetime, 0s) << "nothing is guessed";
}

TEST(CacheRules, Section423HowOldItIs) {
  EXPECT_EQ(fresh(date).age, 0s);
  EXPECT_EQ(fresh("Age: 50\r\n", 2s).age, 52s) << "it was on its way for 2 s";
  EXPECT_EQ(fresh("Date: Sun, 06 Nov 1994 08:48:37 GMT\r\n").age, 60s);
  EXPECT_EQ(fresh("Date: Sun, 06 Nov 1994 09:49:37 GMT\r\n").age, 0s) << "a clock that is ahead";
  EXPECT_EQ(fresh("Age: 99999999999\r\nCache-Control: max-age=60\r\n").age, 24h * 365);
  EXPECT_EQ(fresh("Age: -1\r\n").age, 0s);
  EXPECT_EQ(fresh("Age: 10\r\nAge: 20\r\n").age, 10s) << "the first counts";
}

TEST(CacheRules, Section424WhatForbidsAnAnswerThatIsTooOld) {
  for (const char* forbids : {"must-revalidate", "proxy-revalidate", "s-maxage=1", "no-cache", "no-cache=\"x\""}) {
    CacheControl control;
    control.read(forbids);
    EXPECT_TRUE(control.forbids_stale()) << forbids;
  }
  CacheControl control;
  control.read("max-age=1, stale-if-error=9, max-stale");
  EXPECT_FALSE(control.forbids_stale());
  EXPECT_EQ(control.stale_if_error, 9s);
  EXPECT_TRUE(control.max_stale);
}

TEST(CacheRules, Section432TagsAreComparedWeakly) {
  EXPECT_TRUE(matches_tag("\"a\", \"b\"", "\"b\""));
  EXPECT_TRUE(matches_tag("W/\"a\"", "\"a\""));
  EXPECT_TRUE(matches_tag("\"a,b\"", "W/\"a,b\"")) << "a comma in quotes";
  EXPECT_TRUE(matches_tag(" * ", ""));
  EXPECT_FALSE(matches_tag("\"a\"", "\"b\""));
  EXPECT_FALSE(matches_tag("\"a\"", ""));
  EXPECT_FALSE(matches_tag("", ""));
}

}  // namespace
}  // namespace weir::gateway
