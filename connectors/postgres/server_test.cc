// Against a real server: what is stored, what it says, how it fails. Each test has a server of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "log/log.h"
#include "postgres_sink.h"
#include "server_for_test.h"

namespace weir::postgres {
namespace {

using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Outcome = Delivery::Outcome;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = TestServer::missing(); !why.empty()) GTEST_SKIP() << why;
    log::set_level(log::Level::off);
  }
  TestServer& server(const std::string& how = "") {
    if (!server_) server_ = std::make_unique<TestServer>(WEIR_SOURCE_DIR, how);
    return *server_;
  }
  Options with(const std::string& table, Options::Table columns = {}) {
    Options options;
    options.set("url", server().url);
    options.set("table", table);
    options.set("create", true);
    if (!columns.empty()) options.set("columns", std::move(columns));
    return options;
  }
  std::unique_ptr<PostgresSink> opened(const Options& options) {
    auto sink = std::make_unique<PostgresSink>(SinkSetup{"db", options, 0, context_});
    const auto result = sink->open();
    EXPECT_TRUE(result) << result.error().message;
    return sink;
  }
  std::string open_error(const Options& options) {
    PostgresSink sink({"db", options, 0, context_});
    const auto result = sink.open();
    return result ? "opened" : result.error().message;
  }
  static Delivery all_of(Sink& sink, std::span<const Batch> batches) {
    Delivery delivery{.outcome = Outcome::more};
    while (delivery.outcome == Outcome::more) delivery = sink.deliver(batches);
    return delivery;
  }

  std::unique_ptr<TestServer> server_;
  Context context_;
};

TEST_F(ServerTest, KeepsWhatEverySinkPromises) {
  const auto type = sink_type();
  std::map<std::string, std::string> stored;
  int count = 0;
  conformance::SinkUnderTest under_test{.type = type, .fresh = [&] { return with("t" + std::to_string(count++)); }};
  under_test.read_back = [&](const Options& o) { return server().query("SELECT event::text FROM " + o.text("table")); };
  under_test.as_stored = [&](std::string_view event) {
    auto& text = stored[std::string(event)];
    if (text.empty()) text = server().query("SELECT $1::jsonb::text", std::string(event)).at(0);
    return text;
  };
  under_test.refuses = {"no json", "\xff\xfe", "{\"a\":\"\xc3\"}", "{\"id\":\"\\u0000\"}",
                        std::string("{\"id\":\"\0\"}", 10)};
  EXPECT_THAT(conformance::check_sink(under_test), IsEmpty());
  auto copying = type;
  copying.idempotent = false;
  conformance::SinkUnderTest copied{copying, [&] {
                                      auto options = with("t" + std::to_string(count++));
                                      options.set("mode", std::string("copy"));
                                      return options;
                                    }};
  copied.read_back = under_test.read_back;
  copied.as_stored = under_test.as_stored;
  copied.refuses = {"no json", "\xff\xfe", "{\"a\":\"\xc3\"}"};
  EXPECT_THAT(conformance::check_sink(copied), IsEmpty());
}

TEST_F(ServerTest, StoresEveryTypeAsItWasWritten) {
  const Options::Table columns = {
      {"t", ".t"},         {"i", ".i int"},   {"b", ".b bigint"},         {"f", ".f float8"},
      {"n", ".n numeric"}, {"o", ".o bool"},  {"z", ".z timestamptz"},    {"u", ".u uuid"},
      {"j", ".j jsonb"},   {"y", ".y bytea"}, {"d", ".d int default 42"}, {"r", "received"},
      {"e", "event"}};
  const std::string event =
      R"({"t":"ä\n\"","i":-7,"b":9007199254740993,"f":0.1,"n":12345678901234567890.00123,"o":true,)"
      R"("z":"2026-11-21T05:10:00.123456+02:00","u":"00112233-4455-6677-8899-aabbccddeeff","j":{"b":[1,null]},"y":"AP8="})";
  const std::string numbers = R"({"n":-0.000100,"f":1e300,"b":-9223372036854775808})";
  for (const std::string mode : {"insert", "copy"}) {
    auto options = with("types_" + mode, columns);
    options.set("mode", mode);
    const Delivered batches(batch_of({event, numbers, "{}"}, 1));
    const auto done = opened(options)->deliver(batches);
    EXPECT_EQ(done.outcome, Outcome::done) << done.error.message;
    EXPECT_THAT(done.refused, IsEmpty());
    EXPECT_THAT(
        server().query(
            "SET timezone = 'UTC'; SELECT t, i, b, f, n, o, z, u, j, y, d, extract(epoch FROM r)::bigint FROM types_" +
            mode + " ORDER BY i"),
        ElementsAre("ä\n\"|-7|9007199254740993|0.1|12345678901234567890.00123|t|2026-11-21 03:10:00.123456+00|"
                    "00112233-4455-6677-8899-aabbccddeeff|{\"b\": [1, null]}|\\x00ff|42|1700000000",
                    "NULL|NULL|-9223372036854775808|1e+300|-0.000100|NULL|NULL|NULL|NULL|NULL|42|1700000000",
                    "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|42|1700000000"));
  }
}

