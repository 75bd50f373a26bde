// The promise matrix: every source x sink x when_full x acks behind a filter, and every stage x when_full x acks
// between http and sqlite. What semantics.md forbids must fail at load, naming the edge; what it allows is run with
// faults, and judged by an oracle:
//
//   every id that was told stored is held; every id that is held was sent; what was confirmed is held;
//   the ledger is exactly 0 at rest; the bound was never exceeded; nothing of the budget is left in use;
//   no permit of a guard is left, and nobody waits for one
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "at_once.h"
#include "log/log.h"
#include "play.h"

namespace weir::matrix {
namespace {

using namespace std::chrono_literals;
using flow::WhenFull;

struct Cell {
  const SourceType* source;
  const StageType* stage;
  const SinkType* sink;
  WhenFull policy;
  Level acks;
  std::string text() const {
    return fmt::format("{} -> {} -> {}, {}, acks: {}", source->name, stage->name, sink->name, name(policy), name(acks));
  }
  /// Every other cell: whatever leaves first, the promises are the same.
  flow::Order order() const {
    if (policy == WhenFull::spill) return flow::Order::fifo;  // it keeps the order
    const auto n = sink->name.size() + static_cast<std::size_t>(policy) + static_cast<std::size_t>(acks);
    return n % 2 ? flow::Order::adaptive_lifo : flow::Order::fifo;
  }
  /// Two cells of three: who is refused at the door, or waits there, is told nothing that does not hold.
  std::string guards() const {
    const auto n = sink->name.size() + static_cast<std::size_t>(policy) + 2 * static_cast<std::size_t>(acks);
    if (n % 3 == 0) return {};
    if (!source->can.can_refuse)
      return n % 3 == 1 ? ", guards: { rate: { limit: 2000/s, burst: 20 } }"
                        : ", guards: { rate: [{ limit: 2000/s, burst: 20 }, "
                          "{ name: each, limit: 1000/s, burst: 5, key: .id, keys: 8 }] }";
    return n % 3 == 1 ? ", guards: { rate: [{ limit: 500/s, burst: 10 }, "
                        "{ name: each, limit: 100/s, burst: 5, key: .id }], concurrency: 2 }"
                      : ", guards: { pressure: true, concurrency: { limit: 1, max_wait: 50ms, max_waiting: 4 }, "
                        "fairness: { key: peer } }";
  }
  StagePart stage_part() const { return stage_parts().at(stage->name); }
};

std::string yaml_of(const Cell& cell, const std::string& folder) {
  const StagePart stage = cell.stage_part();
  return fmt::format(R"(memory: 192MiB
reactors: 2
sources:
  in: {{ type: {}, {}, acks: {}{} }}
stages:
  st: {{ type: {}, from: [in], {} }}
sinks:
  out:
    type: {}
    from: [{}]
    {}
    {}
    queue: {{ max_events: 40, when_full: {}, order: {}{} }}
    breaker: {{ open: 5ms }}
    retry: {{ base: 1ms, cap: 5ms }}
)",
                     cell.source->name, source_parts().at(cell.source->name).options(folder), name(cell.acks),
                     cell.guards(), cell.stage->name, stage.options, cell.sink->name,
                     stage.output.empty() ? "st" : stage.output, sink_parts().at(cell.sink->name).options(folder),
                     // What is refused for good would be read again for ever.
                     cell.source->can.can_replay && cell.acks == Level::stored ? "on_failure: drop" : "",
                     name(cell.policy), name(cell.order()),
                     cell.policy == WhenFull::spill ? ", spill: { path: " + folder + "/spill }" : std::string());
}

config::Loaded load(const Cell& cell, const Catalog& catalog, const std::string& folder) {
  return config::load_text(yaml_of(cell, folder), "matrix.yaml", catalog, config::system_load_options());
}

/// Semantics A2 to A5, said once more and independently of the configuration's own checks.
bool is_allowed(const Cell& cell) {
  const auto& can = cell.source->can;
  if (cell.policy == WhenFull::block && !can.can_pause) return false;
  if (cell.policy == WhenFull::reject && (!can.can_refuse || cell.acks == Level::accepted)) return false;
  Level carried = weakest(cell.source->strongest, level_of(sink_parts().at(cell.sink->name).ack));
  carried = weakest(carried, cell.stage_part().strongest);
  if (cell.policy != WhenFull::block && cell.policy != WhenFull::spill) carried = weakest(carried, Level::processed);
  if (!can.can_refuse && !can.can_replay) carried = weakest(carried, Level::processed);
  return cell.acks <= carried;
}

template <typename F>
void for_each_edge(const SourceType& source, const StageType& stage, const SinkType& sink, F&& f) {
  for (int policy = 0; policy < flow::when_full_count; ++policy)
    for (const Level acks : {Level::accepted, Level::processed, Level::stored})
      f(Cell{&source, &stage, &sink, static_cast<WhenFull>(policy), acks});
}

template <typename F>
void for_each_cell(const Catalog& catalog, F&& f) {
  for (const auto& source : catalog.sources())
    for (const auto& sink : catalog.sinks()) for_each_edge(source, *catalog.stage("filter"), sink, f);
  for (const auto& stage : catalog.stages())
    if (stage.name != "filter") for_each_edge(*catalog.source("http"), stage, *catalog.sink("sqlite"), f);
}

bool arrived(const pipeline::FlowStatus& status, std::uint64_t expected) {
  const auto& in = status.sources.front().node;
  const auto& sink = status.sinks.front();
  return in.in >= expected && in.pending == 0 && sink.edge.pending.empty() && sink.node.pending == 0;
}

bool goes_on(const StagePart& stage, const std::string& id) {
  return !stage.keeps || stage.keeps(std::stoi(id.substr(id.rfind('-') + 1)));
}

void judge_ids(const Cell& cell, const Sent& sent, const std::vector<std::string>& confirmed,
               const std::vector<std::string>& held) {
  const std::set<std::string> found(held.begin(), held.end());
  const StagePart stage = cell.stage_part();
  if (stage.merges) return;  // what comes out has no ids of its own: judge_sums
  for (const auto& id : sent.told_stored)
    if (stage.keeps_ids && goes_on(stage, id))
      EXPECT_TRUE(found.contains(id)) << id << " was told stored and is not found";
  for (const auto& id : confirmed) EXPECT_TRUE(found.contains(id)) << id << " was confirmed and is not found";
  if (sent.ids_known)
    for (const auto& id : found) EXPECT_TRUE(sent.sent.contains(id)) << id << " was never sent";
  if (cell.sink->idempotent) EXPECT_EQ(found.size(), held.size()) << "delivered again, an event must not double";
}

/// Every event that came in is in exactly one window, and every window that was stored is counted once.
void judge_sums(const Cell& cell, const pipeline::FlowStatus& status, const std::string& folder) {
  const auto& stage = status.stages.front().node;
  EXPECT_EQ(stage.merged, stage.in);
  EXPECT_EQ(stage.in, status.sources.front().node.in);
  const auto& sink = status.sinks.front();
  if (flow::may_drop(cell.policy)) return;  // then some windows are lost on purpose
  EXPECT_EQ(sink.node.consumed[static_cast<std::size_t>(Fate::stored)], stage.created);
  EXPECT_EQ(sum_of_rows(folder, "events"), stage.in);
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
  EXPECT_GE(source.in, sent.events);
  EXPECT_GT(sent.accepted, 0u) << "everything was refused";
  for (const auto& guard : status.sources.front().guards) {
    EXPECT_GE(guard.permitted, guard.given_back) << guard.name;
    if (!guard.concurrency) continue;
    EXPECT_EQ(guard.concurrency->in_flight, 0u) << "every permit was settled";
    EXPECT_EQ(guard.concurrency->waiting, 0u) << "whoever waited has left the line";
  }
}

void run(const Cell& cell, const Catalog& catalog) {
  SCOPED_TRACE(cell.text());
  const auto with = [&](const Catalog& troubled, const std::string& folder) { return load(cell, troubled, folder); };
  const auto played = play(catalog, {cell.source->name, cell.sink->name, cell.acks}, with, arrived);
  ASSERT_TRUE(played);
  judge_books(played->status, played->sent, played->confirmed.size());
  judge_ids(cell, played->sent, played->confirmed, played->held);
  if (cell.stage_part().merges) judge_sums(cell, played->status, played->scratch.folder);
}

class Matrix : public testing::Test {
 protected:
  Matrix() {
    log::set_level(log::Level::off);
    add_all_connectors(catalog_);
  }
  Catalog catalog_;
  Scratch scratch_;
};

TEST_F(Matrix, KnowsEveryTypeOfTheCatalog) {
  for (const auto& source : catalog_.sources())
    EXPECT_TRUE(source_parts().contains(source.name)) << "source " << source.name << " has no entry in parts.cc";
  for (const auto& stage : catalog_.stages())
    EXPECT_TRUE(stage_parts().contains(stage.name)) << "stage " << stage.name << " has no entry in parts.cc";
  for (const auto& sink : catalog_.sinks())
    EXPECT_TRUE(sink_parts().contains(sink.name)) << "sink " << sink.name << " has no entry in parts.cc";
}

TEST_F(Matrix, IsAllowedWhereTheSemanticsAllowIt) {
  int allowed = 0, forbidden = 0;
  for_each_cell(catalog_, [&](const Cell& cell) {
    const auto loaded = load(cell, catalog_, scratch_.folder);
    const bool loads = loaded.config.has_value();
    (loads ? allowed : forbidden) += 1;
    EXPECT_EQ(loads, is_allowed(cell)) << cell.text()
                                       << (loaded.problems.empty() ? "" : ": " + loaded.problems.front().text());
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
  std::vector<Cell> cells;
  std::set<std::string> left_out;
  for_each_cell(catalog_, [&](const Cell& cell) {
    if (!load(cell, catalog_, scratch_.folder).config) return;
    if (const auto why = missing(cell.source->name, cell.sink->name); !why.empty()) {
      left_out.insert(why);
      return;
    }
    cells.push_back(cell);
  });
  run_at_once(cells, [&](const Cell& cell) { run(cell, catalog_); });
  for (const auto& why : left_out) std::cout << "cells left out: " << why << "\n";
  std::cout << "promise matrix: " << cells.size() << " run\n";
}

}  // namespace
}  // namespace weir::matrix
