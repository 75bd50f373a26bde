#include <gtest/gtest.h>
#include <weir/component/json_form.h>

#include <string>

namespace weir {
namespace {

TEST(JsonForm, OfEveryBeginningOfAnEventIsUnfinished) {
  const std::string event =
      R"( {"a":[1,-2.5e+3,true,null,{"b\"\u00e4":"x"},[]],"c":{},"big":123456789012345678901234567890} )";
  const auto end = event.rfind('}') + 1;
  for (std::size_t n = 0; n < end; ++n)
    EXPECT_EQ(json_form_of(event.substr(0, n)), JsonForm::unfinished) << event.substr(0, n);
  EXPECT_EQ(json_form_of(event.substr(0, end)), JsonForm::whole);
  EXPECT_EQ(json_form_of(event), JsonForm::whole);
}

TEST(JsonForm, IsWholeWhateverItsNumbersAndSurrogates) {
  for (const char* text : {"12", "-0", "0.5", "1e400", "-1E-400", "18446744073709551616", "{}", "[]", "\"\"",
                           "\"\\ud800\"", "{\"x\":0.12345678901234567890123456789}", "null"})
    EXPECT_EQ(json_form_of(text), JsonForm::whole) << text;
}

TEST(JsonForm, IsNoneOfWhatCanNeverBecomeJson) {
  for (const char* text : {"[ERROR] the disk failed",
                           "\"quoted\" text",
                           "{id: 1",
                           "[main] x",
                           "{\"a\" 1",
                           "{\"a\":1,]",
                           "[1 2",
                           "{]",
                           "[}",
                           "{\"a\":1}}",
                           "{,",
                           "{\"a\\x",
                           "[nul1",
                           "{\"a\":\"tab\there\"",
                           "01",
                           "[1.]",
                           "[1e+]",
                           "[+1]",
                           "[.5]",
                           "[--1]",
                           "\"\\u12g4\"",
                           "[1,]",
                           "{\"a\":1 \"b\""})
    EXPECT_EQ(json_form_of(text), JsonForm::none) << text;
}

TEST(JsonForm, IsFoundAtAnyDepth) { EXPECT_EQ(json_form_of(std::string(1'000'000, '[')), JsonForm::unfinished); }

}  // namespace
}  // namespace weir