TEST_F(ServerTest, SaysWhatIsWrongBeforeItStarts) {
  auto options = with("nowhere.t");
  EXPECT_THAT(open_error(options), HasSubstr("create the schema"));
  options = with("absent");
  options.set("create", false);
  EXPECT_THAT(open_error(options),
              HasSubstr("relation \"absent\" does not exist: create \"absent\", say `create: true`"));
  server().query("CREATE TABLE plain (id text, n int)");
  EXPECT_THAT(open_error(with("plain")),
              HasSubstr("column \"event\" of relation \"plain\" does not exist: add the column"));
  const Options::Table columns = {{"id", ".id"}, {"n", ".n"}};
  EXPECT_THAT(open_error(with("plain", columns)),
              HasSubstr("column \"n\" is of type integer but expression is of type text: correct its type"));
  auto copies = with("plain", {{"n", ".n bigint"}});
  copies.set("mode", std::string("copy"));
  EXPECT_THAT(open_error(copies), HasSubstr("column n is of type integer and COPY would send bigint"));
  auto keyed = with("plain", {{"id", ".id"}, {"n", ".n int"}});
  keyed.set("key", std::vector<std::string>{"id"});
  EXPECT_THAT(open_error(keyed), HasSubstr("ALTER TABLE \"plain\" ADD PRIMARY KEY (id)"));
  options = with("t");
  auto url = server().url;
  options.set("url", url.replace(url.rfind("weir"), 4, "nowhere"));
  EXPECT_THAT(open_error(options), HasSubstr("create the database, or correct `url`"));
  server().query("CREATE ROLE guest LOGIN; CREATE TABLE t (id text PRIMARY KEY, event jsonb)");
  options.set("url", std::string(server().url).replace(server().url.find("weir@"), 4, "guest"));
  EXPECT_THAT(open_error(options), HasSubstr("permission denied for table t: grant INSERT and SELECT"));
}

TEST_F(ServerTest, RefusesTheBadRowAloneInEitherMode) {
  for (const std::string mode : {"insert", "copy"}) {
    const std::string table = "checked_" + mode;
    server().query("CREATE TABLE " + table + " (id text UNIQUE, n int CHECK (n < 100))");
    auto options = with(table, {{"id", ".id"}, {"n", ".n int"}});
    options.set("mode", mode);
    std::vector<std::string> events;
    for (int i = 0; i < 101; ++i) events.push_back(fmt::format(R"({{"id":"{}","n":{}}})", i, i));
    events.push_back(R"({"id":"5","n":1})");
    auto sink = opened(options);
    const Delivered batches(batch_of(events, 1));
    const auto done = all_of(*sink, batches);
    ASSERT_EQ(done.refused.size(), 2u);
    EXPECT_EQ(done.refused[0].event, 100u);
    EXPECT_THAT(done.refused[0].why, HasSubstr("violates check constraint"));
    EXPECT_EQ(done.refused[1].event, 101u);
    EXPECT_THAT(done.refused[1].why, HasSubstr("(23505)"));
    EXPECT_THAT(server().query("SELECT count(*) FROM " + table), ElementsAre("100"));
  }
}

TEST_F(ServerTest, RefusesWhatOnlyTheServerCanJudge) {
  auto sink = opened(with("judged"));
  const std::string deep = R"({"id":"zero","v":"a\u0000b"})", broken = R"({"id":"broken","v":{"a":01}})";
  const std::string surrogate = R"({"id":"half","v":"\ud800"})";
  const std::string long_id = R"({"id":")" + [] {
    std::string text;  // random enough not to be compressed below what an index takes
    for (unsigned n = 1; text.size() < 9000; n = n * 1664525 + 1013904223) text += std::to_string(n);
    return text;
  }() + "\"}";
  const Delivered batches(batch_of({R"({"id":"good"})", deep, broken, surrogate, long_id}, 1));
  const auto done = all_of(*sink, batches);
  ASSERT_EQ(done.refused.size(), 4u) << done.error.message;
  EXPECT_THAT(done.refused[3].why, HasSubstr("index row"));
  EXPECT_THAT(server().query("SELECT id FROM judged"), ElementsAre("good"));
}

TEST_F(ServerTest, ComesBackAfterWhateverEndsAConnection) {
  auto sink = opened(with("ended"));
  int n = 0;
  const auto deliver = [&] {
    const Delivered batches(batch_of(json_events("e" + std::to_string(n++), 10), 1));
    return sink->deliver(batches).outcome;
  };
  EXPECT_EQ(deliver(), Outcome::done);
  for (const char* mode : {"fast", "immediate"}) {
    server().restart(mode);
    EXPECT_EQ(deliver(), Outcome::done) << "it notices before it sends";
  }
  server().query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'");
  const auto outcome = deliver();
  EXPECT_TRUE(outcome == Outcome::done || deliver() == Outcome::done);
}

