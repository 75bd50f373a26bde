#include "postgres_sink.h"
#include "log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>

#include <algorithm>

#include "fake_session_for_test.h"

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

class PostgresSinkTest : public testing::Test {
 protected:
  PostgresSinkTest() {
    log::set_level(log::Level::off);
    options_.set("url", std::string("postgresql://u@db:5432/orders"));
  }
  std::string open_error() {
    sink_ =
        std::make_unique<PostgresSink>(SinkSetup{"db", options_, 0, context_}, std::make_unique<FakeSession>(server_));
    const auto opened = sink_->open();
    return opened ? "opened" : opened.error().message;
  }
  /// Until it is done or wants to be called again later; `calls_` says how often it was.
  Delivery deliver(std::span<const Batch> batches) {
    EXPECT_EQ(open_error(), "opened");
    return go_on(batches);
  }
  Delivery go_on(std::span<const Batch> batches) {
    Delivery delivery{.outcome = Outcome::more};
    for (calls_ = 0; delivery.outcome == Outcome::more; ++calls_) delivery = sink_->deliver(batches);
    return delivery;
  }
  void refuse(std::vector<std::string> bad, std::string state = "23514") {
    server_.judge = [bad, state](const std::vector<std::string>& rows) -> std::optional<Failure> {
      const auto is_bad = [&](const std::string& row) {
        return std::ranges::any_of(bad, [&](const auto& id) { return row.contains("\"" + id + "\""); });
      };
      if (std::ranges::none_of(rows, is_bad)) return std::nullopt;
      return Failure{state, "violates check constraint \"c\""};
    };
  }

  Options options_;
  Context context_;
  FakeServer server_;
  std::unique_ptr<PostgresSink> sink_;
  int calls_ = 0;
};

TEST_F(PostgresSinkTest, StoresADeliveryWithOneStatement) {
  const Delivered batches(batch_of(json_events("a", 500), 1));
  const auto done = deliver(batches);
  EXPECT_EQ(done.outcome, Outcome::done);
  EXPECT_EQ(server_.statements, 1);
  EXPECT_EQ(server_.stored, batches.texts());
  EXPECT_THAT(server_.sql.front(), HasSubstr("SET statement_timeout = 30000"));
}

TEST_F(PostgresSinkTest, TellsWhatWasThereAlreadyFromWhatItStored) {
  server_.held = 1;
  const Delivered with_ids(batch_of({R"({"id":1})", R"({"id":2})"}, 1));
  EXPECT_EQ(deliver(with_ids).already, 1u);
  EXPECT_EQ(go_on(with_ids).strange, 0u);
  const Delivered without(batch_of({R"({"id":1})", "{}", "{}"}, 1));
  EXPECT_EQ(go_on(without).already, 1u);
  EXPECT_EQ(go_on(without).strange, 0u) << "it may be the one with an id of its own";
  server_.held = 2;
  EXPECT_EQ(go_on(without).strange, 1u);
  server_.held = 0;
  EXPECT_EQ(go_on(without).already, 0u) << "a new group";
}

TEST_F(PostgresSinkTest, FindsOneBadRowOfAThousandInTwoLogStatements) {
  refuse({"a-617"});
  const Delivered batches(batch_of(json_events("a", 1024), 1));
  const auto done = deliver(batches);
  ASSERT_EQ(done.refused.size(), 1u);
  EXPECT_EQ(done.refused[0].event, 617u);
  EXPECT_THAT(done.refused[0].why, HasSubstr("orders at db:5432 refused it: violates check constraint"));
  EXPECT_EQ(server_.stored.size(), 1023u);
  EXPECT_LE(server_.statements, 1 + 2 * 10);
  EXPECT_EQ(calls_, server_.statements) << "each statement passes breaker and pace";
}

TEST_F(PostgresSinkTest, RefusesBadRowsOfSeveralBatchesAscendingAndStoresTheOthersOnce) {
  refuse({"a-0", "a-9", "b-3"});
  Delivered batches(batch_of(json_events("a", 10), 1));
  batches.add(batch_of(json_events("b", 10), 100));
  const auto done = deliver(batches);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> at;
  for (const auto& refused : done.refused) at.emplace_back(refused.batch, refused.event);
  EXPECT_THAT(at, ElementsAre(std::pair(0u, 0u), std::pair(0u, 9u), std::pair(1u, 3u)));
  std::ranges::sort(server_.stored);
  EXPECT_EQ(server_.stored.size(), 17u);
  EXPECT_EQ(std::ranges::adjacent_find(server_.stored), server_.stored.end());
}

