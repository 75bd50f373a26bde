// Events without an id of their own, from several processes whose clocks show the same: all of them are stored.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <weir/base/until_for_test.h>

#include <fstream>
#include <functional>
#include <optional>
#include <set>

#include "../../connectors/postgres/server_for_test.h"
#include "config/load.h"
#include "log/log.h"
#include "parts.h"
#include "pipeline/graph/flow.h"

namespace weir::matrix {
namespace {

using namespace std::chrono_literals;

constexpr int processes = 3;  // one after the other, as boots without a clock; or beside each other
constexpr int events = 500;   // of each

/// A machine that always starts at the same moment.
class SameStart final : public Clock {
 public:
  TimePoint now() const override { return system_clock().now(); }
  WallTime wall() const override { return WallTime(std::chrono::seconds(1'700'000'000)); }
};

class Process {
 public:
  Process(const std::string& folder, int number, const std::string& sink, const Catalog& catalog)
      : context_(clock_, random_seed()) {
    const auto in = fmt::format("{}/in{}.log", folder, number);
    std::ofstream lines(in);
    for (int i = 0; i < events; ++i) lines << fmt::format("{{\"n\":\"{}-{}\"}}\n", number, i);
    lines.close();
    auto loaded = config::load_text(
        fmt::format(
            "reactors: 1\nsources:\n  in: {{ type: file, path: {}, acks: stored }}\nsinks:\n  out: {{ {}, from: "
            "[in], on_failure: drop }}\n",
            in, sink),
        "own_ids.yaml", catalog, config::system_load_options());
    EXPECT_TRUE(loaded.config) << loaded.problems.front().text();
    config_ = std::move(*loaded.config);
    flow_.emplace(config_, catalog, context_);
    const auto started = flow_->start();
    EXPECT_TRUE(started) << started.error().message;
  }
  /// What it says it has stored, and of that what was there already.
  pipeline::NodeSnapshot end() {
    const auto stored = [&] { return flow_->status().sinks.front().node.consumed[0]; };
    EXPECT_TRUE(until([&] { return stored() >= events; }));
    flow_->stop(60s);
    return flow_->status().sinks.front().node;
  }

 private:
  SameStart clock_;
  Context context_;
  config::Config config_;
  std::optional<pipeline::Flow> flow_;
};

Catalog all_types() {
  Catalog catalog;
  add_all_connectors(catalog);
  return catalog;
}

void expect_all_stored(const std::string& sink, const std::function<std::vector<std::string>()>& rows) {
  log::set_level(log::Level::off);
  const Catalog catalog = all_types();
  const Scratch scratch;
  Process first(scratch.folder, 0, sink, catalog), beside(scratch.folder, 1, sink, catalog);
  std::uint64_t stored = 0, already = 0;
  const auto count = [&](const pipeline::NodeSnapshot& node) {
    stored += node.consumed[0];
    already += node.already;
  };
  count(first.end());
  count(beside.end());
  for (int boot = 2; boot < processes; ++boot) count(Process(scratch.folder, boot, sink, catalog).end());
  const auto held = rows();
  EXPECT_EQ(stored, std::uint64_t{processes} * events);
  EXPECT_EQ(already, 0u);
  EXPECT_EQ(held.size(), stored) << "what is said to be stored is there";
  EXPECT_EQ(std::set(held.begin(), held.end()).size(), stored);
}

TEST(OwnIds, OfProcessesWithTheSameClockDoNotMeetInSqlite) {
  const Scratch scratch;
  const auto path = scratch.folder + "/out.db";
  expect_all_stored("type: sqlite, path: " + path, [&] {
    sqlite3* handle = nullptr;
    sqlite3_open(path.c_str(), &handle);
    std::vector<std::string> found;
    const auto add = [](void* to, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(handle, "SELECT event FROM events", add, &found, nullptr), SQLITE_OK);
    sqlite3_close(handle);
    return found;
  });
}

TEST(OwnIds, OfProcessesWithTheSameClockDoNotMeetInPostgres) {
  if (const auto why = postgres::TestServer::missing(); !why.empty()) GTEST_SKIP() << why;
  postgres::TestServer server(WEIR_SOURCE_DIR);
  server.query("CREATE TABLE own_ids (id text PRIMARY KEY, event jsonb)");
  expect_all_stored("type: postgres, url: \"" + server.url + "\", table: own_ids",
                    [&] { return server.query("SELECT event::text FROM own_ids"); });
}

}  // namespace
}  // namespace weir::matrix
