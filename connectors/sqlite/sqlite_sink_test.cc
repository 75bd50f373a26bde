#include "sqlite_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>

namespace weir::sqlite {
namespace {

namespace fs = std::filesystem;
using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

std::vector<std::string> query(const std::string& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  sqlite3_open(path.c_str(), &handle);
  std::vector<std::string> rows;
  const auto add = [](void* to, int n, char** values, char**) {
    std::string row;
    for (int i = 0; i < n; ++i) row += (i ? "|" : "") + std::string(values[i] ? values[i] : "NULL");
    static_cast<std::vector<std::string>*>(to)->push_back(row);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), add, &rows, nullptr), SQLITE_OK) << sql << ": " << sqlite3_errmsg(handle);
  sqlite3_close(handle);
  return rows;
}

class SqliteSinkTest : public testing::Test {
 protected:
  SqliteSinkTest() { fs::create_directories(folder); }
  ~SqliteSinkTest() override { fs::remove_all(folder); }

  static std::string test_folder() {
    const char* of_parent = std::getenv("WEIR_SQLITE_SINK_TEST_FOLDER");
    return of_parent ? of_parent : testing::TempDir() + "sqlite_sink_" + std::to_string(::getpid());
  }
  static Options with_path(const std::string& to) {
    Options made;
    made.set("path", to);
    made.set("busy_timeout", Duration(std::chrono::milliseconds(10)));
    return made;
  }
  std::unique_ptr<SqliteSink> opened() {
    auto sink = std::make_unique<SqliteSink>(SinkSetup{"db", options, 0, context});
    const auto result = sink->open();
    EXPECT_TRUE(result) << result.error().message;
    return sink;
  }
  std::string open_error() {
    SqliteSink sink({"db", options, 0, context});
    const auto result = sink.open();
    return result ? "opened" : result.error().message;
  }
  Delivery deliver_one(const std::string& event, std::uint64_t id = 77) {
    return opened()->deliver(Delivered(batch_of({event}, id)));
  }

  const std::string folder = test_folder();
  const std::string path = folder + "/deep/x.db";
  Options options = with_path(path);
  Context context;
};

TEST_F(SqliteSinkTest, KeepsWhatEverySinkPromises) {
  Catalog catalog;
  add_to(catalog);
  for (const std::string synchronous : {"full", "normal"}) {
    int count = 0;
    conformance::SinkUnderTest under_test{.type = *catalog.sink("sqlite"), .fresh = [&] {
                                            auto fresh =
                                                with_path(folder + "/" + synchronous + std::to_string(count++));
                                            fresh.set("synchronous", synchronous);
                                            return fresh;
                                          }};
    under_test.read_back = [](const Options& o) { return query(o.text("path"), "SELECT event FROM events"); };
    under_test.refuses = {std::string("{\"id\":\"\0\"}", 10), "{\"id\":\"x\\u0000\"}", "\xff\xfe", "{\"a\":\"\xc3\"}"};
    EXPECT_THAT(conformance::check_sink(under_test), IsEmpty());
  }
}

TEST_F(SqliteSinkTest, StoresIdTimePriorityAndEvent) {
  deliver_one(R"({"id":"o-1"})");
  deliver_one(R"({"id": 17 })");
  deliver_one(R"({"id":"esc\u0061pe"})");
  deliver_one(R"({"no":"id"})");
  deliver_one("plain text", 78);
  EXPECT_THAT(
      query(path, "SELECT id, received_at, priority, event, typeof(id) FROM events ORDER BY rowid"),
      ElementsAre(R"(o-1|1700000000000|normal|{"id":"o-1"}|text)", R"(17|1700000000000|normal|{"id": 17 }|text)",
                  R"(escape|1700000000000|normal|{"id":"esc\u0061pe"}|text)",
                  R"(77|1700000000000|normal|{"no":"id"}|text)", "78|1700000000000|normal|plain text|text"));
}

