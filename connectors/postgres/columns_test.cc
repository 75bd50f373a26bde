#include "columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql.h"

namespace weir::postgres {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto columns = parse_columns({{"a", text}});
  return columns ? "none" : columns.error().message;
}

TEST(Columns, AreReadFromOneLineEach) {
  const auto columns = parse_columns({{"id", ".order.id text required"},
                                      {"n", "  .items[0].\"odd key\"   numeric"},
                                      {"plain", ".plain"},
                                      {"state", ".state text default not known"},
                                      {"paid", ".paid bool default false"},
                                      {"tags", ".tags jsonb default []"},
                                      {"at", "received"},
                                      {"raw", "event jsonb"}});
  ASSERT_TRUE(columns) << columns.error().message;
  EXPECT_TRUE((*columns)[0].required);
  EXPECT_EQ((*columns)[1].type->name, "numeric");
  EXPECT_EQ((*columns)[1].path.steps.back().key, "odd key");
  EXPECT_EQ((*columns)[2].type->name, "text");
  EXPECT_EQ((*columns)[3].fallback.substr(4), "not known");
  EXPECT_EQ((*columns)[4].fallback.back(), '\0');
  EXPECT_EQ((*columns)[5].fallback.substr(4), "\1[]");
  EXPECT_EQ((*columns)[6].from, Column::From::received);
  EXPECT_EQ((*columns)[7].from, Column::From::event);
}

TEST(Columns, SayWhatIsWrongWithThem) {
  EXPECT_THAT(error_of("amount int"), HasSubstr("columns.a: expected a path such as .amount, `event` or `received`"));
  EXPECT_THAT(error_of(".a varchar"), HasSubstr("\"varchar\" is no type (text, int"));
  EXPECT_THAT(error_of(".a int default x"), HasSubstr("its default: \"x\" is no int"));
  EXPECT_THAT(error_of(".a int requird"), HasSubstr("requird"));
  EXPECT_THAT(error_of(".a int required default 3"), HasSubstr("required"));
  EXPECT_THAT(error_of("event text"), HasSubstr("always jsonb"));
  EXPECT_THAT(error_of(".a[x]"), HasSubstr("index"));
  EXPECT_THAT(error_of(".a,b"), HasSubstr("blank"));
  EXPECT_FALSE(parse_columns({{"a", ".a"}, {"a", ".b"}}));
  EXPECT_FALSE(parse_columns({{std::string(64, 'x'), ".a"}}));
}

TEST(Sql, QuotesTablesAndColumns) {
  const auto table = parse_table("sales.Orders");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->quoted, R"("sales"."Orders")");
  const auto columns = *parse_columns({{"i\"d", ".id"}, {"n", ".n int required"}});
  EXPECT_EQ(insert_sql(*table, columns, {"i\"d"}),
            R"(INSERT INTO "sales"."Orders" ("i""d", "n") SELECT * FROM unnest($1::text[], $2::int[]) )"
            R"(ON CONFLICT ("i""d") DO NOTHING)");
  EXPECT_EQ(insert_sql(*table, columns, {}),
            R"(INSERT INTO "sales"."Orders" ("i""d", "n") SELECT * FROM unnest($1::text[], $2::int[]))");
  EXPECT_EQ(copy_sql(*table, columns), R"(COPY "sales"."Orders" ("i""d", "n") FROM STDIN (FORMAT binary))");
  EXPECT_EQ(create_sql(*table, columns, {"n"}),
            R"(CREATE TABLE IF NOT EXISTS "sales"."Orders" ("i""d" text, "n" int NOT NULL, PRIMARY KEY ("n")))");
}

TEST(Sql, ReadsTheNameOfATable) {
  EXPECT_EQ(parse_table(R"("my.schema"."a""b")")->quoted, R"("my.schema"."a""b")");
  EXPECT_EQ(parse_table(R"("my.schema"."a""b")")->shown, R"(my.schema.a"b)");
  for (const char* wrong : {"", ".", "a.", ".a", "a.b.c", R"("a)", R"(a"b)", R"("a"b)", R"("")"})
    EXPECT_FALSE(parse_table(wrong)) << wrong;
  EXPECT_NE(types_sql(*parse_table("a'b")).find(R"('"a''b"'::regclass)"), std::string::npos);
}

}  // namespace
}  // namespace weir::postgres
