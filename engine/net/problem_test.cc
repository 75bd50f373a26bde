#include "net/problem.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

TEST(Problem, NamesTheReasonItsStatusAndWhatToDo) {
  const auto body = problem_body({Reason::flow_full, std::chrono::milliseconds(3200)}, "warehouse 512/512");
  EXPECT_TRUE(body.starts_with(
      R"({"error":"flow_full","status":503,"message":"a queue on the way to a required sink is full: warehouse 512/512","retry_after":4,"advice":")"))
      << body;
  EXPECT_TRUE(body.ends_with("\"}\n"));
}

TEST(Problem, LeavesOutARetryAfterOfZero) {
  EXPECT_EQ(problem_body({Reason::malformed, {}}, {}).find("retry_after"), std::string::npos);
}

TEST(Problem, EscapesWhatAClientMadeUp) {
  const auto body = problem_body({Reason::not_found, {}}, "no \"x\"\r\n\xff here");
  EXPECT_NE(body.find(R"(no \"x\")"), std::string::npos) << body;
  EXPECT_EQ(body.find('\r'), std::string::npos);
  EXPECT_EQ(body.find('\n'), body.size() - 1) << "one line";
  EXPECT_EQ(body.find('\xff'), std::string::npos);
}

TEST(Problem, RoundsSecondsUp) {
  EXPECT_EQ(whole_seconds(Duration{0}), 0u);
  EXPECT_EQ(whole_seconds(Duration{1}), 1u);
  EXPECT_EQ(whole_seconds(std::chrono::seconds(2)), 2u);
  EXPECT_EQ(whole_seconds(std::chrono::milliseconds(2001)), 3u);
}

}  // namespace
}  // namespace weir::net
