#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/batch.h>

#include "replay_letter.h"
#include "replay_progress.h"
#include "replay_target.h"

namespace weir::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Kind = ReplayAnswer::Kind;

net::HttpAnswer answer(int status, std::string body = "", std::string fields = "") {
  return {.status = status, .fields = std::move(fields), .body = std::move(body)};
}

TEST(ReplayLetter, GivesTheEventBackByteForByte) {
  LetterReader reader;
  const auto letter = reader.read(
      R"({"reason":"malformed","why":"x","origin":"in","attempts":2,"at_ms":1500,"event":"{\"a\":\"\u00e9\\n\"}"})");
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->event, "{\"a\":\"\xc3\xa9\\n\"}");
  EXPECT_EQ(letter->reason, "malformed");
  EXPECT_EQ(letter->attempts, 2u);
  EXPECT_EQ(letter->at(), WallTime(std::chrono::milliseconds(1500)));
  const auto bytes = reader.read(R"({"reason":"malformed","origin":"in","event_hex":"ff00"})");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->event, std::string("\xff\0", 2));
}

TEST(ReplayLetter, TakesNothingElseForALetter) {
  LetterReader reader;
  for (const char* text :
       {"", "{}", "[1]", R"({"reason":"a","origin":"b"})", R"({"reason":"a","event":"{}"})",
        R"({"reason":"a","origin":"b","event_hex":"f"})", R"({"reason":"a","origin":"b","event_hex":"zz"})"})
    EXPECT_FALSE(reader.read(text)) << text;
}

TEST(ReplayLetter, ShowsConditionsWhatTheEventSays) {
  auto filter = JournalFilter::make(R"(.reason == "late" && .event.n == 3)");
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->takes(Letter{.reason = "late", .event = R"({"n":3})"}));
  EXPECT_FALSE(filter->takes(Letter{.reason = "late", .event = R"({"n":4})"}));
  EXPECT_FALSE(filter->takes(Letter{.reason = "soon", .event = R"({"n":3})"}));
  auto text = JournalFilter::make(R"(.event == "no json")");
  EXPECT_TRUE(text->takes(Letter{.event = "no json"}));
  EXPECT_FALSE(JournalFilter::make(".a ==").has_value());
}

TEST(ReplayTarget, ReadsAddresses) {
  const auto url = parse_replay_url("http://127.0.0.1:8080/events?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->address, "127.0.0.1:8080");
  EXPECT_EQ(url->target, "/events?x=1");
  EXPECT_EQ(parse_replay_url("https://a.example")->address, "a.example:443");
  EXPECT_EQ(parse_replay_url("http://a.example")->target, "/events");
  for (const char* text :
       {"a:80/x", "ftp://a/", "http://", "http://u:p@a/", "http://a:b/", "http://a/ b", "http://a/#x"})
    EXPECT_FALSE(parse_replay_url(text)) << text;
}

TEST(ReplayTarget, CountsTheFatesOfWhatWasTaken) {
  EXPECT_THAT(judge_replay(answer(200, R"({"events":3,"fate":"stored"})"), 3).fates, ElementsAre(Pair("stored", 3u)));
  EXPECT_THAT(judge_replay(answer(200, R"({"events":3,"fate":"dropped","paths":{"stored":2,"dropped":1}})"), 3).fates,
              ElementsAre(Pair("dropped", 1u), Pair("stored", 2u)));
  EXPECT_EQ(judge_replay(answer(204), 3).kind, Kind::taken);
}

TEST(ReplayTarget, ComesAgainWhenItIsAskedTo) {
  const auto later = judge_replay(answer(503, R"({"message":"flow_full"})", "Retry-After: 7\r\n"), 1);
  EXPECT_EQ(later.kind, Kind::again);
  EXPECT_EQ(later.retry_after, std::chrono::seconds(7));
  EXPECT_THAT(later.why, HasSubstr("flow_full"));
  for (const int status : {408, 425, 429, 500, 502, 503, 504})
    EXPECT_EQ(judge_replay(answer(status), 1).kind, Kind::again);
  EXPECT_EQ(judge_replay(answer(503, "", "Retry-After: 99999999\r\n"), 1).retry_after, std::chrono::hours(1));
}

TEST(ReplayTarget, TellsWhatIsWrongWithTheRequestFromWhatIsWrongWithTheEvents) {
  for (const int status : {301, 401, 403, 404, 405, 415}) EXPECT_EQ(judge_replay(answer(status), 1).kind, Kind::stop);
  for (const int status : {400, 413, 422}) EXPECT_EQ(judge_replay(answer(status), 1).kind, Kind::refused);
  const auto lines = judge_replay(answer(422, R"({"lines":[{"line":2,"why":"odd"},{"line":9,"why":"none"}]})"), 3);
  EXPECT_THAT(lines.lines, ElementsAre(Pair(2u, "odd")));
  EXPECT_TRUE(judge_replay(answer(422, R"({"events":2,"fate":"failed"})"), 2).all);
  EXPECT_FALSE(judge_replay(answer(422, R"({"events":2,"fate":"failed","paths":{"failed":1,"stored":1}})"), 2).all);
}

TEST(ReplayProgress, IsReadAsItWasWritten) {
  const ReplayProgress progress{"to \"x\"", "file:00", {12, 3456}, 10, 2};
  const auto read = decode_progress(encode(progress));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->what, progress.what);
  EXPECT_EQ(read->identity, progress.identity);
  EXPECT_EQ(read->place, progress.place);
  EXPECT_EQ(read->replayed, 10u);
  EXPECT_EQ(read->refused, 2u);
  const std::string text = encode(progress);
  EXPECT_FALSE(decode_progress(text.substr(0, text.size() / 2)));
  EXPECT_FALSE(decode_progress("{}"));
  EXPECT_FALSE(decode_progress(std::string(text).replace(text.find(":1"), 2, ":2")));
}

TEST(ReplayProgress, LiesBesideWhatIsRead) {
  EXPECT_EQ(progress_path("data/dead.ndjson"), "data/dead.ndjson.replay");
  EXPECT_EQ(progress_path("data/dead/"), "data/dead.replay");
}

}  // namespace
}  // namespace weir::app