TEST_F(SqliteSinkTest, ACancelEndsItsWaitForALockHoweverLongItMayWait) {
  options.set("busy_timeout", Duration(std::chrono::hours(1)));
  auto sink = opened();
  sqlite3* other = nullptr;
  sqlite3_open(path.c_str(), &other);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  auto delivery = std::async(std::launch::async, [&] { return sink->deliver(Delivered(batch_of({"{}"}, 1))); });
  EXPECT_EQ(delivery.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout) << "it waits";
  sink->cancel();
  EXPECT_EQ(delivery.get().outcome, Outcome::again);
  sqlite3_close(other);
}

TEST_F(SqliteSinkTest, WaitsForALockAsLongAsBusyTimeoutSays) {
  options.set("busy_timeout", Duration(std::chrono::milliseconds(150)));
  auto sink = opened();
  sqlite3* other = nullptr;
  sqlite3_open(path.c_str(), &other);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const TimePoint before = context.now();
  EXPECT_EQ(sink->deliver(Delivered(batch_of({"{}"}, 1))).outcome, Outcome::again);
  EXPECT_GE(context.now() - before, std::chrono::milliseconds(150));
  sqlite3_close(other);
}

TEST_F(SqliteSinkTest, TakesTheIdFromWhereItIsTold) {
  options.set("id", std::string(".order.key"));
  options.set("table", std::string("odd \"name\""));
  deliver_one(R"({"order":{"key":"k"}})");
  EXPECT_THAT(query(path, "SELECT id FROM \"odd \"\"name\"\"\""), ElementsAre("k"));
}

TEST_F(SqliteSinkTest, KeepsTheFirstOfTwoEventsWithOneId) {
  deliver_one(R"({"id":1,"v":"first"})");
  EXPECT_EQ(deliver_one(R"({"id":1,"v":"second"})").outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT event FROM events"), ElementsAre(R"({"id":1,"v":"first"})"));
}

TEST_F(SqliteSinkTest, TakesAnEmptyIdForNone) {
  const auto sink = opened();
  const auto told = sink->deliver(Delivered(batch_of({R"({"id":"","v":1})", R"({"id":"","v":2})"}, 7)));
  EXPECT_EQ(told.outcome, Outcome::done);
  EXPECT_EQ(told.already, 0u);
  EXPECT_THAT(query(path, "SELECT id FROM events ORDER BY id"), ElementsAre("7", "8"));
}

TEST_F(SqliteSinkTest, TellsWhatWasThereAlreadyFromWhatItStored) {
  const auto sink = opened();
  const auto first = sink->deliver(Delivered(batch_of({R"({"id":1})", R"({"id":2})", R"({"id":1})"}, 1)));
  EXPECT_EQ(first.already, 1u);
  std::vector<std::string> many;
  for (int i = 0; i < 120; ++i) many.push_back(R"({"id":)" + std::to_string(i) + "}");
  const auto second = sink->deliver(Delivered(batch_of(many, 1)));
  EXPECT_EQ(second.already, 2u);
  EXPECT_EQ(second.strange, 0u) << "their senders gave these ids";
  EXPECT_EQ(sink->deliver(Delivered(batch_of({"{}", "{}"}, 1007))).already, 0u);
  const auto met = sink->deliver(Delivered(batch_of({"{}", "{}"}, 1008)));
  EXPECT_EQ(met.already, 1u);
  EXPECT_EQ(met.strange, 1u) << "Weir gave the id 1008 twice";
}

TEST_F(SqliteSinkTest, WaitsForALockAndGoesOnAfterIt) {
  auto sink = opened();
  sqlite3* other = nullptr;
  sqlite3_open(path.c_str(), &other);
  sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  const Delivered batches(batch_of(json_events("a", 120), 1));
  const auto locked = sink->deliver(batches);
  EXPECT_EQ(locked.outcome, Outcome::again);
  EXPECT_THAT(locked.error.message, HasSubstr("sink db: " + path));
  EXPECT_THAT(locked.error.message, HasSubstr("another process holds it"));
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_EQ(sink->deliver(batches).outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("120"));
}

TEST_F(SqliteSinkTest, LeavesNothingOfADeliveryThatDoesNotFit) {
  auto sink = opened();
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 10), 1))).outcome, Outcome::done);
  sink->close();
  sink = opened();
  query(path,
        "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.id = 'b-400' BEGIN SELECT RAISE(ABORT, 'no more'); END");
  const Delivered batches(batch_of(json_events("b", 500), 1));
  const auto failed = sink->deliver(batches);
  EXPECT_EQ(failed.outcome, Outcome::again);
  EXPECT_THAT(failed.error.message, HasSubstr("no more"));
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("10"));
  query(path, "DROP TRIGGER full");
  EXPECT_EQ(sink->deliver(batches).outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("510"));
}

