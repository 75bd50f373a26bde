#include "body.h"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

struct Body {
  explicit Body(std::string_view text) : bytes(text) { bytes.append(block_padding, '\0'), size = text.size(); }
  std::span<char> span() { return {bytes.data(), size}; }
  std::string bytes;
  std::size_t size;
};

class BodyParsing : public testing::Test {
 protected:
  std::vector<std::string> events(std::string_view text, Format format = Format::lines) {
    Body body(text);
    trouble = parser.parse(body.span(), format);
    std::vector<std::string> out;
    for (const auto& slot : parser.parsed().index) out.emplace_back(body.bytes.substr(slot.offset, slot.length));
    return out;
  }
  std::vector<std::uint64_t> bad_lines() const {
    std::vector<std::uint64_t> lines;
    for (const auto& bad : parser.parsed().bad) lines.push_back(bad.line);
    return lines;
  }
  PriorityRule no_priorities;
  BodyParser parser{{.max_event = 64_B, .max_events = 5}, no_priorities, false};
  std::optional<BodyParser::Trouble> trouble;
  using Texts = std::vector<std::string>;
};

TEST_F(BodyParsing, TakesLinesAsTheyAreAndSkipsEmptyOnes) {
  EXPECT_EQ(events("{\"a\":1}\n\n  {\"b\":2}\r\n7\n\"x\"\n"), (Texts{"{\"a\":1}", "  {\"b\":2}", "7", "\"x\""}));
  EXPECT_FALSE(trouble);
  EXPECT_EQ(parser.parsed().bad_events, 0u);
}

TEST(TextParsing, TakesLinesOfAnyText) {
  const PriorityRule no_priorities;
  BodyParser parser({.max_event = 64_B, .max_events = 5, .text = true}, no_priorities, false);
  const auto reason = [&](std::string_view text) {
    const auto trouble = parser.parse(Body(text).span(), Format::any);
    return trouble ? std::optional(trouble->reason) : std::nullopt;
  };
  Body body("\xef\xbb\xbf[plain \n\n\r\nlevel=info\r\n{\"a\":\n\xff");
  ASSERT_FALSE(parser.parse(body.span(), Format::any));
  std::vector<std::string> lines;
  for (const auto& slot : parser.parsed().index) lines.push_back(body.bytes.substr(slot.offset, slot.length));
  EXPECT_EQ(lines, (std::vector<std::string>{"[plain ", "level=info", "{\"a\":", "\xff"}));
  EXPECT_EQ(parser.parsed().bad_events, 0u);
  EXPECT_EQ(reason(std::string(65, 'x') + "\n"), Reason::event_too_large);
  EXPECT_EQ(reason("1\n2\n3\n4\n5\n6\n"), Reason::too_many_events);
}

TEST_F(BodyParsing, TakesALastLineWithoutANewline) {
  EXPECT_EQ(events("{\"a\":1}\n{\"b\":2}"), (Texts{"{\"a\":1}", "{\"b\":2}"}));
}

TEST_F(BodyParsing, NamesEveryBadLineAndKeepsTheGoodOnes) {
  EXPECT_EQ(events("{\"a\":1}\n{bad\n{\"b\":2}\n{\"c\":\n"), (Texts{"{\"a\":1}", "{\"b\":2}"}));
  EXPECT_EQ(bad_lines(), (std::vector<std::uint64_t>{2, 4}));
}

TEST_F(BodyParsing, DoesNotTakeTwoEventsOnOneLine) {
  EXPECT_TRUE(events("{\"a\":1} {\"b\":2}\n").empty());
  EXPECT_EQ(bad_lines(), std::vector<std::uint64_t>{1});
}

