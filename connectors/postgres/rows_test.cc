#include "rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>

namespace weir::postgres {
namespace {

using conformance::batch_of;
using testing::HasSubstr;
using namespace std::string_view_literals;

class RowsTest : public testing::Test {
 protected:
  Batch batch(const std::vector<std::string>& events) { return batch_of(events, 700); }
  /// Adds all events; what each of them came to.
  std::vector<std::string> add(Rows& rows, const std::vector<std::string>& events) {
    std::vector<std::string> all;
    Batch given = batch(events);
    for (std::uint32_t i = 0; i < given.size(); ++i) {
      const auto added = rows.add(given, i);
      all.push_back(!added ? added.error() : *added ? "row" : "full");
    }
    given.settle(Fate::stored);
    return all;
  }
  const std::vector<Column> two_ = *parse_columns({{"a", ".a int"}, {"b", ".b text required"}});
  const std::vector<Column> event_ = *event_columns(true, ".id");
};

TEST_F(RowsTest, BecomeOneArrayAColumn) {
  Rows rows(two_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  EXPECT_THAT(add(rows, {R"({"a":1,"b":"x"})", R"({"b":"yz"})"}), testing::Each("row"));
  const auto values = rows.finish();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0],
            "\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1"
            "\0\0\0\4\0\0\0\1"
            "\xff\xff\xff\xff"sv);
  EXPECT_EQ(values[1],
            "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1"
            "\0\0\0\1x"
            "\0\0\0\2yz"sv);
}

TEST_F(RowsTest, OfNothingAreArraysWithoutADimension) {
  Rows rows(two_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  EXPECT_EQ(rows.finish()[0], "\0\0\0\0\0\0\0\0\0\0\0\x17"sv);
}

TEST_F(RowsTest, BecomeOneStreamForCopy) {
  Rows rows(two_, 64_KiB);
  rows.begin(Rows::Form::stream);
  EXPECT_THAT(add(rows, {R"({"a":1,"b":"x"})", R"({"a":2})", R"({"b":"yz"})"})[1], HasSubstr("column b"));
  const auto values = rows.finish();
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0],
            "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
            "\0\2\0\0\0\4\0\0\0\1\0\0\0\1x"
            "\0\2\xff\xff\xff\xff\0\0\0\2yz"
            "\xff\xff"sv);
}

TEST_F(RowsTest, LeaveNothingOfARefusedEvent) {
  Rows rows(two_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  const auto told = add(rows, {R"({"a":1})", R"({"a":"x","b":"y"})", R"({"a":2,"b":null})", R"({"a":3,"b":"z"})"});
  EXPECT_EQ(told[0], "column b: it is missing, and required");
  EXPECT_EQ(told[1], "column a: \"x\" is no int");
  EXPECT_EQ(told[2], "column b: it is null, and required");
  EXPECT_EQ(told[3], "row");
  EXPECT_EQ(rows.count(), 1u);
  EXPECT_EQ(rows.finish()[0].substr(20), "\0\0\0\4\0\0\0\3"sv);
}

TEST_F(RowsTest, HoldTheEventAndItsIdOrNumber) {
  Rows rows(event_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  EXPECT_THAT(add(rows, {R"({"id":"x"})", "17", R"({"id":8})", "[1]", "\"t\"", "null", " {} ", R"({"id":""})"}),
              testing::Each("row"));
  const auto values = rows.finish();
  EXPECT_EQ(values[0].substr(20),
            "\0\0\0\1x\0\0\0\003701\0\0\0\0018\0\0\0\003703\0\0\0\003704\0\0\0\003705\0\0\0\003706\0\0\0\003707"sv);
  EXPECT_EQ(values[1].substr(20, 15), "\0\0\0\013\1{\"id\":\"x\"}"sv);
}

TEST_F(RowsTest, RefuseWhatIsNoJson) {
  Rows rows(event_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  for (const auto& bad :
       {std::string("plain"), std::string("{\"a\":1"), std::string("{\"a\" 1}"), std::string("[1"), std::string("tru"),
        std::string("\"\xff\""), std::string("{\"id\":\"\0\"}", 10), std::string("1 2"), std::string("{} {}")})
    EXPECT_THAT(add(rows, {bad})[0], HasSubstr("not JSON")) << bad;
  EXPECT_THAT(add(rows, {R"({"id":"\u0000"})"})[0], HasSubstr("column id: it holds a zero character"));
}

TEST_F(RowsTest, RefuseAnEmptyTextAsTheKey) {
  auto columns = *parse_columns({{"k", ".k text"}, {"v", ".v text"}});
  columns[0].is_key = true;
  Rows rows(columns, 64_KiB);
  rows.begin(Rows::Form::arrays);
  EXPECT_THAT(add(rows, {R"({"k":"","v":"x"})"})[0], HasSubstr("column k: it is empty, and the key"));
  EXPECT_THAT(add(rows, {R"({"k":"a","v":""})"}), testing::Each("row"));
}

TEST_F(RowsTest, MakeNoRowOfNullsOfWhatIsNoJson) {
  const auto columns = *parse_columns({{"a", ".a int"}, {"b", ".b text"}});
  Rows rows(columns, 64_KiB);
  rows.begin(Rows::Form::arrays);
  for (const auto* bad : {"plain", "", "{\"b\":\"x\"", "{} {}"})
    EXPECT_EQ(add(rows, {bad})[0], "column a: it is missing: the event is not JSON") << bad;
  EXPECT_THAT(add(rows, {"{}", "17"}), testing::Each("row"));
}

TEST_F(RowsTest, EndWhereTheirBytesDo) {
  Rows rows(event_, 64_KiB);
  rows.begin(Rows::Form::arrays);
  const auto large = [](int n) {
    return R"({"id":)" + std::to_string(n) + R"(,"v":")" + std::string(15'000, 'x') + "\"}";
  };
  EXPECT_THAT(add(rows, {large(1), large(2), large(3), large(4), large(5)}),
              testing::ElementsAre("row", "row", "row", "row", "full"));
  std::size_t bytes = 0;
  for (const auto value : rows.finish()) bytes += value.size();
  EXPECT_LE(bytes, (64_KiB).count() + 40);
  rows.begin(Rows::Form::arrays);
  EXPECT_THAT(add(rows, {R"({"v":")" + std::string(16'384, 'x') + "\"}"})[0], HasSubstr("raise its `max_statement`"));
}

TEST_F(RowsTest, RefuseARowThatIsLargerThanAStatement) {
  const auto columns = *parse_columns({{"a", "event"}, {"b", "event"}, {"c", "event"}, {"d", "event"}, {"e", "event"}});
  Rows rows(columns, 64_KiB);
  rows.begin(Rows::Form::arrays);
  EXPECT_THAT(add(rows, {R"({"v":")" + std::string(16'000, 'x') + "\"}"})[0], HasSubstr("its row has"));
}

}  // namespace
}  // namespace weir::postgres
