// The promise matrix: every source x sink x when_full x acks. What semantics.md forbids must fail at load, naming the
// edge; what it allows is run with faults, and judged by an oracle:
//
//   every id that was told stored is held; every id that is held was sent; what was confirmed is held;
//   the ledger is exactly 0 at rest; the bound was never exceeded; nothing of the budget is left in use
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "config/load.h"
#include "parts.h"
#include "pipeline/flow.h"

namespace weir::matrix {
namespace {

using namespace std::chrono_literals;
using flow::WhenFull;

struct Cell {
  const SourceType* source;
  const SinkType* sink;
  WhenFull policy;
  Level acks;
  std::string text() const {
    return fmt::format("{} -> {}, {}, acks: {}", source->name, sink->name, name(policy), name(acks));
  }
};

struct Scratch {
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "weir-matrix-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(folder); }
  std::string folder;
};

std::string yaml_of(const Cell& cell, const std::string& folder) {
  return fmt::format(R"(memory: 192MiB
reactors: 2
sources:
  in: {{ type: {}, {}, acks: {} }}
stages:
  numbered: {{ type: filter, from: [in], where: '.id != "none"' }}
sinks:
  out:
    type: {}
    from: [numbered]
    {}
    queue: {{ max_events: 40, when_full: {} }}
    breaker: {{ open: 5ms }}
    retry: {{ base: 1ms, cap: 5ms }}
)",
                     cell.source->name, source_parts().at(cell.source->name).options, name(cell.acks), cell.sink->name,
                     sink_parts().at(cell.sink->name).options(folder), name(cell.policy));
}

config::Loaded load(const Cell& cell, const Catalog& catalog, const std::string& folder) {
  return config::load_text(yaml_of(cell, folder), "matrix.yaml", catalog, config::system_load_options());
}

/// Semantics A2 to A5, said once more and independently of the configuration's own checks.
bool is_allowed(const Cell& cell, SinkAck ack) {
  const auto& can = cell.source->can;
  if (cell.policy == WhenFull::spill) return false;  // needs a journal
  if (cell.policy == WhenFull::block && !can.can_pause) return false;
  if (cell.policy == WhenFull::reject && (!can.can_refuse || cell.acks == Level::accepted)) return false;
  Level carried = weakest(cell.source->strongest, level_of(ack));
  if (cell.policy != WhenFull::block) carried = weakest(carried, Level::processed);
  if (!can.can_refuse && !can.can_replay) carried = weakest(carried, Level::processed);
  return cell.acks <= carried;
}

template <typename F>
void for_each_cell(const Catalog& catalog, F&& f) {
  for (const auto& source : catalog.sources())
    for (const auto& sink : catalog.sinks())
      for (int policy = 0; policy < flow::when_full_count; ++policy)
        for (const Level acks : {Level::accepted, Level::processed, Level::stored})
          f(Cell{&source, &sink, static_cast<WhenFull>(policy), acks});
}

void wait_for_events(pipeline::Flow& flow) {
  for (int i = 0; i < 2000; ++i) {
    const auto status = flow.status();
    const auto& in = status.sources.front().node;
    if (in.in > 0 && in.pending == 0 && status.sinks.front().edge.pending.empty() &&
        status.sinks.front().node.pending == 0)
      return;
    std::this_thread::sleep_for(5ms);
  }
}

void judge_ids(const Cell& cell, const Sent& sent, const std::vector<std::string>& confirmed,
               const std::vector<std::string>& held) {
  const std::set<std::string> found(held.begin(), held.end());
  for (const auto& id : sent.told_stored) EXPECT_TRUE(found.contains(id)) << id << " was told stored and is not found";
  for (const auto& id : confirmed) EXPECT_TRUE(found.contains(id)) << id << " was confirmed and is not found";
  if (sent.ids_known)
    for (const auto& id : found) EXPECT_TRUE(sent.sent.contains(id)) << id << " was never sent";
  if (cell.sink->idempotent) EXPECT_EQ(found.size(), held.size()) << "delivered again, an event must not double";
}

void judge_books(const pipeline::FlowStatus& status, const Sent& sent, std::size_t confirmed) {
  const auto ledger = status.ledger();
  EXPECT_EQ(ledger.in_transit, 0);
  EXPECT_EQ(ledger.worst, 0) << ledger.where;
  const auto& source = status.sources.front().node;
  const auto& sink = status.sinks.front();
  EXPECT_GT(source.in, 0u);
  EXPECT_EQ(sink.node.consumed[static_cast<std::size_t>(Fate::stored)], confirmed);
  EXPECT_LE(sink.edge.max_waiting.events, sink.pressure.bound.events);
  EXPECT_EQ(status.budget_used, Bytes{});
  EXPECT_GT(sent.accepted, 0u) << "everything was refused";
}

void run(const Cell& cell, const Catalog& original) {
  SCOPED_TRACE(cell.text());
  Scratch scratch;
  Trouble trouble;
  Catalog catalog;
  trouble.install(catalog, original);
  auto loaded = load(cell, catalog, scratch.folder);
  ASSERT_TRUE(loaded.config);
  Context context;
  Sent sent;
  pipeline::Flow flow(*loaded.config, catalog, context);
  const auto started = flow.start();
  ASSERT_TRUE(started) << started.error().message;
  const std::string address = flow.status().sources.front().address;
  source_parts().at(cell.source->name).drive(address, sent);
  wait_for_events(flow);
  const auto report = flow.stop(20s);
  EXPECT_EQ(report.exit_code(), 0);
  const auto confirmed = trouble.confirmed();
  judge_books(flow.status(), sent, confirmed.size());
  const auto held = sink_parts().at(cell.sink->name).held;
  judge_ids(cell, sent, confirmed, held ? held(scratch.folder) : confirmed);
  EXPECT_GT(trouble.faults(), 0u) << "the run met no fault: it shows nothing";
}

class Matrix : public testing::Test {
 protected:
  Matrix() {
    spdlog::set_level(spdlog::level::off);
    add_all_connectors(catalog_);
  }
  Catalog catalog_;
  Scratch scratch_;
};

TEST_F(Matrix, KnowsEveryTypeOfTheCatalog) {
  for (const auto& source : catalog_.sources())
    EXPECT_TRUE(source_parts().contains(source.name)) << "source " << source.name << " has no entry in parts.cc";
  for (const auto& sink : catalog_.sinks())
    EXPECT_TRUE(sink_parts().contains(sink.name)) << "sink " << sink.name << " has no entry in parts.cc";
}

TEST_F(Matrix, IsAllowedWhereTheSemanticsAllowIt) {
  int allowed = 0, forbidden = 0;
  for_each_cell(catalog_, [&](const Cell& cell) {
    const auto loaded = load(cell, catalog_, scratch_.folder);
    const bool loads = loaded.config.has_value();
    (loads ? allowed : forbidden) += 1;
    const SinkAck ack =
        cell.sink->name == "blackhole" ? SinkAck::received : SinkAck::durable;  // as parts.cc configures them
    EXPECT_EQ(loads, is_allowed(cell, ack)) << cell.text();
    if (loads) return;
    const bool names_the_edge = std::ranges::any_of(loaded.problems, [](const config::Problem& problem) {
      const std::string text = problem.text();
      return !problem.warning && (text.find("sinks.out") != text.npos || text.find("sources.in") != text.npos);
    });
    EXPECT_TRUE(names_the_edge) << cell.text()
                                << (loaded.problems.empty() ? "" : ": " + loaded.problems.front().text());
  });
  std::cout << "promise matrix: " << allowed << " allowed, " << forbidden << " forbidden\n";
}

TEST_F(Matrix, KeepsItsPromisesWhereItIsAllowed) {
  int runs = 0;
  for_each_cell(catalog_, [&](const Cell& cell) {
    if (!load(cell, catalog_, scratch_.folder).config) return;
    run(cell, catalog_);
    ++runs;
  });
  std::cout << "promise matrix: " << runs << " run\n";
}

}  // namespace
}  // namespace weir::matrix
