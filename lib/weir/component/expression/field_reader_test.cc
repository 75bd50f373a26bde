#include <gtest/gtest.h>
#include <weir/component/expression/field_reader.h>
#include <weir/component/expression/testing.h>

namespace weir {
namespace {

std::optional<std::string> field(std::string_view path, std::string_view event) {
  auto reader = FieldReader::compile(path);
  EXPECT_TRUE(reader) << reader.error().message;
  const PaddedText padded(event);
  const auto found = reader->text(padded.view());
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

TEST(FieldReader, GivesTextsUnescapedAndNumbersAsWritten) {
  EXPECT_EQ(field(".id", R"({"id":"o-1"})"), "o-1");
  EXPECT_EQ(field(".id", R"({"id" : "o\u0031\n" , "x":1})"), "o1\n");
  EXPECT_EQ(field(".id", R"({"id": 1.50e3 })"), "1.50e3");
  EXPECT_EQ(field(".id", R"({"id":123456789012345678901234567890})"), "123456789012345678901234567890");
  EXPECT_EQ(field(".id", R"({"id":""})"), "");
  EXPECT_EQ(field(".a.b[1]", R"({"a":{"b":[0,true]}})"), "true");
}

TEST(FieldReader, GivesNothingForWhatIsNoPlainValue) {
  for (const auto* event :
       {R"({"id":null})", R"({"id":{}})", R"({"id":[1]})", "{}", "", "x", R"({"id":-})", R"({"id":01x})"})
    EXPECT_EQ(field(".id", event), std::nullopt) << event;
}

TEST(FieldReader, TellsTheKindOfAValue) {
  auto reader = FieldReader::compile(".v");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->value(PaddedText(R"({"v":true})").view()).kind, JsonValue::Kind::boolean);
  EXPECT_EQ(reader->value(PaddedText(R"({"v":[]})").view()).kind, JsonValue::Kind::array);
  EXPECT_EQ(reader->value(PaddedText(R"({"w":1})").view()).kind, JsonValue::Kind::missing);
}

TEST(FieldReader, TakesTheFirstOfTwoEqualKeys) { EXPECT_EQ(field(".id", R"({"id":1,"id":2})"), "1"); }

TEST(FieldReader, LooksIntoAnArrayAtTheRootOnlyByName) {
  EXPECT_FALSE(FieldReader::compile("[0]"));
  EXPECT_EQ(field(".a", R"([{"a":1}])"), std::nullopt);
}

TEST(FieldReader, RefusesWhatIsNoPath) {
  const auto wrong = FieldReader::compile(".id == 3");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "expected the end of the path\n  .id == 3\n     ^");
  EXPECT_FALSE(FieldReader::compile(""));
  EXPECT_FALSE(FieldReader::compile("id"));
}

}  // namespace
}  // namespace weir
