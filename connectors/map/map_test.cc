#include "map.h"

#include <gtest/gtest.h>
#include <weir/component/expression/counting_new.h>
#include <weir/component/expression/testing.h>

namespace weir::map {
namespace {

using Table = Options::Table;
using Texts = std::vector<std::string>;

struct Given {
  Texts parse_json{};
  Table rename{}, set{};
  Texts remove{}, keep{};
  Options options() const {
    Options made;
    if (!parse_json.empty()) made.set("parse_json", parse_json);
    if (!rename.empty()) made.set("rename", rename);
    if (!set.empty()) made.set("set", set);
    if (!remove.empty()) made.set("remove", remove);
    if (!keep.empty()) made.set("keep", keep);
    return made;
  }
};

Result<std::shared_ptr<StagePlan>> compile(const Given& given) {
  Catalog catalog;
  add_to(catalog);
  return catalog.stage("map")->compile(given.options(), Context());
}

/// What becomes of an event; "=" for one that goes on as it is.
std::string mapped(const Given& given, std::string_view text) {
  auto plan = compile(given);
  if (!plan) return plan.error().message;
  const auto stage = (*plan)->stage();
  const BatchInfo info;
  const PaddedText event(text);
  std::string out = "before|";
  for (int twice = 0; twice < 2; ++twice) {
    out.resize(7);
    const auto verdict = stage->take({event.view(), info, {}, WallTime(std::chrono::seconds(1))}, out);
    if (verdict.kind == Verdict::Kind::passed) {
      EXPECT_EQ(out, "before|");
      out += "=";
    }
  }
  EXPECT_TRUE(out.starts_with("before|"));
  EXPECT_LE(out.size() - 7, (*plan)->growth().of(Bytes(text.size())).count());
  return out.substr(7);
}

TEST(Map, SetsWhatIsThereWhereItStands) {
  EXPECT_EQ(mapped({.set = {{".b", ".a * 2"}}}, R"({"a": 1.50 , "b":0, "c":[1, 2]})"),
            R"({"a": 1.50,"b":3,"c":[1, 2]})");
}

TEST(Map, AddsWhatIsMissingWithTheObjectsAroundIt) {
  const Given given{.set = {{".x.y.z", ".a"}, {".x.w", "true"}}};
  EXPECT_EQ(mapped(given, R"({"a":1})"), R"({"a":1,"x":{"y":{"z":1},"w":true}})");
  EXPECT_EQ(mapped(given, R"({"a":1,"x":{"k":0}})"), R"({"a":1,"x":{"k":0,"y":{"z":1},"w":true}})");
  EXPECT_EQ(mapped(given, R"({"a":1,"x":7})"), R"({"a":1,"x":{"y":{"z":1},"w":true}})");
  EXPECT_EQ(mapped({.set = {{".n", "1"}}}, "{}"), R"({"n":1})");
  EXPECT_EQ(mapped({.set = {{".n", "1"}}}, " { } "), R"({"n":1})");
}

TEST(Map, ChangesNothingForAMissingValue) {
  EXPECT_EQ(mapped({.set = {{".b", ".none"}, {".c.d", ".none + 1"}}}, R"({"a":1,"b":2,"c":3})"), "=");
}

TEST(Map, ReadsEveryValueFromTheEventAsItCame) {
  EXPECT_EQ(mapped({.set = {{".a", ".b"}, {".b", ".a"}}}, R"({"a":1,"b":2})"), R"({"a":2,"b":1})");
}

TEST(Map, RenamesAllAtOnce) {
  EXPECT_EQ(mapped({.rename = {{".a", ".b"}, {".b", ".a"}}}, R"({"a":1,"b":2})"), R"({"a":2,"b":1})");
  EXPECT_EQ(mapped({.rename = {{".a", ".o.p"}}}, R"({"a":1.0,"b":2})"), R"({"b":2,"o":{"p":1.0}})");
  EXPECT_EQ(mapped({.rename = {{".a", ".b"}}}, R"({"b":2})"), "=");
  EXPECT_EQ(mapped({.rename = {{".a", ".o.p"}}}, R"({"a":1,"o":null})"), R"({"o":{"p":1}})");
  EXPECT_EQ(mapped({.rename = {{".o.p", ".p"}}}, R"({"o":{"p":[1]},"z":0})"), R"({"o":{},"z":0,"p":[1]})");
}

TEST(Map, RemovesEveryMemberOfThatNameHoweverItIsEscaped) {
  EXPECT_EQ(mapped({.remove = {".password"}}, R"({"password":1,"a":2,"pass\u0077ord":3,"password":4})"), R"({"a":2})");
  EXPECT_EQ(mapped({.remove = {".o.x"}}, R"({"o":{"x":1,"y":2},"o":{"x":3}})"), R"({"o":{"y":2},"o":{}})");
  EXPECT_EQ(mapped({.remove = {".a"}}, R"({"b":1})"), "=");
  EXPECT_EQ(mapped({.remove = {".a", ".b"}}, R"({"a":1,"b":1})"), "{}");
}

TEST(Map, KeepsOnlyWhatIsNamed) {
  const Given given{.keep = {".a", ".o.x"}};
  EXPECT_EQ(mapped(given, R"({"z":1,"a":[{"q":1}],"o":{"x":1,"y":2},"w":3})"), R"({"a":[{"q":1}],"o":{"x":1}})");
  EXPECT_EQ(mapped(given, R"({"z":1,"o":3})"), "{}");
  EXPECT_EQ(mapped(given, R"({"a":1})"), "=");
}

TEST(Map, PutsParsedJsonInThePlaceOfItsText) {
  const Given given{.parse_json = {".m"}};
  EXPECT_EQ(mapped(given, R"({"m":"{\"a\":\n[1,2.50]}","n":1})"), R"({"m":{"a": [1,2.50]},"n":1})");
  EXPECT_EQ(mapped(given, R"({"m":"\"x\""})"), R"({"m":"x"})");
  for (const auto* text : {R"({"m":"{\"a\":"})", R"({"m":""})", R"({"m":"1 2"})", R"({"m":"tru"})", R"({"m":{}})"})
    EXPECT_EQ(mapped(given, text), "=") << text;
}

TEST(Map, WorksInItsDocumentedOrder) {
  EXPECT_EQ(mapped({.parse_json = {".m"},
                    .rename = {{".m.lvl", ".level"}},
                    .set = {{".level", "upper(.level)"}},
                    .remove = {".secret"},
                    .keep = {".level", ".m"}},
                   R"({"m":"{\"lvl\":\"warn\",\"n\":1}","secret":1,"z":0})"),
            R"({"m":{"n":1},"level":"WARN"})");
  EXPECT_EQ(
      mapped({.parse_json = {".a"}, .rename = {{".b", ".d"}}, .set = {{".n", ".d"}}, .remove = {".c"}, .keep = {".a"}},
             R"({"a":"[1]","c":2})"),
      R"({"a":[1]})")
      << "passes that change nothing stand between those that do";
  EXPECT_EQ(mapped({.rename = {{".a", ".b"}}, .set = {{".c", ".b"}}}, R"({"a":1})"), R"({"b":1,"c":1})");
}

TEST(Map, LeavesAloneWhatIsNoObject) {
  for (const std::string_view event : {"", "text", "[1]", "\"a\"", "1", "{", R"({"a":1)", R"({"a" 1})", R"({"a":1,})",
                                       R"({"a":1}})", R"({"a":1} {"b":2})", R"({"a":1 "b":2})",
                                       R"({"o":{"x" 1},"a":1})", R"({"a":[1})", R"({,"a":1})", "{\"a\":\"\xff\"}"})
    EXPECT_EQ(mapped({.set = {{".n", "1"}, {".o.x", "2"}}}, event), "=") << event;
}

TEST(Map, SetsTheFirstOfEqualNamesAndDropsTheOthers) {
  EXPECT_EQ(mapped({.set = {{".a", ".b"}}}, R"({"a":1,"b":9,"a":2})"), R"({"a":9,"b":9})");
  EXPECT_EQ(mapped({.set = {{".o.x", "1"}}}, R"({"o":{},"o":{"x":2}})"), R"({"o":{"x":1},"o":{}})");
}

TEST(Map, ReplacesTheWholeEvent) {
  EXPECT_EQ(mapped({.set = {{".", "{ was: ., n: .n + 1 }"}}}, R"({"n":1})"), R"({"was":{"n":1},"n":2})");
  EXPECT_EQ(mapped({.rename = {{".a", ".b"}}, .set = {{".", "[.b]"}}}, R"({"a":1})"), "[1]");
  EXPECT_EQ(mapped({.set = {{".", ".none"}}}, R"({"n":1})"), "=");
  EXPECT_EQ(mapped({.set = {{".", "1"}}}, "plain text"), "=");
  EXPECT_NE(mapped({.set = {{".", "1"}, {".a", "1"}}}, "{}").find("around it"), std::string::npos);
  EXPECT_NE(mapped({.remove = {"."}}, "{}").find("expected a name after the dot"), std::string::npos);
}

TEST(Map, SetsWhereAnEventCameFrom) {
  const auto plan = compile({.set = {{".from", "{ source: @source, file: @file, at: @offset }"}}}).value();
  EXPECT_TRUE(plan->reads().has(Attribute::offset));
  EXPECT_FALSE(plan->reads().has(Attribute::peer));
  Origin origin;
  origin.file = "a.log";
  origin.first_offset = 7;
  BatchInfo info;
  info.origin = std::make_shared<const Origin>(origin);
  const PaddedText event("{}");
  std::string out;
  plan->stage()->take({event.view(), info, {}, {}, nullptr, "in", 2}, out);
  EXPECT_EQ(out, R"({"from":{"source":"in","file":"a.log","at":9}})");
}

TEST(Map, SaysWhatIsWrong) {
  EXPECT_EQ(mapped({.set = {{".a", ".b +"}}}, "{}"), "set .a: expected a path or a value\n  .b +\n      ^");
  EXPECT_NE(mapped({.set = {{"a", "1"}}}, "{}").find("set a: expected a path"), std::string::npos);
  EXPECT_NE(mapped({.set = {{".a[0]", "1"}}}, "{}").find("elements of arrays"), std::string::npos);
  EXPECT_NE(mapped({.set = {{".a", "1"}}, .remove = {".a"}}, "{}").find("changed twice"), std::string::npos);
  EXPECT_NE(mapped({.set = {{".a", "1"}, {".a.b", "1"}}}, "{}").find("around it"), std::string::npos);
  EXPECT_NE(mapped({.set = {{".a.b", "1"}, {".a", "1"}}}, "{}").find("inside it"), std::string::npos);
  EXPECT_NE(mapped({}, "{}").find("changes nothing"), std::string::npos);
}

TEST(Map, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("set", Table{{".level", "lower(.level)"}, {".cents", ".n * 100.5"}, {".seen", "now()"}});
  options.set("rename", Table{{".msg", ".text"}});
  options.set("parse_json", Texts{".inner"});
  const auto plan = catalog.stage("map")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::map
