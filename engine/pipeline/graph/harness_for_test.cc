#include "pipeline/graph/harness_for_test.h"

#include <gtest/gtest.h>

namespace weir::pipeline {

Harness::Harness(model::Graph g, const std::function<void(config::Config&)>& change)
    : graph(std::move(g)), flow(make(change)) {
  output = std::make_unique<ReactorOutput>(flow->source("source0"), io, Bytes(graph.sources[0].batch_bytes));
  for (std::size_t s = 0; s < graph.sinks.size(); ++s) {
    workers.push_back(std::make_unique<Worker>(sink(s), model::scripted_sink(side(s)), context));
    if (graph.sinks[s].dead_letters != model::nobody)
      sink(static_cast<std::size_t>(graph.sinks[s].dead_letters)).queue.add_listener(*workers.back());
  }
}

Harness::~Harness() {
  for (auto& worker : workers) worker->abandon();
  for (std::size_t s = 0; s < graph.sinks.size(); ++s) sink(s).queue.abandon();
  output->abandon();
  for (auto& worker : workers) worker->step();
}

std::unique_ptr<Flow> Harness::make(const std::function<void(config::Config&)>& change) {
  model::add_scripted(catalog, sides);
  auto config = model::config_of(graph);
  if (change) change(config);
  return std::make_unique<Flow>(std::move(config), catalog, context);
}

std::string Harness::name_of(std::size_t s) { return "sink" + std::to_string(s); }
SinkNode& Harness::sink(std::size_t s) { return flow->sink(name_of(s)); }
model::OtherSide& Harness::side(std::size_t s) { return sides[name_of(s)]; }

void Harness::behave(std::size_t s, Behaviour::Kind kind, Duration retry_after) {
  side(s).behaviour = {kind, retry_after, 2};
}

void Harness::add(int n, Priority priority, Receipt* receipt, std::uint32_t bytes) {
  for (; n > 0; --n) {
    if (receipt) receipt->owe(1);
    output->add(model::text_of({next_id++, bytes, priority, 0, model::nobody}), priority, receipt,
                std::move(*output->reserve(output->cost(bytes, 1))));
  }
}

void Harness::add_from(const char* partition) {
  std::string text;
  std::vector<Batch::Slot> index;
  for (const std::uint32_t number : {0, 3}) {
    const auto event = model::text_of({next_id++, 10, Priority::normal, 0, model::nobody});
    index.push_back({static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(event.size()), number});
    text += event + "\n";
  }
  const Batch::Run run{nullptr, 2};
  BatchInfo info;
  info.received = context.now();
  info.place = std::make_shared<const SourcePartition>(std::string(partition));
  info.first_position = 1041;
  output->push(make_batch(text, index, {&run, 1}, info, Ticket{}), Ticket{});
}

void Harness::expect_letters_from(std::span<const Batch> letters, std::string_view partition) {
  std::vector<std::string> seen;
  for (const Batch& batch : letters)
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      EXPECT_FALSE(batch.place_of(i));
      seen.emplace_back(batch[i]);
    }
  ASSERT_EQ(seen.size(), 2u);
  for (const auto& [letter, position] : {std::pair(seen[0], "1041"), std::pair(seen[1], "1044")})
    EXPECT_NE(letter.find(fmt::format(R"("place":"{}","position":{},)", partition, position)), std::string::npos)
        << letter;
}

void Harness::turn() {
  io.restart();
  io.poll();
}

Worker::Need Harness::step(std::size_t s) { return workers[s]->step().need; }

Worker::Need Harness::work(std::size_t s) {
  for (int i = 0; i < 1000; ++i)
    if (const auto need = step(s); need != Worker::Need::nothing) return need;
  return Worker::Need::nothing;
}

std::uint64_t Harness::waiting(std::size_t s) { return sink(s).queue.stats().pending.events; }

std::uint64_t Harness::consumed(std::size_t s, Fate fate) {
  return sink(s).counters.consumed[static_cast<std::size_t>(fate)].load();
}

model::Graph fan_out(int n, std::uint64_t bound) {
  model::Graph graph;
  graph.sources.resize(1);
  for (int i = 0; i < n; ++i) {
    model::Sink sink;
    sink.from = {0};
    sink.queue.bound = {bound, 1_MiB};
    graph.sinks.push_back(sink);
  }
  return graph;
}

}  // namespace weir::pipeline