TEST_F(ServerTest, WaitsForALockNoLongerThanItIsTold) {
  auto options = with("locked");
  options.set("statement_timeout", Duration(std::chrono::seconds(3)));  // its start has no longer either
  auto sink = opened(options);
  server().query("BEGIN; LOCK TABLE locked");
  const Delivered batches(batch_of(json_events("a", 10), 1));
  const auto put_off = sink->deliver(batches);
  EXPECT_EQ(put_off.outcome, Outcome::again);
  EXPECT_THAT(put_off.error.message, HasSubstr("`statement_timeout` was reached"));
  server().query("ROLLBACK");
  EXPECT_EQ(all_of(*sink, batches).outcome, Outcome::done);
  EXPECT_THAT(server().query("SELECT count(*) FROM locked"), ElementsAre("10"));
}

TEST_F(ServerTest, IsInterruptedAtOnceAndTellsTheServer) {
  auto sink = opened(with("stopped"));
  server().query("BEGIN; LOCK TABLE stopped");
  const Delivered batches(batch_of(json_events("a", 10), 1));
  Delivery delivery;
  std::thread delivering([&] { delivery = sink->deliver(batches); });
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
  while (server().query(waiting).at(0) == "0") std::this_thread::yield();
  const auto before = context_.now();
  sink->cancel();
  delivering.join();
  EXPECT_LT(context_.now() - before, std::chrono::seconds(10));
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("interrupted"));
  while (server().query(waiting).at(0) != "0") std::this_thread::yield();
  EXPECT_LT(context_.now() - before, std::chrono::seconds(20)) << "only the statement's timeout ended it";
  server().query("ROLLBACK");
  EXPECT_EQ(sink->open().has_value(), true);
  EXPECT_EQ(sink->deliver(batches).outcome, Outcome::done);
  EXPECT_THAT(server().query("SELECT count(*) FROM stopped"), ElementsAre("10"));
}

TEST_F(ServerTest, ProvesWhoItIsAndChecksWhomItTalksTo) {
  ::unsetenv("PGPASSWORD");
  const auto secret = testing::TempDir() + "/secret_" + std::to_string(::getpid());
  std::ofstream(secret) << "p%ss w'rd\\\n";
  server("--ssl --password " + secret);
  const auto ca = server().folder() + "/data/server.crt";
  auto options = with("safe");
  EXPECT_THAT(open_error(options), HasSubstr("no password supplied"));
  ::setenv("PGPASSWORD", "p%ss w'rd\\", 1);
  const auto in_use = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'weir'";
  server().query("SELECT 1");  // this one stays
  ::unsetenv("PGPASSWORD");
  options.set("password_file", secret);
  options.set("tls", std::string("verify-full"));
  options.set("tls_ca", ca);
  {
    auto sink = opened(options);
    EXPECT_THAT(server().query(in_use), ElementsAre("t"));
  }
  options.set("tls", std::string("disable"));
  {
    auto sink = opened(options);
    EXPECT_THAT(server().query(in_use), ElementsAre("f"));
  }
  std::ofstream(secret) << "wrong\n";
  EXPECT_THAT(open_error(options),
              testing::AllOf(HasSubstr("password authentication failed for user \"weir\""), Not(HasSubstr("wrong"))));
  std::filesystem::remove(secret);
}

TEST_F(ServerTest, APasswordThatWasReplacedCountsFromTheNextConnectionOn) {
  ::unsetenv("PGPASSWORD");
  const auto secret = testing::TempDir() + "/renewed_" + std::to_string(::getpid());
  std::ofstream(secret) << "first\n";
  server("--password " + secret);
  auto options = with("renewed");
  options.set("password_file", secret);
  auto sink = opened(options);
  const auto deliver = [&](const std::string& id) {
    const Delivered batches(batch_of({R"({"id":")" + id + R"("})"}, 1));
    return sink->deliver(batches);
  };
  EXPECT_EQ(deliver("a").outcome, Outcome::done);
  ::setenv("PGPASSWORD", "first", 1);
  server().query("ALTER USER weir PASSWORD 'second'");
  ::setenv("PGPASSWORD", "second", 1);
  EXPECT_EQ(deliver("b").outcome, Outcome::done) << "the session it has was let in";
  std::filesystem::remove(secret);
  const auto gone = sink->on_hangup();
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message, testing::EndsWith("it keeps the password it has"));
  std::ofstream(secret) << "second\n";
  EXPECT_EQ(sink->on_hangup().value_or("an error"), "reads its certificates and password with its next connection");
  server().query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'");
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Delivery delivered = deliver("c");
  while (delivered.outcome != Outcome::done && std::chrono::steady_clock::now() < give_up) delivered = deliver("c");
  EXPECT_EQ(delivered.outcome, Outcome::done) << delivered.error.message;
  ::unsetenv("PGPASSWORD");
  std::filesystem::remove(secret);
}

TEST_F(ServerTest, WarnsWhereAServerMayForgetWhatItConfirmed) {
  server("--setting synchronous_commit=off");
  const auto options = with("forgetful");
  log::set_level(log::Level::warn);
  testing::internal::CaptureStdout();
  opened(options);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("synchronous_commit is off there"));
}

}  // namespace
}  // namespace weir::postgres
