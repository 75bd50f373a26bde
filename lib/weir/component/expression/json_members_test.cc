#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/component/expression/json_members.h>
#include <weir/component/expression/testing.h>

#include <string>

namespace weir {
namespace {

/// "name=value" of each member, "!" behind them where the event breaks off; "none" for what is no object.
std::string members(std::string_view text, Bytes largest = 1_MiB) {
  const PaddedText event(text);
  JsonMembers members(largest);
  if (!members.index(event.view())) return "none";
  std::string all;
  for (const auto& member : members.all())
    all += std::string(members.key(member)) + "=" + std::string(members.value(member)) + " ";
  return members.complete() ? all : all + "!";
}

TEST(JsonMembers, FindsEachAsItWasWritten) {
  EXPECT_EQ(members(R"({"a":1,"b" : "x" , "c":[1, {"d":"]}"}],"e":{}})"), R"(a=1 b="x" c=[1, {"d":"]}"}] e={} )");
  EXPECT_EQ(members(" \t{ \"a\"\n: null }\r\n"), "a=null ");
  EXPECT_EQ(members("{}"), "");
  EXPECT_EQ(members(" { } "), "");
}

TEST(JsonMembers, PassesOverEscapedQuotesAndLongTextsAtEveryOffset) {
  for (std::size_t n = 0; n < 70; ++n) {
    const auto text = std::string(n, 'x') + R"(\"\\)" + std::string(n, 'y');
    EXPECT_EQ(members(R"({"a":")" + text + R"(","b":[")" + text + R"(]"]})"),
              "a=\"" + text + "\" b=[\"" + text + "]\"] ");
  }
}

TEST(JsonMembers, GivesWhatStandsBeforeTheBreak) {
  EXPECT_EQ(members(R"({"a":1,"b" 2,"c":3})"), "a=1 !");
  EXPECT_EQ(members(R"({"a":1 "b":2})"), "a=1 !");
  EXPECT_EQ(members(R"({"a":1,})"), "a=1 !");
  EXPECT_EQ(members(R"({"a":1}})"), "a=1 !");
  EXPECT_EQ(members(R"({"a":1,"b":[{})"), "a=1 !");
  EXPECT_EQ(members(R"({"a":1,"b":{{})"), "a=1 !");
  EXPECT_EQ(members(R"({,"a":1})"), "!");
}

TEST(JsonMembers, TakesAPlainValueOnlyUpToWhatMayFollowIt) {
  EXPECT_EQ(members(R"({"a":1"x","b":2})"), "!");
  EXPECT_EQ(members("{\"a\":1\x1a,\"b\":2}"), "!");
  EXPECT_EQ(members("{\"a\":" + std::string(1, '\0') + "}"), "!");
  EXPECT_EQ(members(R"({"a":,"b":2})"), "!");
}

TEST(JsonMembers, RefusesWhatIsAPartOfSomethingOrNoText) {
  for (const std::string_view text : {"", " ", "1", "[]", "\"{}\"", "{", "}", R"({"a":1)", R"({"a":"x})",
                                      R"({"a":1,"})", R"({"a" 1,"b":"})", R"({"a":1} {"b":2)", R"({"a":1,x\"})"})
    EXPECT_EQ(members(text), "none") << text;
  EXPECT_EQ(members("{\"a\":\"\x01\"}"), "none");
  EXPECT_EQ(members("{\"a\":\"\\\x01\"}"), "none");
  for (std::size_t n = 0; n < 20; ++n) EXPECT_EQ(members("{\"a\":\"" + std::string(n, 'x') + "\xff\"}"), "none") << n;
  EXPECT_EQ(members("{\"a\":\"\xc3\xa4\"}"), "a=\"\xc3\xa4\" ");
}

TEST(JsonMembers, LooksNoFurtherThanTheEvent) {
  const PaddedText two(R"({"a":"x}{"b":"y"})");
  JsonMembers members(1_MiB);
  EXPECT_FALSE(members.index(two.view().substr(0, 8))) << "the quote that closes belongs to the next";
}

/// A plain event is walked over by its quotes, any other byte after byte: both ways find the same.
TEST(JsonMembers, FindsTheSameByEitherWay) {
  constexpr std::string_view pieces[] = {
      "\"", "\"", "\"",     "{",     "}",
      "[",  "]",  ",",      ":",     " ",
      "1",  "a",  "\"k\":", "\"v\"", "\"a long text with nothing in it at all but what it needs to be long\""};
  Rng rng(7);
  for (int n = 0; n < 20'000; ++n) {
    std::string text = R"({"id":1,)";
    for (auto left = rng.below(30); left > 0; --left) text += pieces[rng.below(std::size(pieces))];
    text += rng.below(2) ? R"("e":2})" : "}";
    const auto odd = "{\t" + text.substr(1);  // not plain, and nothing else
    ASSERT_EQ(members(text), members(odd)) << text;
  }
}

TEST(JsonMembers, TakesEventsUpToItsLimitWithAsManyMembersAsFit) {
  std::string most = "{";
  while (most.size() < 1020) most += R"("":1,)";
  most.back() = '}';
  EXPECT_EQ(members(most, Bytes(most.size())).size(), (most.size() - 1) / 5 * 3);
  EXPECT_EQ(members(most, Bytes(most.size() - 1)), "none");
}

TEST(JsonMembers, FindsWhatStandsInside) {
  const PaddedText event(R"({"o":{"a":1,"b":[10, "x" ,{}],"a":2}})");
  JsonMembers members(1_MiB);
  ASSERT_TRUE(members.index(event.view()));
  const auto object = members.value(members.all()[0]);
  const auto inside = [&](std::string_view key) { return members.find_in(object, key, JsonMembers::head_of(key)); };
  EXPECT_EQ(inside("a"), "1");
  EXPECT_EQ(inside("c"), "");
  EXPECT_EQ(JsonMembers::element(inside("b"), 1), "\"x\"");
  EXPECT_EQ(JsonMembers::element(inside("b"), 2), "{}");
  EXPECT_EQ(JsonMembers::element(inside("b"), 3), "");
  EXPECT_EQ(JsonMembers::element("[]", 0), "");
  EXPECT_EQ(JsonMembers::element(inside("a"), 0), "");
}

}  // namespace
}  // namespace weir
