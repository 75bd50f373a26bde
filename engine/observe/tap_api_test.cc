#include "observe/tap_api.h"

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

const TimePoint start{std::chrono::seconds(100)};

TEST(TapApi, GivesAPageOfRedactedEventsAsTheirOwnBytes) {
  pipeline::TapBoard board;
  pipeline::Tap& tap = board.add("orders");
  EXPECT_EQ(tap_response(board, "edge=orders", start).body, "{\"next\":0,\"passed\":0,\"missed\":0,\"events\":[]}\n");
  tap.offer(R"({"id":1,"token":"t"})", start);
  tap.offer("two\nlines\xff", start);
  EXPECT_EQ(tap_response(board, "edge=orders&after=0&redact=.id", start).body,
            "{\"next\":2,\"passed\":2,\"missed\":0,\"events\":[{\"length\":40},{\"length\":10}]}\n"
            "{\"id\":\"<redacted>\",\"token\":\"<redacted>\"}"
            "two\nlines\xff");
}

TEST(TapApi, AnEdgeThatIsNotThereIsAnsweredWithThoseThatAre) {
  pipeline::TapBoard board;
  board.add("a");
  board.add("b");
  const auto response = tap_response(board, "edge=%22%1b", start);
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("there are: a, b"), std::string::npos);
}

TEST(TapApi, RefusesParametersThatAreNone) {
  pipeline::TapBoard board;
  board.add("a");
  for (const char* query : {"edge=a&after=x", "edge=a&most=-1", "edge=a&loud=1", "edge=a&every=1e3"})
    EXPECT_EQ(tap_response(board, query, start).status, 400) << query;
}

TEST(TapApi, RefusesAFifthTapWhileFourAreRead) {
  pipeline::TapBoard board;
  for (const char* name : {"a", "b", "c", "d", "e"}) board.add(name);
  for (const char* query : {"edge=a", "edge=b", "edge=c", "edge=d"})
    EXPECT_EQ(tap_response(board, query, start).status, 200);
  EXPECT_EQ(tap_response(board, "edge=e", start).status, 429);
}

}  // namespace
}  // namespace weir::observe
