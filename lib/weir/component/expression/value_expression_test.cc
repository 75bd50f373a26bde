#include <gtest/gtest.h>
#include <weir/component/expression/json_string.h>
#include <weir/component/expression/testing.h>
#include <weir/component/expression/timestamp.h>
#include <weir/component/expression/value_expression.h>

namespace weir {
namespace {

constexpr std::string_view order =
    R"({"id":"O-1","n":3,"price":1.50e1,"big":18446744073709551615,"huge":123456789012345678901234567890,"vip":true,)"
    R"("note":null,"name":"a\"b\u00e9\n","at":"2026-11-21T05:10:00+02:00","o":{"x": [1, 2]},"text":"042","num":"-1.5"})";
constexpr WallTime wall{std::chrono::seconds(1'700'000'000) + std::chrono::milliseconds(5)};

/// "-": missing.
std::string made(std::string_view expression, std::string_view event = order) {
  auto compiled = ValueExpression::compile(expression);
  if (!compiled) return compiled.error().message;
  std::string json;
  const bool there = compiled->append_to(PaddedText(event).view(), wall, json);
  const auto most = compiled->growth().of(Bytes(event.size()));
  EXPECT_LE(json.size(), most.count()) << expression;
  EXPECT_TRUE(there || json.empty()) << expression;
  return there ? json : "-";
}

TEST(ValueExpression, CopiesWhatAPathLeadsToAsItWasWritten) {
  EXPECT_EQ(made(".price"), "1.50e1");
  EXPECT_EQ(made(".huge"), "123456789012345678901234567890");
  EXPECT_EQ(made(".name"), R"("a\"b\u00e9\n")");
  EXPECT_EQ(made(".o"), R"({"x": [1, 2]})");
  EXPECT_EQ(made(".o.x[1]"), "2");
  EXPECT_EQ(made(".note"), "null");
}

TEST(ValueExpression, CopiesWhatItCannotCompareAsItWasWritten) {
  const std::vector<std::string> values{
      "1e400", "0.1e400", "-1E+999", "1" + std::string(400, '0'), R"("\ud800")", R"("x\udc00\u00e9\n")"};
  for (const auto& value : values) {
    const auto event = R"({"a":)" + value + R"(,"b":[)" + value + "]}";
    for (const auto* path : {".a", ".b[0]", "coalesce(.a, 1)", "if(exists(.a), .a, 1)"})
      EXPECT_EQ(made(path, event), value) << path;
    EXPECT_EQ(made("{ v: .a }", event), R"({"v":)" + value + "}");
    EXPECT_EQ(made("[.a]", event), "[" + value + "]");
    EXPECT_EQ(made(".a + 1", event), "-");
  }
  EXPECT_EQ(made("to_text(.a)", R"({"a":1e400})"), R"("1e400")");
  for (const std::string_view broken : {R"("\x")", R"("\u12")", R"("\ud800\q")", "01", "1e", "-"})
    EXPECT_EQ(made(".a", R"({"a":)" + std::string(broken) + "}"), "-")
        << "it is no JSON, and copied it would break what it is copied to";
}

TEST(ValueExpression, Calculates) {
  EXPECT_EQ(made(".n * 2 + 1"), "7");
  EXPECT_EQ(made("1 + .n * 2"), "7");
  EXPECT_EQ(made("(1 + .n) * 2"), "8");
  EXPECT_EQ(made(".n - 5"), "-2");
  EXPECT_EQ(made("10 - 3 - 2"), "5");
  EXPECT_EQ(made(".price / 4"), "3.75");
  EXPECT_EQ(made(".big - 1"), "18446744073709551614");
  EXPECT_EQ(made(".big * 2"), "3.6893488147419103e+19");
  EXPECT_EQ(made(".n / 0"), "-");
  EXPECT_EQ(made(".n + .id"), "-");
  EXPECT_EQ(made("1e308 * 10"), "-");
}

TEST(ValueExpression, JoinsTextsAndWritesThemEscaped) {
  EXPECT_EQ(made(R"(.id + "/" + .name)"), "\"O-1/a\\\"b\u00e9\\n\"");
  EXPECT_EQ(made(R"("\u0001\\")"), R"("\u0001\\")");
  EXPECT_EQ(made(R"(lower(.id) + upper("x-é"))"), "\"o-1X-é\"");
  EXPECT_EQ(made(R"("n=" + to_text(.n) + to_text(.huge) + to_text(.vip) + to_text(.n + 0.5))"),
            R"("n=3123456789012345678901234567890true3.5")");
}

TEST(ValueExpression, KnowsLengthsNumbersAndChoices) {
  EXPECT_EQ(made("length(.name)"), "5");
  EXPECT_EQ(made("to_number(.num) * 2"), "-3");
  EXPECT_EQ(made("to_number(.text)"), "-");
  EXPECT_EQ(made("to_number(.big)"), "18446744073709551615");
  EXPECT_EQ(made(R"(if(.n > 2 && .vip, "many", 0))"), "\"many\"");
  EXPECT_EQ(made(R"(if(.none, "many", .o))"), R"({"x": [1, 2]})");
  EXPECT_EQ(made(R"(coalesce(.none, .note, .id))"), "\"O-1\"");
  EXPECT_EQ(made("coalesce(.none, .nothing)"), "-");
  EXPECT_EQ(made(".n > 2"), "true");
}

TEST(ValueExpression, ReadsAndWritesTimes) {
  EXPECT_EQ(made("now()"), "\"2023-11-14T22:13:20.005Z\"");
  EXPECT_EQ(made("to_rfc3339(.at)"), "\"2026-11-21T03:10:00.000Z\"");
  EXPECT_EQ(made("to_unix(.at)"), "1795230600");
  EXPECT_EQ(made(R"(to_unix("2026-11-21"))"), "1795219200");
  EXPECT_EQ(made(R"(to_unix("2026-11-21 00:00:00.25"))"), "1795219200.25");
  for (const auto* same : {"1795219200", "1795219200000", "1795219200000000", "1795219200000000000", "\"1795219200\""})
    EXPECT_EQ(made(std::string("to_rfc3339(") + same + ")"), "\"2026-11-21T00:00:00.000Z\"") << same;
  EXPECT_EQ(made("to_rfc3339(1795219200.123456)"), "\"2026-11-21T00:00:00.123456Z\"");
  EXPECT_EQ(made("to_rfc3339(0 - 1)"), "\"1969-12-31T23:59:59.000Z\"");
  for (const auto* wrong : {"\"2026-02-30\"", "\"2026-1-1\"", "\"2026-11-21T25:00:00Z\"", "\"2026-11-21T05:10Z\"",
                            "\"2026-11-21T05:10:00Zx\"", "\"yesterday\"", "true", "1e300", "\"2262-01-01\"", "\"\""})
    EXPECT_EQ(made(std::string("to_unix(") + wrong + ")"), "-") << wrong;
}

TEST(ValueExpression, IsMissingWhenAnythingItNeedsIs) {
  for (const auto* each : {".none", ".none + 1", "lower(.none)", "to_text(.o)", "to_unix(.none)", "length(.n)",
                           R"("a" + .none)", R"("a" + .n)", "if(.vip, .none, 1)", "to_rfc3339(.vip)"})
    EXPECT_EQ(made(each), "-") << each;
  EXPECT_EQ(made(".a", "no json"), "-");
}

TEST(ValueExpression, TheWholeEventIsAValue) {
  EXPECT_EQ(made(".", " {\"a\": 1.50}\n"), R"({"a": 1.50})");
  EXPECT_EQ(made("if(exists(.), 1, 2)", "{}"), "1");
  EXPECT_EQ(made("if(exists(.), 1, 2)", "plain text"), "2");
  EXPECT_EQ(made("."), order);
  for (const std::string_view broken : {"", " ", "[1]", "7", R"({"a":1)", "no json"}) EXPECT_EQ(made(".", broken), "-");
  EXPECT_NE(made(". + .a. ").find("expected a name after the dot"), std::string::npos);
  EXPECT_NE(made(".[0]").find("expected a name after the dot"), std::string::npos);
}

TEST(ValueExpression, BuildsObjectsAndArrays) {
  EXPECT_EQ(made("{}"), "{}");
  EXPECT_EQ(made("[ ]"), "[]");
  EXPECT_EQ(made(R"({ id: .id, "odd \"key\"": [.n, .price, "x", null, true, .n > 2], o: { o: .o } })"),
            R"({"id":"O-1","odd \"key\"":[3,1.50e1,"x",null,true,true],"o":{"o":{"x": [1, 2]}}})");
  EXPECT_EQ(made("[{}, [], .none, { a: .none }]"), "[{},[],null,{}]");
  EXPECT_EQ(made("{ all: . }", R"({"a":1})"), R"({"all":{"a":1}})");
  EXPECT_EQ(made("coalesce(.none, [1])"), "[1]");
  EXPECT_EQ(made("[.a, .a]", R"({"a":"\u0001"})"), R"(["\u0001","\u0001"])");
  EXPECT_EQ(made("{ a: 1 } == { a: 1 }"), "false") << "objects have no equality";
}