TEST_F(SqliteSinkTest, MakesADatabaseAnewThatWasDeleted) {
  for (const char* what : {"", "-wal"}) {
    auto sink = opened();
    EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
    fs::remove(path + what);
    EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
    EXPECT_THAT(query(path, "SELECT count(*) FROM events WHERE id LIKE 'b%'"), ElementsAre("3")) << what;
    sink->close();
    fs::remove_all(folder);
  }
}

TEST_F(SqliteSinkTest, LeavesARenamedDatabaseWholeAndBeginsANewOne) {
  auto sink = opened();
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
  fs::rename(path, path + ".1");  // without its log, as logrotate does it
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
  sink->close();
  EXPECT_THAT(query(path + ".1", "SELECT count(*) FROM events WHERE id LIKE 'a%'"), ElementsAre("3"));
  EXPECT_THAT(query(path, "SELECT count(*), min(id) FROM events"), ElementsAre("3|b-0"));
}

TEST_F(SqliteSinkTest, GoesOnInADatabaseThatReplacedItsOwn) {
  auto sink = opened();
  fs::create_directories(folder + "/other");
  options.set("path", folder + "/other/events.db");
  opened()->close();
  fs::rename(folder + "/other/events.db", path);
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
  sink->close();
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("3"));
}

TEST_F(SqliteSinkTest, KeepsEverythingWhenItsLogAndIndexAreDeleted) {
  auto sink = opened();
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
  fs::remove(path + "-wal");
  fs::remove(path + "-shm");
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("6"));
}

TEST_F(SqliteSinkTest, RestoresADatabaseThatWasEmptiedFromItsLog) {
  auto sink = opened();
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
  fs::resize_file(path, 0);
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("6"));
}

TEST_F(SqliteSinkTest, ConfirmsNothingToADatabaseThatWasCutAndIsDamaged) {
  auto sink = opened();
  for (std::uint64_t i = 0; i < 5; ++i)
    EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a" + std::to_string(i), 400), i * 1000 + 1))).outcome,
              Outcome::done);
  sink->close();  // the log is written back
  sink = opened();
  fs::resize_file(path, 4096);
  const auto lost = sink->deliver(Delivered(batch_of(json_events("b", 3), 9000)));
  EXPECT_EQ(lost.outcome, Outcome::again);
  EXPECT_THAT(lost.error.message, AnyOf(HasSubstr("damaged"), HasSubstr("malformed")));
}

