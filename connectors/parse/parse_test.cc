#include "parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <weir/component/expression/testing.h>

namespace weir::parse {
namespace {

using testing::HasSubstr;
using Texts = std::vector<std::string>;

Options options_of(const std::string& format) {
  Options options;
  options.set("format", format);
  return options;
}

Options csv_of(Texts columns, const std::string& separator = ",") {
  auto options = options_of("csv");
  options.set("columns", std::move(columns));
  options.set("separator", separator);
  return options;
}

Options regex_of(const std::string& pattern) {
  auto options = options_of("regex");
  options.set("pattern", pattern);
  return options;
}

Result<std::shared_ptr<StagePlan>> compile(const Options& options) {
  Catalog catalog;
  add_to(catalog);
  return catalog.stage("parse")->compile(options, Context());
}

/// What becomes of a line.
std::string parsed(const Options& options, std::string_view line) {
  const auto plan = compile(options);
  if (!plan) return plan.error().message;
  const BatchInfo info;
  const PaddedText event(line);
  std::string out = "before|";
  const auto verdict = (*plan)->stage()->take({event.view(), info, {}, {}}, out);
  EXPECT_TRUE(out.starts_with("before|"));
  EXPECT_LE(out.size() - 7, (*plan)->growth().of(Bytes(line.size())).count());
  if (verdict.kind == Verdict::Kind::dropped) return "dropped: " + std::string(name(verdict.reason));
  EXPECT_EQ(verdict.kind, Verdict::Kind::rewritten);
  simdjson::dom::parser parser;
  EXPECT_FALSE(parser.parse(simdjson::padded_string(out.substr(7))).error()) << out;
  return out.substr(7);
}

std::string parsed(const std::string& format, std::string_view line) { return parsed(options_of(format), line); }

std::string kept(std::string_view why, std::string_view line) {
  return "{\"message\":\"" + std::string(line) + "\",\"parse_error\":\"" + std::string(why) + "\"}";
}

TEST(Parse, RawPutsTheLineUnderMessage) {
  EXPECT_EQ(parsed("raw", "plain text"), R"({"message":"plain text"})");
  EXPECT_EQ(parsed("raw", "a \"b\" \\ \t\x1b\x01"), R"({"message":"a \"b\" \\ \t\u001b\u0001"})");
  EXPECT_EQ(parsed("raw", std::string_view("\0", 1)), R"({"message":"\u0000"})");
  EXPECT_EQ(parsed("raw", "caf\xe9 \xc3\xa9"), "{\"message\":\"caf\xef\xbf\xbd \xc3\xa9\"}");
  EXPECT_EQ(parsed("raw", std::string(1000, '\x01')).size(), 6 * 1000 + 14u);
}

TEST(Parse, LogfmtHasNamesValuesAndFlags) {
  EXPECT_EQ(parsed("logfmt", R"(level=info msg="a \"b\" c\\d\n" dry  n=1.50	empty= x="")"),
            R"({"level":"info","msg":"a \"b\" c\\d\n","dry":true,"n":"1.50","empty":"","x":""})");
  EXPECT_EQ(parsed("logfmt", "a=1 b a=2 a b=3"), R"({"a":["1","2",true],"b":[true,"3"]})");
  EXPECT_EQ(parsed("logfmt", "url=/a?b=c"), R"({"url":"/a?b=c"})");
  EXPECT_EQ(parsed("logfmt", R"(err="one\ntwo\tthree \u00e9 \ud83d\ude00")"),
            "{\"err\":\"one\\ntwo\\tthree \xc3\xa9 \xf0\x9f\x98\x80\"}");
  EXPECT_EQ(parsed("logfmt", R"(a="C:\Windows \"\\")"), R"({"a":"C:\\Windows \"\\"})") << "no escape of JSON";
  EXPECT_EQ(parsed("logfmt", R"(a="\ud83d")"), R"({"a":"\\ud83d"})") << "half a character";
  EXPECT_EQ(parsed("logfmt", "only some words"), kept("it holds no name=value", "only some words"));
  EXPECT_EQ(parsed("logfmt", "=1"), kept("it has a value without a name", "=1"));
  EXPECT_EQ(parsed("logfmt", "a=\"b"), kept("a quote is not closed, or something follows it at once", "a=\\\"b"));
  EXPECT_EQ(parsed("logfmt", "a=\"b\"c"),
            kept("a quote is not closed, or something follows it at once", "a=\\\"b\\\"c"));
  EXPECT_EQ(parsed("logfmt", "a=\"b\\\""),
            kept("a quote is not closed, or something follows it at once", "a=\\\"b\\\\\\\""));
  EXPECT_EQ(parsed("logfmt", "a\"b=1"), kept("a name holds a quote", "a\\\"b=1"));
  std::string many;
  for (int i = 0; i < 129; ++i) many += "a=1 ";
  EXPECT_THAT(parsed("logfmt", many), HasSubstr("more than 128 members"));
  EXPECT_THAT(parsed("logfmt", many.substr(4)), HasSubstr(R"({"a":["1","1",)"));
}

TEST(Parse, CsvHasAFieldForEachColumn) {
  const auto three = csv_of({"time", "host", "say"});
  EXPECT_EQ(parsed(three, "1,a,b c"), R"({"time":"1","host":"a","say":"b c"})");
  EXPECT_EQ(parsed(three, R"("1,5","a ""b""","")"), R"({"time":"1,5","host":"a \"b\"","say":""})");
  EXPECT_EQ(parsed(three, ",,"), R"({"time":"","host":"","say":""})");
  EXPECT_EQ(parsed(csv_of({"a"}), ""), R"({"a":""})");
  EXPECT_EQ(parsed(csv_of({"a", "b"}, "\t"), "x\ty,z"), R"({"a":"x","b":"y,z"})");
  EXPECT_THAT(parsed(three, "1,2"), HasSubstr("fewer fields"));
  EXPECT_THAT(parsed(three, "1,"), HasSubstr("fewer fields"));
  EXPECT_THAT(parsed(three, "1,2,3,4"), HasSubstr("more fields"));
  EXPECT_THAT(parsed(three, "1,2,3,"), HasSubstr("more fields"));
  for (const std::string_view wrong : {"1,2,\"3", "1,\"2\"x,3", "1,2\"x,3", "\"", "1,\"\"\",3"})
    EXPECT_THAT(parsed(three, wrong), HasSubstr("a quote is not closed")) << wrong;
}

TEST(Parse, ARegularExpressionNamesItsParts) {
  const auto access = regex_of(
      R"re(^(?P<host>\S+) \S+ "(?P<method>[A-Z]+) (?P<path>\S+)[^"]*" (?P<status>\d+)(?: (?P<bytes>\d+))?$)re");
  EXPECT_EQ(parsed(access, R"(10.0.0.1 - "get /a" 200)"),
            R"({"message":"10.0.0.1 - \"get /a\" 200","parse_error":"the pattern is not in it"})");
  EXPECT_EQ(parsed(access, R"(10.0.0.1 - "GET /a HTTP/1.1" 200 17)"),
            R"({"host":"10.0.0.1","method":"GET","path":"/a","status":"200","bytes":"17"})");
  EXPECT_EQ(parsed(access, R"(10.0.0.1 - "GET /a" 200)"),
            R"({"host":"10.0.0.1","method":"GET","path":"/a","status":"200"})");
  std::string nested;
  for (int i = 0; i < 32; ++i) nested += "(?P<g" + std::to_string(i) + ">";
  nested += ".*" + std::string(32, ')');
  EXPECT_THAT(parsed(regex_of(nested), std::string(2000, 'x')), HasSubstr("more than six times as long"));
  EXPECT_THAT(parsed(regex_of("(a*)*(?P<x>b)"), std::string(50'000, 'a')), HasSubstr("not in it"));
}

/// As senders write it, right or wrong.
TEST(Parse, SyslogOfTheField) {
  EXPECT_EQ(parsed("syslog", "<46>1 - h rsyslogd - - - [origin software=\"rsyslogd\"] start"),
            R"({"facility":"syslog","severity":"informational","host":"h","app":"rsyslogd",)"
            R"("message":"[origin software=\"rsyslogd\"] start"})")
      << "without structured data brackets are text";
  EXPECT_EQ(parsed("syslog", "<13>Mar 13 12:01:33 fw sshd: [text] is not data"),
            R"({"facility":"user","severity":"notice","timestamp":"Mar 13 12:01:33","host":"fw","app":"sshd",)"
            R"("message":"[text] is not data"})");
  EXPECT_EQ(parsed("syslog", "<13>Mar 13 12:01:33 fw sshd:"),
            R"({"facility":"user","severity":"notice","timestamp":"Mar 13 12:01:33","host":"fw","app":"sshd",)"
            R"("message":""})");
  for (const std::string whole : {"<167>1 - esx vpxa 23 - [Originator@6876 sub=Vpxa opID=WFU] Fetching",
                                  "<165>1 - h logger - - subsys=forwarder", "<11>1 - h - 6993 void"})
    EXPECT_THAT(parsed("syslog", whole), HasSubstr("{\"message\":\"" + whole + "\",\"parse_error\"")) << whole;
}

TEST(Parse, SyslogOfRfc5424) {
  EXPECT_EQ(
      parsed("syslog",
             "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
             "[exampleSDID@32473 iut=\"3\" eventSource=\"A\\\"p\\]\\\\p\" iut=\"4\"][empty@1] \xef\xbb\xbf"
             "An event"),
      R"({"facility":"local4","severity":"notice","timestamp":"2003-10-11T22:14:15.003Z","host":"mymachine.example.com",)"
      R"("app":"evntslog","msgid":"ID47","message":"An event",)"
      R"("data":{"exampleSDID@32473":{"iut":["3","4"],"eventSource":"A\"p]\\p"},"empty@1":{}}})");
  EXPECT_EQ(parsed("syslog", "<0>1 - - - - - -"), R"({"facility":"kern","severity":"emergency","message":""})");
  EXPECT_EQ(parsed("syslog", "<191>1 - h a 12 - - two\nlines"),
            R"({"facility":"local7","severity":"debug","host":"h","app":"a","pid":"12","message":"two\nlines"})");
  for (const auto& [line, why] : {std::pair{"no syslog", "a priority"},
                                  {"<192>1 - - - - - -", "a priority"},
                                  {"<>1 - - - - - -", "a priority"},
                                  {"<1 - - - - - -", "a priority"},
                                  {"<1>1 - - - -", "too few fields"},
                                  {"<1>1 - -  - - - -", "too few fields"},
                                  {"<1>1 - - - - - x", "structured data is not complete"},
                                  {"<1>1 - - - - - [a", "structured data is not complete"},
                                  {"<1>1 - - - - - [a b]", "a parameter"},
                                  {"<1>1 - - - - - [a b=\"c]", "a parameter"},
                                  {"<1>1 - - - - - [a b=\"c\\", "a parameter"},
                                  {"<1>1 - - - - - [a][a]", "one element twice"},
                                  {"<1>1 - - - - - -x", "at once"}})
    EXPECT_THAT(parsed("syslog", line), HasSubstr(why)) << line;
}

TEST(Parse, SyslogOfRfc3164) {
  EXPECT_EQ(
      parsed("syslog", "<34>Oct 11 22:14:15 mymachine su[42]: 'su root' failed"),
      R"({"facility":"auth","severity":"critical","timestamp":"Oct 11 22:14:15","host":"mymachine","app":"su","pid":"42","message":"'su root' failed"})");
  EXPECT_EQ(
      parsed("syslog", "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!"),
      R"({"facility":"user","severity":"notice","timestamp":"Feb  5 17:32:18","host":"10.0.0.99","message":"Use the BFG!"})");
  EXPECT_EQ(parsed("syslog", "<13>app: no time"),
            R"({"facility":"user","severity":"notice","app":"app","message":"no time"})");
  EXPECT_EQ(parsed("syslog", "<13>Xxx 11 22:14:15 host text"),
            R"({"facility":"user","severity":"notice","message":"Xxx 11 22:14:15 host text"})");
  EXPECT_EQ(parsed("syslog", "<13>"), R"({"facility":"user","severity":"notice","message":""})");
}

TEST(Parse, DropsWhatIsNotOfItsFormatWhenToldTo) {
  auto options = options_of("syslog");
  options.set("when_malformed", std::string("drop"));
  EXPECT_EQ(parsed(options, "no syslog"), "dropped: malformed");
  const auto plan = compile(options).value();
  EXPECT_EQ(plan->strongest(), Level::processed);
  EXPECT_EQ(compile(options_of("syslog")).value()->strongest(), Level::stored);
}

TEST(Parse, CountsWhatIsNotOfItsFormatAndWhatItReplaced) {
  const auto plan = compile(options_of("logfmt")).value();
  const BatchInfo info;
  std::string out;
  for (const std::string_view line : {"a=1", "some words", "a=\xff\xfe", "\xff"})
    plan->stage()->take({PaddedText(line).view(), info, {}, {}}, out);
  const auto counts = plan->counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].n, 2u) << counts[0].what;
  EXPECT_EQ(counts[1].n, 3u) << counts[1].what;
}

TEST(Parse, SaysWhatIsWrong) {
  const auto with = [](Options options, const std::string& key, Options::Value value) {
    options.set(key, std::move(value));
    return parsed(options, "");
  };
  EXPECT_THAT(parsed("csv", ""), HasSubstr("columns: a csv needs the names"));
  EXPECT_THAT(parsed("regex", ""), HasSubstr("pattern: format: regex needs one"));
  EXPECT_THAT(with(options_of("raw"), "pattern", std::string("x")), HasSubstr("pattern: only format: regex"));
  EXPECT_THAT(with(options_of("raw"), "columns", Texts{"a"}), HasSubstr("columns: only format: csv"));
  EXPECT_THAT(parsed(regex_of("(?P<a>"), ""), HasSubstr("pattern: missing"));
  EXPECT_THAT(parsed(regex_of("(?<a>x)"), ""), HasSubstr("(?P<name>...)"));
  EXPECT_THAT(parsed(regex_of("(a)"), ""), HasSubstr("pattern: it names nothing"));
  EXPECT_THAT(parsed(csv_of({"a", "a"}), ""), HasSubstr("columns: there are two of the name \"a\""));
  for (const auto* wrong : {"", "\"", ",,", "\x01", "\xc3\xa4"})
    EXPECT_THAT(parsed(csv_of({"a"}, wrong), ""), HasSubstr("separator: one ASCII character"));
}

}  // namespace
}  // namespace weir::parse