TEST_F(PostgresSinkTest, RefusesOnItsOwnSideWithoutAStatement) {
  const Delivered batches(batch_of({"no json", R"({"id":1})"}, 1));
  const auto done = deliver(batches);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(server_.statements, 1);
  ASSERT_EQ(done.refused.size(), 1u);
  EXPECT_THAT(done.refused[0].why, HasSubstr("not JSON"));
}

TEST_F(PostgresSinkTest, GoesOnWhereItWasAfterATransientFailure) {
  int n = 0;
  refuse({"a-7"});
  const auto refusing = server_.judge;
  server_.judge = [&, refusing](const auto& rows) -> std::optional<Failure> {
    if (!rows.empty() && ++n == 3) return Failure{"40P01", "deadlock detected"};
    return refusing(rows);
  };
  const Delivered batches(batch_of(json_events("a", 8), 1));
  const auto put_off = deliver(batches);
  EXPECT_EQ(put_off.outcome, Outcome::again);
  EXPECT_THAT(put_off.error.message, HasSubstr("orders at db:5432: deadlock detected"));
  EXPECT_EQ(server_.stored.size(), 4u);
  EXPECT_EQ(go_on(batches).outcome, Outcome::done);
  EXPECT_EQ(server_.stored.size(), 7u);
}

TEST_F(PostgresSinkTest, ConnectsAgainAfterALostConnection) {
  bool lose = true;
  server_.judge = [&](const auto& rows) -> std::optional<Failure> {
    if (!rows.empty() && std::exchange(lose, false)) return Failure{"", "server closed the connection unexpectedly"};
    return std::nullopt;
  };
  const Delivered batches(batch_of(json_events("a", 8), 1));
  EXPECT_EQ(deliver(batches).outcome, Outcome::again);
  EXPECT_EQ(go_on(batches).outcome, Outcome::done);
  EXPECT_EQ(server_.connections, 2);
}

TEST_F(PostgresSinkTest, WaitsWhenItIsTheTableAndNotTheRows) {
  const Delivered batches(batch_of(json_events("a", 8), 1));
  EXPECT_EQ(deliver(batches).outcome, Outcome::done);
  server_.judge = [&](const auto&) { return Failure{"42501", "permission denied for table events"}; };
  const auto put_off = go_on(batches);
  EXPECT_EQ(put_off.outcome, Outcome::again);
  EXPECT_THAT(put_off.error.message, HasSubstr("permission denied for table events: grant INSERT and SELECT"));
  EXPECT_EQ(server_.statements, 2);
  server_.judge = [](const auto&) { return std::nullopt; };
  EXPECT_EQ(go_on(batches).outcome, Outcome::done);
  EXPECT_EQ(server_.statements, 3) << "it stays one statement";
}

TEST_F(PostgresSinkTest, RefusesEachBadEventOnceWhoeverFindsIt) {
  refuse({"a-0"});
  auto events = json_events("a", 8);
  events[3] = "no json";
  const Delivered batches(batch_of(events, 1));
  const auto done = deliver(batches);
  ASSERT_EQ(done.refused.size(), 2u);
  EXPECT_EQ(done.refused[0].event, 0u);
  EXPECT_EQ(done.refused[1].event, 3u);
  EXPECT_EQ(server_.stored.size(), 6u);
}

TEST_F(PostgresSinkTest, RefusesNobodyForATableThatIsPutRightInBetween) {
  bool broken = false;
  server_.judge = [&](const auto& rows) -> std::optional<Failure> {
    if (rows.empty() || !std::exchange(broken, false)) return std::nullopt;
    return Failure{"42P01", "relation \"events\" does not exist"};
  };
  const Delivered batches(batch_of(json_events("a", 1), 1));
  EXPECT_EQ(deliver(batches).outcome, Outcome::done);
  broken = true;
  const auto done = go_on(batches);
  EXPECT_EQ(done.outcome, Outcome::done);
  EXPECT_THAT(done.refused, IsEmpty());
}