TEST_F(SqliteSinkTest, MakesATableAnewThatWasRenamed) {
  auto sink = opened();
  EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
  query(path, "ALTER TABLE events RENAME TO older");
  const Delivered more(batch_of(json_events("b", 3), 10));
  EXPECT_EQ(sink->deliver(more).outcome, Outcome::again);
  EXPECT_EQ(sink->deliver(more).outcome, Outcome::done);
  EXPECT_THAT(query(path, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM older)"), ElementsAre("3|3"));
}

TEST_F(SqliteSinkTest, RefusesAnEventThatItsMemoryCannotHold) {
  options.set("memory", Bytes(16_MiB));
  auto sink = opened();
  const auto events = json_events("large", 2, 2'000'000);
  const Delivered fits(batch_of(events, 1));
  EXPECT_THAT(sink->deliver(fits).refused, IsEmpty());
  const Delivered large(batch_of(json_events("larger", 1, 2'200'000), 10));
  const auto refused = sink->deliver(large).refused;
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_THAT(refused[0].why, HasSubstr("raise its `memory`"));
}

TEST_F(SqliteSinkTest, StaysBelowItsMemoryWhileItWrites) {
  auto sink = opened();
  sqlite3_memory_highwater(1);
  for (std::uint64_t i = 0; i < 6; ++i)
    ASSERT_EQ(sink->deliver(Delivered(batch_of(json_events("r" + std::to_string(i), 5'000), i * 10'000))).outcome,
              Outcome::done);
  EXPECT_LT(sqlite3_memory_highwater(0), static_cast<std::int64_t>((8_MiB).count()));
}

TEST_F(SqliteSinkTest, SaysWhatIsWrongWithAFile) {
  fs::create_directories(folder + "/deep");
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_THAT(open_error(), HasSubstr("not a SQLite database or is damaged: move it away"));
  EXPECT_EQ(fs::file_size(path), 5000u);
  fs::remove(path);
  fs::create_directories(path);
  EXPECT_THAT(open_error(), HasSubstr("the path must be a file"));
  options.set("path", std::string("/dev/null/x.db"));
  EXPECT_THAT(open_error(), HasSubstr("cannot create its folder"));
}

TEST_F(SqliteSinkTest, SaysWhatIsWrongWithATable) {
  fs::create_directories(folder + "/deep");
  query(path, "CREATE TABLE events (id TEXT, body TEXT)");
  EXPECT_THAT(
      open_error(),
      HasSubstr("table \"events\" has columns (id, body) and this sink needs (id key, received_at, priority, event)"));
  query(path, "DROP TABLE events; CREATE TABLE events (id TEXT, received_at INTEGER, priority TEXT, event TEXT)");
  EXPECT_THAT(open_error(), HasSubstr("has columns (id, received_at"));
  options.set("table", std::string("sqlite_x"));
  EXPECT_THAT(open_error(), HasSubstr("reserved"));
}

TEST_F(SqliteSinkTest, SaysWhatIsWrongWithAnId) {
  options.set("id", std::string("id"));
  EXPECT_THAT(open_error(), HasSubstr("sink db: id: expected a path"));
}

TEST_F(SqliteSinkTest, DeclaresDurableOnlyWithFullSynchronisation) {
  Catalog catalog;
  add_to(catalog);
  const auto& type = *catalog.sink("sqlite");
  EXPECT_EQ(type.ack(options), SinkAck::durable);
  options.set("synchronous", std::string("off"));
  EXPECT_EQ(type.ack(options), SinkAck::received);
  EXPECT_EQ(type.max_workers(options), 1);
}

/// Does something when a transaction of a database that was opened meanwhile has been committed.
class BehindCommits {
 public:
  explicit BehindCommits(std::function<void()> then) {
    then_ = std::move(then);
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch));
  }
  BehindCommits(const BehindCommits&) = delete;
  BehindCommits& operator=(const BehindCommits&) = delete;
  ~BehindCommits() {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&watch));
    then_ = nullptr;
  }

 private:
  static int watch(sqlite3* opened, const char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(opened, SQLITE_TRACE_PROFILE, &ended, nullptr);
  }
  static int ended(unsigned, void*, void* statement, void*) {
    if (then_ && std::string_view(sqlite3_sql(static_cast<sqlite3_stmt*>(statement))) == "COMMIT") then_();
    return 0;
  }
  static inline std::function<void()> then_;
};

