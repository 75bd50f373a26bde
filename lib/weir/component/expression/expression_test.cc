#include <gtest/gtest.h>
#include <weir/component/expression/expression.h>
#include <weir/component/expression/testing.h>

namespace weir {
namespace {

constexpr std::string_view order =
    R"({"id":"o-1","status":"paid","total":12.5,"n":9007199254740993,"big":18446744073709551615,"neg":-3,"vip":true,)"
    R"("note":null,"name":"a\"bé","items":[{"sku":"A-1"},{"sku":"B-2"}],"odd key":{"deep":[1,[2,3]]},"url":"/api/x"})";

bool holds(std::string_view expression, std::string_view event = order) {
  auto compiled = Expression::compile(expression);
  EXPECT_TRUE(compiled) << compiled.error().message;
  return compiled && compiled->matches(PaddedText(event).view());
}

TEST(Expression, ComparesTextsNumbersAndLiterals) {
  EXPECT_TRUE(holds(R"(.status == "paid")"));
  EXPECT_FALSE(holds(R"(.status == "open")"));
  EXPECT_TRUE(holds(R"("paid" == .status)"));
  EXPECT_TRUE(holds(".total > 12 && .total < 13 && .total >= 12.5 && .total <= 12.5"));
  EXPECT_FALSE(holds(".total > 12.5"));
  EXPECT_TRUE(holds(".neg < 0 && .neg == -3.0"));
  EXPECT_TRUE(holds(".vip == true && .vip != false"));
  EXPECT_TRUE(holds(".note == null"));
  EXPECT_TRUE(holds(R"(.status > "pai" && .status < "paie")"));
  EXPECT_TRUE(holds(".items[1].sku == .items[1].sku && .items[0].sku != .items[1].sku"));
}

TEST(Expression, ComparesIntegersOf64BitsExactly) {
  EXPECT_TRUE(holds(".n == 9007199254740993"));
  EXPECT_FALSE(holds(".n == 9007199254740992"));
  EXPECT_TRUE(holds(".big == 18446744073709551615"));
  EXPECT_FALSE(holds(".big == 18446744073709551614"));
  EXPECT_TRUE(holds(".a == 99999999999999999999999", R"({"a":99999999999999999999999})"));
  EXPECT_FALSE(holds(".a == 0", R"({"a":99999999999999999999999})"));
  EXPECT_TRUE(holds(".a > -99999999999999999999", R"({"a":0})"));
}

TEST(Expression, FindsWhatItCannotCompareThereAndUnequal) {
  for (const std::string_view value : {"1e400", R"("\ud800")"}) {
    const auto event = R"({"a":)" + std::string(value) + "}";
    EXPECT_TRUE(holds("exists(.a) && .a != 5 && .a != \"x\" && .a != null", event));
    for (const auto* compared : {".a == 5", ".a > 5", ".a < 5", ".a == \"x\"", ".a == .a", ".a == null"})
      EXPECT_FALSE(holds(compared, event)) << compared;
  }
}

TEST(Expression, WalksIntoObjectsAndArrays) {
  EXPECT_TRUE(holds(R"(.items[1].sku == "B-2")"));
  EXPECT_TRUE(holds(R"(."odd key".deep[1][0] == 2)"));
  EXPECT_FALSE(holds(R"(.items[2].sku == "B-2")"));
  EXPECT_TRUE(holds(R"(.items[1].sku == "B-2" && .items[0].sku == "A-1" && .id == "o-1")"));
}

