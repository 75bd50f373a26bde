#include <weir/base/reason.h>

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string_view>

namespace weir {
namespace {

// Those that are answered at the door, before anything was taken into the flow.
constexpr auto last_at_the_door = Reason::origin_refused;
constexpr auto last_reason = Reason::client_gone;

TEST(Reasons, StandInTheOrderOfTheEnum) {
  ASSERT_EQ(all_reasons().size(), static_cast<std::size_t>(last_reason) + 1);
  for (std::size_t i = 0; i < all_reasons().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(all_reasons()[i].reason), i) << all_reasons()[i].key;
}

TEST(Reasons, HaveUniqueKeysThatCanBeMetricLabels) {
  std::set<std::string_view> keys;
  for (const auto& row : all_reasons()) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    EXPECT_FALSE(row.key.empty());
    for (const char c : row.key) EXPECT_TRUE(std::islower(static_cast<unsigned char>(c)) || c == '_') << row.key;
  }
}

TEST(Reasons, AreFoundByTheirKeys) {
  for (const auto& row : all_reasons()) {
    EXPECT_EQ(reason_from_key(row.key), row.reason);
    EXPECT_EQ(name(row.reason), row.key);
  }
  EXPECT_EQ(reason_from_key("no_such_reason"), std::nullopt);
}

TEST(Reasons, AtTheDoorAllHaveAnHttpAndAGrpcStatus) {
  for (const auto& row : all_reasons()) {
    if (row.reason > last_at_the_door) break;
    EXPECT_GE(row.http_status, 400) << row.key;
    EXPECT_LT(row.http_status, 600) << row.key;
    EXPECT_GT(row.grpc_status, 0) << row.key;
  }
}

TEST(Reasons, AreAnsweredByWhoseLimitItIs) {
  EXPECT_EQ(info(Reason::rate_limited).http_status, 429);
  EXPECT_EQ(info(Reason::flow_full).http_status, 503);
  EXPECT_EQ(info(Reason::memory_full).http_status, 503);
  EXPECT_EQ(info(Reason::breaker_open).http_status, 503);
  EXPECT_EQ(info(Reason::deadline_exceeded).http_status, 504);
}

TEST(Reasons, DroppedInsideAreNeverHttpAnswers) {
  for (const auto r : {Reason::drop_newest, Reason::drop_oldest, Reason::drop_lowest, Reason::drop_random,
                       Reason::codel, Reason::expired, Reason::late, Reason::behind})
    EXPECT_EQ(info(r).http_status, 0) << name(r);
}

TEST(Reasons, AllSayWhatItIsAndWhatToDo) {
  for (const auto& row : all_reasons()) {
    EXPECT_FALSE(row.summary.empty()) << row.key;
    EXPECT_FALSE(row.advice.empty()) << row.key;
    EXPECT_TRUE(row.advice.ends_with('.')) << row.key;
    EXPECT_FALSE(row.summary.ends_with('.')) << row.key << ": a summary stands in the middle of a sentence";
  }
}

}  // namespace
}  // namespace weir