TEST_F(BodyParsing, DoesNotTakeAnEventOverTwoLinesAsLines) {
  EXPECT_TRUE(events("{\"a\":\n1}\n").empty());
  EXPECT_EQ(bad_lines(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(BodyParsing, RefusesInvalidUtf8) {
  EXPECT_TRUE(events("{\"a\":\"\xff\"}\n").empty());
  EXPECT_EQ(bad_lines(), std::vector<std::uint64_t>{1});
}

TEST_F(BodyParsing, TakesEveryNumberAndSingleSurrogatesAsTheyAre) {
  const Texts all{R"({"n":123456789012345678901234567890})", R"({"x":1e400})", R"({"x":18446744073709551616})",
                  R"(["\ud800"])"};
  std::string lines, array = "[";
  for (const auto& event : all) {
    lines += event + "\n";
    array += (array.size() > 1 ? "," : "") + event;
  }
  EXPECT_EQ(events(lines), all);
  EXPECT_EQ(events(array + "]", Format::any), all);
  EXPECT_TRUE(events("{\"x\":1e}\n{\"x\":01}\n{\"n\":99999999999999999999,\"x\":\"\xff\"}\n").empty());
  EXPECT_EQ(parser.parsed().bad_events, 3u);
}

TEST_F(BodyParsing, StepsOverAByteOrderMark) {
  EXPECT_EQ(events("\xef\xbb\xbf{\"a\":1}\n{\"b\":2}\n"), (Texts{"{\"a\":1}", "{\"b\":2}"}));
  EXPECT_EQ(events("\xef\xbb\xbf[{\"a\":1}]", Format::any), (Texts{"{\"a\":1}"}));
  EXPECT_EQ(events("\xef\xbb\xbf{\"a\":\n1}", Format::any), (Texts{"{\"a\": 1}"}));
}

TEST_F(BodyParsing, NeverMendsALineFeedWithinAString) {
  EXPECT_TRUE(events("[{\"a\":\"x\ny\"}]", Format::any).empty());
  EXPECT_EQ(bad_lines(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(events("[{\"a\":\n1}]", Format::any), (Texts{"{\"a\": 1}"}));
  EXPECT_TRUE(events("{\"a\":\"x\ny\",\n\"b\":1}", Format::any).empty()) << "one document over several lines";
  EXPECT_EQ(bad_lines(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(BodyParsing, RefusesAnEventThatIsTooLarge) {
  events("{\"a\":1}\n{\"a\":\"" + std::string(64, 'x') + "\"}\n");
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->reason, Reason::event_too_large);
  EXPECT_NE(trouble->why.find("line 2"), std::string::npos);
}

TEST_F(BodyParsing, RefusesMoreEventsThanAllowed) {
  events("1\n2\n3\n4\n5\n6\n");
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->reason, Reason::too_many_events);
}

TEST_F(BodyParsing, TakesAnArrayApartAndMakesEachElementOneLine) {
  EXPECT_EQ(events("[ {\"a\":1} ,\n{\"b\":\n[1,2]}, \"],[\" ]", Format::any),
            (Texts{"{\"a\":1}", "{\"b\": [1,2]}", "\"],[\""}));
  EXPECT_TRUE(parser.parsed().array);
}

TEST_F(BodyParsing, TakesAnEmptyArrayAndAnEmptyBodyAsNoEvents) {
  EXPECT_TRUE(events("[]", Format::any).empty());
  EXPECT_TRUE(events("", Format::any).empty());
  EXPECT_FALSE(trouble);
}

TEST_F(BodyParsing, RefusesAnArrayThatDoesNotEndOrGoesOn) {
  events("[1,2", Format::any);
  EXPECT_TRUE(trouble);
  events("[1,2] 3", Format::any);
  EXPECT_TRUE(trouble);
}

TEST_F(BodyParsing, NamesTheBadElementOfAnArray) {
  EXPECT_EQ(events("[1,,2]", Format::any), (Texts{"1", "2"}));
  EXPECT_EQ(bad_lines(), std::vector<std::uint64_t>{2});
}

TEST_F(BodyParsing, TakesAPrettyPrintedObjectAsOneEvent) {
  EXPECT_EQ(events("{\n  \"a\": 1\n}\n", Format::any), (Texts{"{   \"a\": 1 }"}));
  EXPECT_EQ(parser.parsed().bad_events, 0u);
}

TEST_F(BodyParsing, ReadsThePriorityOfEachEvent) {
  const PriorityRule rule{
      .header = "", .path = ".level", .map = {{"error", Priority::critical}}, .fallback = Priority::low};
  BodyParser prioritising({}, rule, false);
  Body body("{\"level\":\"error\"}\n{\"level\":\"info\"}\n7\n");
  EXPECT_FALSE(prioritising.parse(body.span(), Format::lines));
  EXPECT_EQ(prioritising.parsed().priorities,
            (std::vector<Priority>{Priority::critical, Priority::low, Priority::low}));
}

TEST(FormatOf, KnowsWhatPeopleSend) {
  EXPECT_EQ(format_of("application/x-ndjson; charset=utf-8"), Format::lines);
  EXPECT_EQ(format_of("Application/JSON"), Format::any);
  EXPECT_EQ(format_of(""), Format::any);
  EXPECT_EQ(format_of("application/x-www-form-urlencoded"), Format::any);
  EXPECT_EQ(format_of("multipart/form-data"), std::nullopt);
}

TEST(FormatOf, TellsTypesThatAWebPageMaySendUnasked) {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "application/x-ndjson"})
    EXPECT_TRUE(is_json_type(type)) << type;
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json"})
    EXPECT_FALSE(is_json_type(type)) << type;
}

}  // namespace
}  // namespace weir::http