TEST(Expression, ResolvesEscapesOnBothSides) {
  EXPECT_TRUE(holds(R"(.name == "a\"bé")"));
  EXPECT_TRUE(holds(R"(.a == "\u00e9\ud83d\ude00\n/" && .b == "x\\")", R"({"a":"é😀\n\/","b":"x\\"})"));
}

TEST(Expression, KeepsTwoEscapedTextsApart) {
  EXPECT_TRUE(holds(R"(.a != .b && .a == "\n1" && .b == "\n2")", R"({"a":"\n1","b":"\n2"})"));
}

TEST(Expression, MakesEveryComparisonWithMissingFalse) {
  for (const auto* op : {"==", "!=", "<", "<=", ">", ">="}) {
    EXPECT_FALSE(holds(std::string(".none ") + op + " 1")) << op;
    EXPECT_TRUE(holds(std::string("!(.none ") + op + " 1)")) << op;
    EXPECT_FALSE(holds(std::string(".none ") + op + " .none")) << op;
  }
  EXPECT_FALSE(holds(".none == null"));
  EXPECT_FALSE(holds(".none"));
  EXPECT_FALSE(holds(R"(contains(.none, ""))"));
}

TEST(Expression, FindsValuesOfDifferentKindsUnequal) {
  EXPECT_FALSE(holds(R"(.total == "12.5")"));
  EXPECT_TRUE(holds(R"(.total != "12.5")"));
  EXPECT_FALSE(holds(R"(.total < "99")"));
  EXPECT_FALSE(holds(".items == .items"));
}

TEST(Expression, CombinesWithTheUsualPrecedence) {
  EXPECT_TRUE(holds("true || false && false"));
  EXPECT_FALSE(holds("(true || false) && false"));
  EXPECT_TRUE(holds("!false && !(!true)"));
  EXPECT_FALSE(holds("!true || false"));
  EXPECT_TRUE(holds("  \n.vip\t&&!.none "));
}

TEST(Expression, KnowsThreeFunctions) {
  EXPECT_TRUE(holds("exists(.note) && !exists(.none)"));
  EXPECT_TRUE(holds(R"(contains(.url, "pi/") && !contains(.url, "pj") && contains( .url , "" ))"));
  EXPECT_TRUE(holds(R"(starts_with(.url, "/api") && !starts_with(.url, "api"))"));
  EXPECT_FALSE(holds(R"(contains(.total, "1"))"));
}

TEST(Expression, FindsEverythingMissingInWhatIsNotJson) {
  for (const std::string_view event :
       {"", " ", "plain text", "{", R"({"a":)", R"({"a" 1})", "[1,2", "1", "\"a\"", "null", "{\"a\":\"\xff\"}",
        R"({"a":"\x"})", R"({"a":12abc})", R"({"a":tru})", R"({"a":"x)"})
    EXPECT_FALSE(holds("exists(.a)", event)) << event;
  EXPECT_TRUE(holds(R"(!(.a == "x"))", "plain text"));
}

TEST(Expression, AnswersForEachPathAloneWhenTheEventIsBroken) {
  constexpr std::string_view broken = R"({"a":"x","b" 1,"c":true})";
  EXPECT_TRUE(holds(R"(!exists(.b) && !exists(.c) && .a == "x")", broken));
  EXPECT_TRUE(holds("!exists(.a) && !exists(.b) && !exists(.c[0])", R"({"a":"x",conta)"));
}

TEST(Expression, FindsALiteralMissingThatOnlyBeginsLikeNull) {
  for (const std::string_view event : {R"({"a":n7.m3})", R"({"a":nul})", R"({"a":nulll})", R"({"a":n})"})
    EXPECT_FALSE(holds("exists(.a)", event)) << event;
}

TEST(Expression, AnswersForEachEventAnew) {
  auto paid = Expression::compile(R"(.status == "paid" || .status == "free")");
  ASSERT_TRUE(paid);
  const PaddedText yes(R"({"status":"paid"})"), no(R"({"status":"open"})"), broken("{{{");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(paid->matches(yes.view()));
    EXPECT_FALSE(paid->matches(no.view()));
    EXPECT_FALSE(paid->matches(broken.view()));
  }
}

TEST(Expression, ReadsEventsUpToItsLimit) {
  auto small = Expression::compile(".a", 1_KiB);
  ASSERT_TRUE(small);
  const PaddedText fits(R"({"b":")" + std::string(1000, 'x') + R"(","a":true})");
  const PaddedText large(R"({"b":")" + std::string(2000, 'x') + R"(","a":true})");
  EXPECT_TRUE(small->matches(fits.view()));
  EXPECT_FALSE(small->matches(large.view()));
  EXPECT_TRUE(small->matches(fits.view()));
  EXPECT_TRUE(holds(".a", R"({"b":")" + std::string(300'000, 'x') + R"(","a":true})"));
}

std::string complaint(std::string_view expression) {
  auto compiled = Expression::compile(expression);
  return compiled ? "compiled" : compiled.error().message;
}

TEST(Expression, PointsAtTheMistake) {
  EXPECT_EQ(complaint(R"(.a = 3)"), "a comparison is written ==\n  .a = 3\n     ^");
  EXPECT_EQ(complaint(R"(.é == )"), "expected a path or a value\n  .é == \n        ^");
}

TEST(Expression, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> table[] = {
      {"", "expected a path or a value"},
      {".a and .b", "write &&"},
      {".a or .b", "write ||"},
      {".a & .b", "write &&"},
      {".a == 'x'", "double quotes"},
      {R"(.a == "x)", "not closed"},
      {R"(.a == "\x")", "expected \\\""},
      {R"(.a == "\ud800")", "surrogate"},
      {R"(.a == "\u12")", "hexadecimal"},
      {R"("x")", "alone is no condition"},
      {"3", "alone is no condition"},
      {"(.a", "to close the parenthesis"},
      {"exists(3)", "expected a path"},
      {"exists(.a", "to close the call"},
      {"contains(.a)", "a text after the path"},
      {"contains(.a, 3)", "expected a text in quotes"},
      {".a[x] == 1", "expected an index"},
      {".a[0 == 1", "expected ]"},
      {".a. == 1", "expected a name"},
      {"status == 1", "expected a path (.status)"},
      {".a == 1 .b", "expected &&"},
      {".a == -", "not a number"},
      {".a)", "expected &&"},
  };
  for (const auto& [expression, message] : table)
    EXPECT_NE(complaint(expression).find(message), std::string::npos) << expression << " -> " << complaint(expression);
}

TEST(Expression, IsBoundedInLengthDepthPartsAndPaths) {
  EXPECT_NE(complaint(std::string(5000, ' ') + ".a").find("4096 bytes"), std::string::npos);
  EXPECT_NE(complaint(std::string(100, '(') + ".a" + std::string(100, ')')).find("32 deep"), std::string::npos);
  EXPECT_NE(complaint(std::string(100, '!') + ".a").find("32 deep"), std::string::npos);
  std::string many = ".a", paths = ".a";
  for (int i = 0; i < 300; ++i) many += "||.a";
  for (int i = 0; i < 40; ++i) paths += "||.p" + std::to_string(i);
  EXPECT_NE(complaint(many).find("512 parts"), std::string::npos);
  EXPECT_NE(complaint(paths).find("32 different paths"), std::string::npos);
  std::string steps, keys = "." + std::string(300, 'k');
  for (int i = 0; i < 20; ++i) steps += ".s";
  EXPECT_NE(complaint(steps).find("16 steps"), std::string::npos);
  EXPECT_NE(complaint(keys).find("256 bytes"), std::string::npos);
}

}  // namespace
}  // namespace weir
