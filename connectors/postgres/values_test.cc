#include "values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "numeric.h"

namespace weir::postgres {
namespace {

using testing::HasSubstr;
using Kind = JsonValue::Kind;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

/// As an event with a field .v would give it.
JsonValue value_of(const std::string& json) {
  static std::string event, unescaped;
  static JsonEvent reader;
  event = "{\"v\":" + json + "}" + std::string(64, '\0');
  reader.look_at(std::string_view(event).substr(0, event.size() - 64));
  return reader.at(*Path::parse(".v"), unescaped);
}

std::string encoded(const char* type, const std::string& json) {
  std::string out;
  const auto why = append_value(*find_type(type), value_of(json), out);
  return why.empty() ? hex(out) : "refused: " + why;
}

TEST(Values, AreWhatPostgresReads) {
  EXPECT_EQ(encoded("text", R"("a\u00e4")"), "0000000361c3a4");
  EXPECT_EQ(encoded("text", "17.50"), "0000000531372e3530");
  EXPECT_EQ(encoded("text", "true"), "0000000474727565");
  EXPECT_EQ(encoded("int", "-2"), "00000004fffffffe");
  EXPECT_EQ(encoded("int", "1e3"), "00000004000003e8");
  EXPECT_EQ(encoded("int", R"("7")"), "0000000400000007");
  EXPECT_EQ(encoded("bigint", "-9223372036854775808"), "000000088000000000000000");
  EXPECT_EQ(encoded("bigint", "9223372036854775807"), "000000087fffffffffffffff");
  EXPECT_EQ(encoded("float8", "1.5"), "000000083ff8000000000000");
  EXPECT_EQ(encoded("bool", "true"), "0000000101");
  EXPECT_EQ(encoded("bool", "false"), "0000000100");
  EXPECT_EQ(encoded("timestamptz", R"("2000-01-01T00:00:01.000002Z")"), "0000000800000000000f4242");
  EXPECT_EQ(encoded("timestamptz", "946684799"), "00000008fffffffffff0bdc0");
  EXPECT_EQ(encoded("uuid", R"("00112233-4455-6677-8899-aabbccddeeff")"), "0000001000112233445566778899aabbccddeeff");
  EXPECT_EQ(encoded("uuid", R"("{00112233445566778899AABBCCDDEEFF}")"), "0000001000112233445566778899aabbccddeeff");
  EXPECT_EQ(encoded("jsonb", R"({"a": [1]})"), "0000000b01" + hex(R"({"a": [1]})"));
  EXPECT_EQ(encoded("jsonb", R"("x")"), "0000000401" + hex(R"("x")"));
  EXPECT_EQ(encoded("bytea", R"("\\x00ff")"), "0000000200ff");
  EXPECT_EQ(encoded("bytea", R"("AP8=")"), "0000000200ff");
  EXPECT_EQ(encoded("bytea", R"("TQ==")"), "000000014d");
  EXPECT_EQ(encoded("bytea", R"("")"), "00000000");
  for (const char* type : {"text", "int", "jsonb", "numeric", "bool"}) EXPECT_EQ(encoded(type, "null"), "ffffffff");
}

TEST(Values, KeepEveryDigitOfANumeric) {
  EXPECT_EQ(encoded("numeric", "0"), "000000080000000000000000");
  EXPECT_EQ(encoded("numeric", "0.00"), "000000080000000000000002");
  EXPECT_EQ(encoded("numeric", "1"), "0000000a00010000000000000001");
  EXPECT_EQ(encoded("numeric", "12345.678"),
            "0000000e0003000100000003"
            "000109291a7c");
  EXPECT_EQ(encoded("numeric", "-0.0001"), "0000000a0001ffff400000040001");
  EXPECT_EQ(encoded("numeric", "0.00001"), "0000000a0001fffe0000000503e8");
  EXPECT_EQ(encoded("numeric", "10000"), "0000000a00010001000000000001");
  EXPECT_EQ(encoded("numeric", "1E+4"), "0000000a00010001000000000001");
  EXPECT_EQ(encoded("numeric", "1.5e-3"), "0000000a0001ffff00000004000f");
  EXPECT_EQ(encoded("numeric", "99999999999999999999"), "000000120005000400000000270f270f270f270f270f");
  EXPECT_EQ(encoded("numeric", R"("0.1")"), "0000000a0001ffff0000000103e8");
  std::string out;
  EXPECT_FALSE(append_numeric("1e131073", out));
  EXPECT_FALSE(append_numeric("1e-20000", out));
  EXPECT_FALSE(append_numeric("1e99999999999999999999", out));
  EXPECT_TRUE(append_numeric("1e131071", out));
}

TEST(Values, RefuseWhatTheTypeCannotHold) {
  EXPECT_EQ(encoded("int", "2147483648"), "refused: 2147483648 is no int");
  EXPECT_EQ(encoded("int", "1.5"), "refused: 1.5 is no int");
  EXPECT_EQ(encoded("int", R"("abc")"), "refused: \"abc\" is no int");
  EXPECT_EQ(encoded("int", "{}"), "refused: it is an object and the column takes int");
  EXPECT_EQ(encoded("bigint", "9223372036854775808"), "refused: 9223372036854775808 is no bigint");
  EXPECT_EQ(encoded("bool", R"("true")"), "refused: \"true\" is no bool");
  EXPECT_EQ(encoded("bool", "1"), "refused: 1 is no bool");
  EXPECT_EQ(encoded("text", "[1]"), "refused: it is an array and the column takes text");
  EXPECT_THAT(encoded("text", R"("a\u0000b")"), HasSubstr("zero character"));
  EXPECT_EQ(encoded("timestamptz", R"("yesterday")"), "refused: \"yesterday\" is no timestamptz");
  EXPECT_EQ(encoded("uuid", R"("00112233-4455-6677-8899-aabbccddeef")"),
            "refused: \"00112233-4455-6677-8899-aabbccddeef\" is no uuid");
  EXPECT_EQ(encoded("uuid", R"("0011223344556677889900aabbccddeeff")"),
            "refused: \"0011223344556677889900aabbccddeeff\" is no uuid");
  EXPECT_EQ(encoded("bytea", R"("=")"), "refused: \"=\" is no bytea");
  EXPECT_EQ(encoded("bytea", R"("\\x0")"), "refused: \"\\\\x0\" is no bytea");
  EXPECT_EQ(encoded("numeric", "01"), "refused: it is no JSON value and the column takes numeric");
}

TEST(Values, HaveTypesByName) {
  EXPECT_EQ(find_type("varchar"), nullptr);
  EXPECT_THAT(type_names(), HasSubstr("text, int, bigint"));
}

}  // namespace
}  // namespace weir::postgres
