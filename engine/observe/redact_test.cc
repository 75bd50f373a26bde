#include "observe/redact.h"

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

TEST(Redaction, HidesWhatIsCalledASecretAtAnyDepthAndInAnyCase) {
  EXPECT_EQ(Redaction().apply(R"({"id":1,"password":"hunter2","a":[{"Token" : 17, "b":2}]})"),
            R"({"id":1,"password":"<redacted>","a":[{"Token" : "<redacted>", "b":2}]})");
}

TEST(Redaction, HidesWholeObjectsAndLists) {
  EXPECT_EQ(Redaction().apply(R"({"secret":{"a":["}",{"b":1}]},"c":"}"})"), R"({"secret":"<redacted>","c":"}"})");
}

TEST(Redaction, HidesAPlaceAndNotItsNamesake) {
  const Redaction redaction({".user.card"});
  EXPECT_EQ(redaction.apply(R"({"card":1,"user":{"card":"4111","x":{"card":2}}})"),
            R"({"card":1,"user":{"card":"<redacted>","x":{"card":2}}})");
}

TEST(Redaction, HidesANameThatWasAskedForEverywhere) {
  EXPECT_EQ(Redaction({"card"}).apply(R"([{"card":true},{"x":{"card":null}}])"),
            R"([{"card":"<redacted>"},{"x":{"card":"<redacted>"}}])");
}

TEST(Redaction, IsNotFooledByEscapesOrBrokenOrCutOffText) {
  EXPECT_EQ(Redaction().apply(R"({"pass\u0077ord":"hunter2"})"), R"({"pass\u0077ord":"<redacted>"})");
  EXPECT_EQ(Redaction().apply(R"({"password":"hunt)"), R"({"password":"<redacted>")");
  EXPECT_EQ(Redaction().apply(R"({"password":{"a":"hunt)"), R"({"password":"<redacted>")");
  EXPECT_EQ(Redaction().apply(R"(]]}{"password":"a\"b","x":1)"), R"(]]}{"password":"<redacted>","x":1)");
  EXPECT_EQ(Redaction().apply(R"({"x":"\)"), R"({"x":"\)");
  EXPECT_EQ(Redaction().apply(R"({"a":]"password":"hunter2"})"), R"({"a":]"password":"<redacted>"})");
}

TEST(Redaction, DoesNotTakeValuesForKeys) {
  EXPECT_EQ(Redaction().apply(R"({"kind":"password","note":"token: x"})"), R"({"kind":"password","note":"token: x"})");
  EXPECT_EQ(Redaction().apply("plain text password: x"), "plain text password: x");
}

TEST(Redaction, HidesWhatIsTooDeepToKnow) {
  const std::string deep = std::string(100, '[') + R"({"password":"hunter2"})" + std::string(100, ']');
  EXPECT_EQ(Redaction().apply(deep).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace weir::observe