TEST(ValueExpression, ShowsWhatIsWrongWithAnObjectOrAnArray) {
  for (const auto& [expression, message] : {std::pair{"{ a 1 }", "expected :"},
                                            {"{ a: 1", "expected , or }"},
                                            {"[1, 2", "expected , or ]"},
                                            {"{ : 1 }", "the name of a member"},
                                            {"{ a: 1, a: 2 }", "two members of this name"},
                                            {"[1, ]", "a path"},
                                            {"{ a: { b: 1 } } && true", "alone is no condition"}})
    EXPECT_NE(made(expression).find(message), std::string::npos) << expression << " -> " << made(expression);
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_NE(made(deep).find("32 deep"), std::string::npos);
}

TEST(ValueExpression, ReadsWhereAnEventCameFrom) {
  Origin origin;
  origin.file = "/var/log/a\"b";
  origin.peer = "127.0.0.1";
  origin.topic = "orders";
  origin.partition = 3;
  origin.offsets = {10, 25};
  BatchInfo info;
  info.received_wall = wall;
  info.origin = std::make_shared<const Origin>(origin);
  EventFacts facts(wall);
  facts.info = &info;
  facts.source = "in";
  facts.number = 1;
  const auto told = [&](std::string_view expression) {
    auto compiled = ValueExpression::compile(expression).value();
    std::string json;
    return compiled.append_to(PaddedText("{}").view(), facts, json) ? json : std::string("-");
  };
  EXPECT_EQ(told("[@source, @file, @offset, @peer, @topic, @partition, @received]"),
            R"(["in","/var/log/a\"b",25,"127.0.0.1","orders",3,"2023-11-14T22:13:20.005Z"])");
  EXPECT_EQ(told("@offset + 1"), "26");
  EXPECT_EQ(told("@file + \":\" + to_text(@offset)"), R"("/var/log/a\"b:25")");
  facts.number = 2;
  EXPECT_EQ(told("@offset"), "-");
  origin.offsets.clear();
  origin.first_offset = 100;
  info.origin = std::make_shared<const Origin>(origin);
  EXPECT_EQ(told("@offset"), "102") << "the messages of a partition are counted";
  info.origin = nullptr;
  EXPECT_EQ(told("[@source, @file, exists(@peer), @received]"), R"(["in",null,false,"2023-11-14T22:13:20.005Z"])");
  EXPECT_EQ(made("[@source, @received]"), "[null,null]") << "nothing is known of a bare event";
  EXPECT_EQ(made("@host").substr(0, 33), "there is no such attribute; there");
  Attributes reads = ValueExpression::compile("if(.a, @file, @peer)").value().attributes();
  EXPECT_TRUE(reads.has(Attribute::file) && reads.has(Attribute::peer) && !reads.has(Attribute::offset));
  EXPECT_TRUE(ValueExpression::compile(".a").value().attributes().empty());
}