TEST_F(PostgresSinkTest, SendsLessAtOnceAfterATimeout) {
  server_.judge = [&](const auto& rows) -> std::optional<Failure> {
    if (rows.size() <= 25) return std::nullopt;
    return Failure{"57014", "canceling statement due to statement timeout"};
  };
  const Delivered batches(batch_of(json_events("a", 100), 1));
  EXPECT_EQ(deliver(batches).outcome, Outcome::again);
  EXPECT_EQ(go_on(batches).outcome, Outcome::again);
  EXPECT_EQ(server_.stored.size(), 0u);
  EXPECT_EQ(go_on(batches).outcome, Outcome::again);
  EXPECT_EQ(server_.stored.size(), 50u);
  EXPECT_EQ(go_on(batches).outcome, Outcome::done);
  EXPECT_EQ(server_.stored, batches.texts());
}

TEST_F(PostgresSinkTest, CopiesLargeGroupsWhereThereIsNoKey) {
  options_.set("mode", std::string("auto"));
  options_.set("key", std::vector<std::string>{});
  const auto copies = [&](std::size_t events) {
    server_.sql.clear();
    EXPECT_EQ(deliver(Delivered(batch_of(json_events("a", events, 50), 1))).outcome, Outcome::done);
    return server_.sql.back().starts_with("COPY");
  };
  EXPECT_FALSE(copies(4'999));
  EXPECT_TRUE(copies(5'000));
  server_.types = {{"event", "json"}};
  EXPECT_THAT(open_error(), HasSubstr("column event is of type json and COPY would send jsonb"));
  options_.set("key", std::vector<std::string>{"id"});
  EXPECT_FALSE(copies(5'000)) << "what is there already cannot be left out";
}

TEST_F(PostgresSinkTest, AsksTheServerOnceAtStartHoweverManyWorkers) {
  PostgresSink second({"db", options_, 1, context_}, std::make_unique<FakeSession>(server_));
  EXPECT_TRUE(second.open());
  EXPECT_EQ(server_.connections, 0);
  EXPECT_EQ(second.deliver(Delivered(batch_of(json_events("a", 1), 1))).outcome, Outcome::done);
}

TEST_F(PostgresSinkTest, RefusesARowThatAPolicyOrTriggerObjectsTo) {
  refuse({"a-2"}, "42501");
  const Delivered batches(batch_of(json_events("a", 4), 1));
  const auto done = deliver(batches);
  ASSERT_EQ(done.refused.size(), 1u);
  EXPECT_EQ(done.refused[0].event, 2u);
}

TEST_F(PostgresSinkTest, EndsTheStartForWhatOnlyAHandCures) {
  const auto says = [&](const char* state, const char* message) {
    server_.judge = [=](const auto&) { return Failure{state, message}; };
    return open_error();
  };
  EXPECT_EQ(says("42P01", "relation \"events\" does not exist"),
            "sink db: orders at db:5432: relation \"events\" does not exist: create \"events\", say `create: true`, or "
            "correct `table`");
  EXPECT_THAT(says("42703", "column \"x\" does not exist"), HasSubstr("correct `columns`"));
  EXPECT_THAT(says("42P10", "there is no unique constraint"), HasSubstr("ADD PRIMARY KEY (id)"));
  EXPECT_EQ(says("57P03", "the database system is starting up"), "opened");
  server_.up = false;
  server_.refuses_connection = Failure{"28P01", "password authentication failed for user \"u\""};
  EXPECT_THAT(open_error(), HasSubstr("check the user in `url` and its password"));
  server_.refuses_connection = Failure{"", "connection refused"};
  EXPECT_EQ(open_error(), "opened");
}

TEST_F(PostgresSinkTest, StartsWithoutItsServerAndChecksTheTableWhenItIsThere) {
  server_.refuses_connection = Failure{"", "connection refused"};
  EXPECT_EQ(open_error(), "opened");
  const Delivered batches(batch_of(json_events("a", 4), 1));
  EXPECT_EQ(go_on(batches).outcome, Outcome::again);
  server_.refuses_connection.reset();
  server_.judge = [&](const auto&) { return Failure{"42P01", "relation does not exist"}; };
  EXPECT_THAT(go_on(batches).error.message, HasSubstr("say `create: true`"));
  EXPECT_EQ(server_.statements, 0);
  server_.judge = [](const auto&) { return std::nullopt; };
  EXPECT_EQ(go_on(batches).outcome, Outcome::done);
}

TEST_F(PostgresSinkTest, SendsALargeGroupAsSeveralStatements) {
  options_.set("max_statement", Bytes(64_KiB));
  const Delivered batches(batch_of(json_events("a", 1000), 1));
  EXPECT_EQ(deliver(batches).outcome, Outcome::done);
  EXPECT_GE(server_.statements, 4);
  EXPECT_EQ(calls_, server_.statements);
  EXPECT_EQ(server_.stored, batches.texts());
}

TEST_F(PostgresSinkTest, AsksNobodyForNothing) {
  server_.refuses_connection = Failure{"", "connection refused"};
  EXPECT_EQ(deliver({}).outcome, Outcome::done);
}

TEST_F(PostgresSinkTest, SaysWhatIsWrongWithItsOptions) {
  const auto with = [&](const char* name, auto value) {
    const Options before = options_;
    options_.set(name, value);
    const auto said = open_error();
    options_ = before;
    return said;
  };
  using Table = Options::Table;
  EXPECT_THAT(with("url", std::string("postgresql://u:se%cret@db/orders")),
              testing::AllOf(HasSubstr("sink db: url: it cannot be read"), Not(HasSubstr("cret@"))));
  EXPECT_THAT(with("url", std::string("host=db nonsense=1")), HasSubstr("nonsense"));
  EXPECT_THAT(with("table", std::string("a.b.c.d")), HasSubstr("write NAME or SCHEMA.NAME"));
  EXPECT_THAT(with("key", std::vector<std::string>{"x"}), HasSubstr("without `columns` it is [id]"));
  EXPECT_THAT(with("columns", Table{{"a", ".a nothing"}}), HasSubstr("columns.a"));
  EXPECT_THAT(with("password_env", std::string("WEIR_NO_SUCH")), HasSubstr("there is no variable"));
  EXPECT_THAT(with("password_file", std::string("/nowhere/p")), HasSubstr("password_file: cannot read"));
  EXPECT_THAT(with("tls", std::string("verify-full")), HasSubstr("tls_ca: `tls: verify-full` needs"));
  EXPECT_THAT(with("tls_ca", std::string("/nowhere/ca")), HasSubstr("tls_ca: cannot read"));
  EXPECT_THAT(with("max_statement", Bytes(1)), HasSubstr("from 64KiB"));
  options_.set("mode", std::string("copy"));
  EXPECT_THAT(with("key", std::vector<std::string>{"id"}), HasSubstr("leave out `key`"));
}

TEST_F(PostgresSinkTest, IsCheckedWithoutAConnectionAndWithoutWhatThisMachineHasNot) {
  const auto checked = [&](const char* name, auto value) {
    Options options = options_;
    options.set(name, value);
    const auto fit = PostgresSink(SinkSetup{"db", options, 0, context_}).check();
    return fit ? std::string() : fit.error().message;
  };
  EXPECT_EQ(checked("table", std::string("public.events")), "");
  EXPECT_THAT(checked("table", std::string("a.b.c.d")), HasSubstr("sink db: table"));
  EXPECT_THAT(checked("url", std::string("http://db/")), HasSubstr("sink db: url: "));
  EXPECT_THAT(checked("columns", Options::Table{{"a", "@topic"}}), HasSubstr("only expressions of stages read"));
  EXPECT_THAT(checked("tls_key", std::string("/nowhere/key")), HasSubstr("tls_certificate: it and tls_key belong"));
  EXPECT_EQ(checked("password_env", std::string("WEIR_NO_SUCH")), "") << "another machine may have it";
  EXPECT_EQ(checked("tls_ca", std::string("/nowhere/ca")), "");
}

TEST_F(PostgresSinkTest, KeepsPasswordsOutOfWhatItSays) {
  options_.set("url", std::string("postgresql://u:secret@db:5432/orders"));
  server_.refuses_connection = Failure{"28P01", "password authentication failed for user \"u\""};
  EXPECT_THAT(open_error(), Not(HasSubstr("secret")));
  EXPECT_EQ(config_of(options_)->where, "orders at db:5432");
}

TEST_F(PostgresSinkTest, DeclaresWhatItNeeds) {
  const auto type = sink_type();
  EXPECT_EQ(type.ack(options_), SinkAck::durable);
  EXPECT_EQ(type.max_workers(options_), 100);
  Bytes small, large;
  options_.set("max_statement", Bytes(512_KiB));
  for (const auto& part : type.footprint(options_, {1000, 1_MiB})) small += part.total();
  options_.set("max_statement", Bytes(8_MiB));
  for (const auto& part : type.footprint(options_, {1000, 1_MiB})) large += part.total();
  EXPECT_LT(small, 3_MiB);
  EXPECT_GT(large, 32_MiB);
}

}  // namespace
}  // namespace weir::postgres
