/// What it costs to hand a batch to another thread, as a ratio to the barest queue that is bounded and sleeps.
///
/// The batches are views of a few blocks made beforehand, so that the queue is measured and not malloc. Pairs are made
/// of interleaved slices, and CPU of both threads is counted: a queue that wakes often is dear even when it is quick.
/// Prints one line of JSON; `run.py` makes the table.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <weir/component/stage.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "handoff_queues.h"
#include "handoff_sink_queue.h"
#include "support.h"

namespace weir::bench {
namespace {

constexpr int slices = 6;
constexpr std::size_t block_count = 64;

/// Blocks of `events` 200-byte events each; share() of them is what travels.
class Blocks {
 public:
  explicit Blocks(std::uint32_t events) {
    EventText text("hand", events);
    const auto bytes = text.with_ids(0);
    std::vector<Batch::Slot> index;
    for (std::uint32_t i = 0; i < events; ++i) {
      auto& slot = index.emplace_back();
      slot.offset = i * size;
      slot.length = size - 1;  // without its newline
    }
    const std::vector<Batch::Run> runs{{nullptr, events}};
    for (std::size_t i = 0; i < block_count; ++i)
      made_.push_back(make_batch(bytes, index, runs, BatchInfo{}, Ticket{}));
  }
  ~Blocks() {
    for (auto& batch : made_) batch.settle(Fate::stored);
  }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  Batch next() { return made_[at_++ % block_count].share(false); }

 private:
  static constexpr auto size = static_cast<std::uint32_t>(EventText::event_size);
  std::vector<Batch> made_;
  std::size_t at_ = 0;
};

/// CPU of both threads in ns for handing over `items` batches. Every event has to arrive.
template <HandOff Q>
double hand_over(Blocks& blocks, std::uint32_t events, std::uint64_t items) {
  Q queue(events);
  std::uint64_t arrived = 0;
  const auto before = process_cpu_ns();
  std::thread consumer([&] {
    std::vector<Batch> group;
    while (queue.take(group)) {
      for (auto& batch : group) {
        arrived += batch.size();
        batch.settle(Fate::stored);
      }
      group.clear();
    }
  });
  for (std::uint64_t i = 0; i < items; ++i) queue.put(blocks.next());
  queue.close();
  consumer.join();
  if (arrived != items * events) fail(fmt::format("{} of {} events arrived", arrived, items * events));
  return static_cast<double>(process_cpu_ns() - before);
}

/// Interleaved pairs of the floor and one contender, as JSON: ns of CPU an event.
template <HandOff Q>
std::string pairs_against_floor(std::uint32_t events, std::uint64_t items, int pairs) {
  Blocks blocks(events);
  hand_over<MutexSwap>(blocks, events, items / 10 + 1);
  hand_over<Q>(blocks, events, items / 10 + 1);
  std::vector<std::string> out;
  for (int pair = 0; pair < pairs; ++pair) {
    double floor = 0, contender = 0;
    for (int i = 0; i < slices; ++i) {
      if ((i + pair) % 2) contender += hand_over<Q>(blocks, events, items);
      floor += hand_over<MutexSwap>(blocks, events, items);
      if ((i + pair) % 2 == 0) contender += hand_over<Q>(blocks, events, items);
    }
    const auto total = static_cast<double>(items) * events * slices;
    out.push_back(fmt::format(R"({{"floor_ns":{:.3f},"contender_ns":{:.3f}}})", floor / total, contender / total));
  }
  return fmt::format("[{}]", fmt::join(out, ","));
}

/// Median CPU of this thread in ns an event over some rounds of `work`, which handles `events` events.
template <typename F>
double same_thread_ns(std::uint64_t events, F&& work) {
  std::vector<double> rounds;
  for (int round = 0; round < 21; ++round) {
    const auto before = thread_cpu_ns();
    for (int i = 0; i < 200; ++i) work();
    rounds.push_back(static_cast<double>(thread_cpu_ns() - before) / 200.0 / static_cast<double>(events));
  }
  std::nth_element(rounds.begin(), rounds.begin() + 10, rounds.end());
  return rounds[10];
}

class PassThrough : public Stage {
 public:
  Verdict take(const Event& event, std::string&) override {
    return event.bytes.empty() ? Verdict::filtered() : Verdict::passed();
  }
};

std::string same_thread(std::uint32_t events) {
  Blocks blocks(events);
  Batch batch = blocks.next();
  std::uint64_t kept = 0;
  std::string out;
  PassThrough pass;
  // The compiler must not see which stage it is: the engine does not.
  Stage* volatile unknown = &pass;
  const double stage = same_thread_ns(events, [&] {
    Stage& s = *unknown;
    for (std::uint32_t i = 0; i < batch.size(); ++i)
      kept += s.take({batch[i], batch.info(), {}, {}}, out).kind == Verdict::Kind::passed;
  });
  std::vector<char> to(EventText::event_size * events);
  const double copy = same_thread_ns(events, [&] {
    char* at = to.data();
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      const auto event = batch[i];
      std::memcpy(at, event.data(), event.size());
      at += event.size();
    }
    asm volatile("" : : "r"(to.data()) : "memory");
  });
  BatchBuilder builder({.bytes = 256_KiB, .events = 1024});
  const double build = same_thread_ns(events, [&] {
    for (std::uint32_t i = 0; i < batch.size(); ++i) builder.add(batch[i], nullptr);
    builder.seal(BatchInfo{}).settle(Fate::stored);
  });
  batch.settle(Fate::stored);
  if (!kept) fail("a stage that passes everything passed nothing");
  return fmt::format(R"({{"pass-through stage":{:.2f},"memcpy":{:.2f},"into an open batch and sealed":{:.2f}}})", stage,
                     copy, build);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  std::uint32_t events = 16;
  std::uint64_t items = 200'000;
  int pairs = 7;
  CLI::App app("Hand-off between two threads, as a ratio to a mutex and two vectors");
  app.add_option("--events", events, "in an item")->check(CLI::Range(1, 1000));
  app.add_option("--items", items, "in a slice")->check(CLI::Range(1, 10'000'000));
  app.add_option("--pairs", pairs)->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  // The next contender goes here: one line, and one class like those in handoff_queues.h.
  const auto contenders = fmt::format(R"({{"edge":{},"queue":{}}})",  //
                                      pairs_against_floor<EdgeHandOff>(events, items, pairs),
                                      pairs_against_floor<SinkQueueHandOff>(events, items, pairs));
  fmt::print("{{\"events\":{},\"contenders\":{},\"same_thread_ns\":{}}}\n", events, contenders, same_thread(events));
}