TEST(Origin, ANameIsTextOfBoundedLength) {
  EXPECT_EQ(origin_text("/var/log/\xc3\xa4.log"), "/var/log/\xc3\xa4.log");
  EXPECT_EQ(origin_text("a\nb\xff"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  const auto written = [](std::string_view name) {
    std::string json;
    append_escaped(origin_text(name), json);
    return json;
  };
  EXPECT_EQ(written(std::string(300, 'x') + "end").size(), Origin::max_text);
  EXPECT_TRUE(written(std::string(300, 'x') + "end").ends_with("xend"));
  EXPECT_TRUE(written(std::string(300, 'x') + "end").starts_with("...x"));
  EXPECT_LE(written(std::string(300, '"')).size(), Origin::max_text);
  EXPECT_LE(written(std::string(300, '\xff')).size(), Origin::max_text);
}

TEST(ValueExpression, ShowsWhereItIsWrong) {
  EXPECT_EQ(made("lowr(.a)"),
            "there is no such function; there are exists, contains, starts_with, lower, upper, length, now, to_unix, "
            "to_rfc3339, to_number, to_text, coalesce, if\n  lowr(.a)\n  ^");
  EXPECT_NE(made("if(.a + 1, 2, 3)").find("alone is no condition"), std::string::npos);
  EXPECT_NE(made("1 + 2 && .a").find("alone is no condition"), std::string::npos);
  EXPECT_NE(made("lower(.a, .b)").find("to close the call"), std::string::npos);
  EXPECT_NE(made("coalesce(.a)").find("another value"), std::string::npos);
  EXPECT_NE(made("now(.a)").find("to close the call"), std::string::npos);
  EXPECT_NE(made(".a +").find("a path or a value"), std::string::npos);
}

TEST(ValueExpression, GrowsByAtMostSixteenTimesItsEvent) {
  std::string sum = ".a";
  for (int i = 1; i < 16; ++i) sum += " + .a";
  EXPECT_TRUE(ValueExpression::compile(sum));
  EXPECT_NE(made(sum + " + .a").find("more than 16 times"), std::string::npos);
  EXPECT_EQ(made(R"(.a + .a)", R"({"a":"\u0001\u0002"})"), R"("\u0001\u0002\u0001\u0002")");
}

TEST(JsonString, WritesNoMoreThanItRead) {
  for (const std::string_view raw : {R"(\u0001\u001f\u007f)", R"(\ud83d\ude00)", R"(\n\r\t\b\f\/\"\\)", "\x7f"}) {
    std::string text, again;
    ASSERT_TRUE(unescape_json(raw, text)) << raw;
    append_escaped(text, again);
    EXPECT_LE(again.size(), raw.size()) << raw;
  }
  for (const std::string_view wrong :
       {R"(\)", R"(\x)", R"(\u12)", R"(\ud83d)", R"(\ud83dx)", R"(\ude00)", R"(\u12g4)"}) {
    std::string text;
    EXPECT_FALSE(unescape_json(wrong, text)) << wrong;
  }
}

}  // namespace
}  // namespace weir
