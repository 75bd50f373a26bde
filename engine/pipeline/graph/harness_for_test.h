#pragma once
/// A small flow that a test drives: one source, a reactor and workers that the test steps, a clock that it sets, and
/// scripted sinks.
///
/// Thread: one. Cost: tests only.
#include <functional>

#include "pipeline/graph/lockstep_for_test.h"

namespace weir::pipeline {

using model::Behaviour;

struct Harness {
  /// `change`: to what the graph cannot say.
  explicit Harness(model::Graph g, const std::function<void(config::Config&)>& change = {});
  ~Harness();

  static std::string name_of(std::size_t s);
  SinkNode& sink(std::size_t s);
  model::OtherSide& side(std::size_t s);
  void behave(std::size_t s, Behaviour::Kind kind, Duration retry_after = Duration{0});

  /// Adds n events, of 10 bytes, with ids going up from 0.
  void add(int n, Priority priority = Priority::normal, Receipt* receipt = nullptr, std::uint32_t bytes = 10);
  /// Two events that were read at 1041 and 1044 of this partition.
  void add_from(const char* partition);
  /// A letter tells where its event was read, and is not itself what was read there.
  void expect_letters_from(std::span<const Batch> letters, std::string_view partition);
  void turn();
  Worker::Need step(std::size_t s = 0);
  /// Until it waits for something; what it waits for.
  Worker::Need work(std::size_t s = 0);
  std::uint64_t waiting(std::size_t s = 0);
  std::uint64_t consumed(std::size_t s, Fate fate);

  model::Graph graph;
  ManualClock clock;
  Context context{clock};
  Catalog catalog;
  std::map<std::string, model::OtherSide> sides;
  boost::asio::io_context io;
  std::unique_ptr<Flow> flow;
  std::unique_ptr<ReactorOutput> output;
  std::vector<std::unique_ptr<Worker>> workers;
  std::uint64_t next_id = 0;

 private:
  std::unique_ptr<Flow> make(const std::function<void(config::Config&)>& change);
};

/// A receipt that remembers whether it was settled.
struct Ticked final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override { settled = true; }
  Receipt receipt{*this};
  bool settled = false;
};

/// One source and n sinks behind it, each with room for `bound` events.
model::Graph fan_out(int n, std::uint64_t bound);

}  // namespace weir::pipeline