TEST_F(SqliteSinkTest, StoresAgainWhatWasCommittedToADatabaseThatWasTakenAwayAtThatMoment) {
  for (const bool renamed : {false, true}) {
    int commits = 0;
    const BehindCommits taken([&] {
      if (++commits != 1) return;
      for (const char* end : {"", "-wal", "-shm"})
        renamed ? fs::rename(path + end, folder + "/away.db" + end) : void(fs::remove(path + end));
    });
    const auto sink = opened();
    const auto delivery = sink->deliver(Delivered(batch_of(json_events("a", 3), 1)));
    EXPECT_EQ(delivery.outcome, Outcome::done) << delivery.error.message;
    EXPECT_EQ(commits, 2);
    EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre("3")) << "it was told as stored";
    sink->close();
    fs::remove(path);
  }
}

TEST_F(SqliteSinkTest, ConfirmsNothingWhileItsDatabaseIsTakenAwayEachTime) {
  const BehindCommits taken([&] { fs::remove(path); });
  const auto sink = opened();
  const auto delivery = sink->deliver(Delivered(batch_of(json_events("a", 3), 1)));
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("it was taken away again"));
}

/// SQLite shares the index within a process: the other one has to be another process, a new run of this binary.
class SharedSqliteSinkTest : public SqliteSinkTest, public testing::WithParamInterface<bool> {};

TEST_P(SharedSqliteSinkTest, LeavesWhatOthersCommitWhenItsIndexIsDeleted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::unique_ptr<SqliteSink> sink;
  if (!std::getenv("WEIR_SQLITE_SINK_TEST_FOLDER")) {
    sink = opened();
    EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("a", 3), 1))).outcome, Outcome::done);
    fs::remove(path + "-shm");  // a process that comes now makes an index of its own
    ::setenv("WEIR_SQLITE_SINK_TEST_FOLDER", folder.c_str(), 1);
  }
  EXPECT_EXIT(
      {
        query(path, "INSERT INTO events VALUES ('other', 1, 'normal', '{}')");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
  ::unsetenv("WEIR_SQLITE_SINK_TEST_FOLDER");
  const bool delivers = GetParam();
  if (delivers) {
    EXPECT_EQ(sink->deliver(Delivered(batch_of(json_events("b", 3), 10))).outcome, Outcome::done);
  }
  sink->close();
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre(delivers ? "7" : "4"));
  EXPECT_THAT(query(path, "PRAGMA integrity_check"), ElementsAre("ok"));
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutMore, SharedSqliteSinkTest, testing::Bool());

class KilledSqliteSinkTest : public SqliteSinkTest, public testing::WithParamInterface<const char*> {
 protected:
  [[noreturn]] void write_until_killed(const std::string& acked) {
    auto sink = opened();
    for (int i = 0; i < 20; ++i) {
      if (sink->deliver(Delivered(batch_of(json_events("g" + std::to_string(i), 60), 1))).outcome != Outcome::done)
        std::exit(2);
      std::ofstream(acked, std::ios::app) << '.';
    }
    std::exit(3);
  }
};

// The child is a new run of this binary, because a crash point reads its target once in a process.
TEST_P(KilledSqliteSinkTest, KeepsWhatWasConfirmedAndNoHalfDelivery) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ::setenv("WEIR_SQLITE_SINK_TEST_FOLDER", folder.c_str(), 1);
  ::setenv("WEIR_CRASH_AT", (std::string("sqlite.") + GetParam() + ":3").c_str(), 1);
  const auto acked = folder + "/acked";
  EXPECT_EXIT(write_until_killed(acked), testing::KilledBySignal(SIGKILL), "");
  ::unsetenv("WEIR_CRASH_AT");
  ::unsetenv("WEIR_SQLITE_SINK_TEST_FOLDER");
  opened();
  EXPECT_EQ(fs::file_size(acked), 2u);
  const bool committed = std::string_view(GetParam()) == "after_commit";
  EXPECT_THAT(query(path, "SELECT count(*) FROM events"), ElementsAre(committed ? "180" : "120"));
}

INSTANTIATE_TEST_SUITE_P(Everywhere, KilledSqliteSinkTest,
                         testing::Values("before_begin", "before_commit", "after_commit"),
                         [](const auto& point) { return std::string(point.param); });

}  // namespace
}  // namespace weir::sqlite
