// The promise matrix of journals: every source x journal x durability x when_full x acks x sink. What semantics.md
// forbids must fail at load, naming the edge; what it allows is run with faults before the journal and behind it, and
// judged:
//
//   every id that was told stored is held behind the journal; every id that is held was sent; the ledger is exactly 0
//   at rest; no consumer is behind after a stop; and a second start delivers nothing again
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

struct Cell {
  const SourceType* source;
  const SinkType* sink;
  std::string durability, when_full;
  Level acks;
  bool skips;  ///< the sink is optional, and may be made to skip
  std::string text() const {
    return fmt::format("{} -> disk ({}, {}) -> {}, acks: {}{}", source->name, durability, when_full, sink->name,
                       name(acks), skips ? ", skips" : "");
  }
};

std::string yaml_of(const Cell& cell, const std::string& folder) {
  return fmt::format(R"(memory: 256MiB
reactors: 2
sources:
  in: {{ type: {}, {}, acks: {} }}
stages:
  st: {{ type: filter, from: [log], where: 'true' }}
journals:
  log: {{ type: disk, from: [in], path: {}/log, max_bytes: 16MiB, segment: 1MiB, durability: {}, interval: 20ms, when_full: {} }}
sinks:
  out:
    type: {}
    from: [st]
    {}
    on_failure: drop
    {}
    queue: {{ max_events: 40 }}
    breaker: {{ open: 5ms }}
    retry: {{ base: 1ms, cap: 5ms }}
)",
                     cell.source->name, source_parts().at(cell.source->name).options(folder), name(cell.acks), folder,
                     cell.durability, cell.when_full, cell.sink->name, sink_parts().at(cell.sink->name).options(folder),
                     cell.skips ? "required: false\n    consumer: { name: reader, when_behind: skip }" : "");
}

config::Loaded load(const Cell& cell, const Catalog& catalog, const std::string& folder) {
  return config::load_text(yaml_of(cell, folder), "matrix.yaml", catalog, config::system_load_options());
}

/// Semantics A2 to A5 and B1 to B3, said once more and independently of the configuration's own checks. What the sink
/// can do no longer matters to the source: committing settles it.
bool is_allowed(const Cell& cell) {
  const auto& can = cell.source->can;
  if (cell.when_full == "drop_oldest" && !cell.skips) return false;
  if (cell.when_full == "reject" && (!can.can_refuse || cell.acks == Level::accepted)) return false;
  if (cell.when_full != "drop_newest" && cell.when_full != "reject" && !can.can_pause) return false;
  Level carried = cell.durability == "commit" ? Level::stored : Level::processed;
  carried = weakest(carried, cell.source->strongest);
  if (cell.when_full == "reject" || cell.when_full == "drop_newest") carried = weakest(carried, Level::processed);
  if (!can.can_refuse && !can.can_replay) carried = weakest(carried, Level::processed);
  return cell.acks <= carried;
}

template <typename F>
void for_each_cell(const Catalog& catalog, F&& f) {
  for (const auto& source : catalog.sources())
    for (const auto& sink : catalog.sinks())
      for (const auto* durability : {"commit", "interval", "none"})
        for (const auto* when_full : {"block", "reject", "drop_newest", "drop_oldest"})
          for (const Level acks : {Level::accepted, Level::processed, Level::stored})
            for (const bool skips : {false, true}) f(Cell{&source, &sink, durability, when_full, acks, skips});
}

/// Skipping changes nothing while there is room, and each policy is run with one durability, each durability with one
/// policy.
bool is_run(const Cell& cell) {
  return cell.skips == (cell.when_full == "drop_oldest") && (cell.durability == "commit" || cell.when_full == "block");
}

bool arrived(const pipeline::FlowStatus& status, std::uint64_t expected) {
  const auto& in = status.sources.front().node;
  const auto& journal = status.journals.front();
  return in.in >= expected && in.pending == 0 && journal.consumers[0].lag_events == 0 && journal.end > 1;
}

