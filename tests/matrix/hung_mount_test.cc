// A mount that hangs under a file source: requests to an http source on the same reactor are answered, and a stop ends.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <weir/base/until_for_test.h>

#include <fstream>

#include "../../connectors/file/file_source.h"
#include "../../connectors/file/hanging_disk_for_test.h"
#include "config/load.h"
#include "log/log.h"
#include "net/http_client.h"
#include "parts.h"
#include "pipeline/graph/flow.h"

namespace weir::blackhole {
void add_to(Catalog& catalog);
}
namespace weir::http {
void add_to(Catalog& catalog);
}

namespace weir::matrix {
namespace {

using namespace std::chrono_literals;

config::Loaded load(const Catalog& catalog, const std::string& folder) {
  const auto yaml = fmt::format(R"(
reactors: 1
sources:
  requests: {{ type: http, listen: 127.0.0.1:0 }}
  lines: {{ type: file, path: {}/in.log, mode: follow, poll: 5ms }}
sinks:
  out: {{ type: blackhole, from: [requests, lines], on_failure: drop }}
)",
                                folder);
  return config::load_text(yaml, "hung_mount.yaml", catalog, config::system_load_options());
}

TEST(HungMount, FreezesNeitherRequestsOnTheSameReactorNorTheStop) {
  static file::HangingDisk& disk = *new file::HangingDisk;  // a thread that is left behind uses it after the test
  log::set_level(log::Level::off);
  const Scratch scratch;
  std::ofstream lines(scratch.folder + "/in.log");
  lines << "one\n" << std::flush;
  Catalog catalog;
  http::add_to(catalog);
  blackhole::add_to(catalog);
  catalog.add(file::source_type(disk));
  const auto loaded = load(catalog, scratch.folder);
  ASSERT_TRUE(loaded.config) << loaded.problems.front().message;
  const Context context;
  pipeline::Flow flow(*loaded.config, catalog, context);
  ASSERT_TRUE(flow.start());
  const auto stored = [&] { return flow.status().sinks.front().node.consumed[static_cast<std::size_t>(Fate::stored)]; };
  ASSERT_TRUE(until([&] { return stored() == 1; }));

  disk.hang();
  lines << "two\n" << std::flush;
  ASSERT_TRUE(until([&] { return disk.holds_somebody(); }));
  const auto address = flow.status().sources.front().address;
  const auto slash = address.find('/', 7);
  const auto reply = net::http_request("POST", address.substr(7, slash - 7), address.substr(slash), "{}\n", 20s);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);

  // Its deadline is far away: what ends it is that nothing is left to wait for.
  const auto report = flow.stop(1h, [&] { return !disk.holds_somebody(); });
  EXPECT_TRUE(disk.holds_somebody()) << "the stop has not waited for the mount";
  EXPECT_EQ(report.exit_code(), 0);
  disk.recover();
}

}  // namespace
}  // namespace weir::matrix