void judge(const Cell& cell, const pipeline::FlowStatus& status, const Sent& sent, const std::vector<std::string>& held,
           const std::vector<std::string>& confirmed) {
  EXPECT_EQ(status.ledger().in_transit, 0);
  EXPECT_EQ(status.ledger().worst, 0) << status.ledger().where;
  EXPECT_EQ(status.budget_used, Bytes{});
  EXPECT_GT(sent.accepted, 0u) << "everything was refused";
  const auto& journal = status.journals.front();
  EXPECT_EQ(journal.consumers[0].lag_events, 0u);
  EXPECT_EQ(journal.damaged_places + journal.torn_bytes, 0u);
  const std::set<std::string> found(held.begin(), held.end());
  for (const auto& id : sent.told_stored)
    EXPECT_TRUE(found.contains(id)) << id << " was told stored and is not found behind the journal";
  for (const auto& id : confirmed) EXPECT_TRUE(found.contains(id)) << id << " was confirmed and is not found";
  if (sent.ids_known)
    for (const auto& id : found) EXPECT_TRUE(sent.sent.contains(id)) << id << " was never sent";
  if (cell.sink->idempotent) EXPECT_EQ(found.size(), held.size()) << "delivered again, an event must not double";
}

void expect_nothing_again(const config::Config& config, const Catalog& catalog, const Context& context) {
  pipeline::Flow flow(config, catalog, context);
  const auto before = flow.start();
  ASSERT_TRUE(before) << before.error().message;
  flow.stop(60s);
  EXPECT_EQ(flow.status().sources.back().node.in, flow.status().sources.front().node.in)
      << "a consumer that had settled everything was given events again";
}

void run(const Cell& cell, const Catalog& catalog) {
  SCOPED_TRACE(cell.text());
  const auto with = [&](const Catalog& troubled, const std::string& folder) { return load(cell, troubled, folder); };
  const auto played = play(catalog, {cell.source->name, cell.sink->name, cell.acks}, with, arrived);
  ASSERT_TRUE(played);
  judge(cell, played->status, played->sent, played->held, played->confirmed);
  if (cell.source->name == "http" && cell.sink->name == "sqlite")
    expect_nothing_again(*played->config, played->catalog, played->context);
}

class JournalMatrix : public testing::Test {
 protected:
  JournalMatrix() {
    log::set_level(log::Level::off);
    add_all_connectors(catalog_);
  }
  Catalog catalog_;
  Scratch scratch_;
};

TEST_F(JournalMatrix, IsAllowedWhereTheSemanticsAllowIt) {
  int allowed = 0, forbidden = 0;
  for_each_cell(catalog_, [&](const Cell& cell) {
    const auto loaded = load(cell, catalog_, scratch_.folder);
    (loaded.config ? allowed : forbidden) += 1;
    const std::string first = loaded.problems.empty() ? "" : ": " + loaded.problems.front().text();
    EXPECT_EQ(loaded.config.has_value(), is_allowed(cell)) << cell.text() << first;
    if (loaded.config) return;
    const bool names_the_edge = std::ranges::any_of(loaded.problems, [](const config::Problem& problem) {
      const std::string text = problem.text();
      return !problem.warning && (text.find("journals.log") != text.npos || text.find("sources.in") != text.npos);
    });
    EXPECT_TRUE(names_the_edge) << cell.text() << first;
  });
  std::cout << "journal matrix: " << allowed << " allowed, " << forbidden << " forbidden\n";
}

TEST_F(JournalMatrix, KeepsItsPromisesWhereItIsAllowed) {
  std::vector<Cell> cells;
  std::set<std::string> left_out;
  for_each_cell(catalog_, [&](const Cell& cell) {
    if (!is_run(cell) || !load(cell, catalog_, scratch_.folder).config) return;
    if (const auto why = missing(cell.source->name, cell.sink->name); !why.empty()) {
      left_out.insert(why);
      return;
    }
    cells.push_back(cell);
  });
  run_at_once(cells, [&](const Cell& cell) { run(cell, catalog_); });
  for (const auto& why : left_out) std::cout << "cells left out: " << why << "\n";
  std::cout << "journal matrix: " << cells.size() << " run\n";
}

}  // namespace
}  // namespace weir::matrix
