// Random flows with their real threads: reactors, workers, the clock of the machine. The order of things is theirs, so
// only what no order may change is compared with the model: the fates of every unit, what each other side holds, the
// ledger, and that all of it drains.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <boost/asio/post.hpp>

#include <filesystem>
#include <mutex>
#include <thread>

#include "log/log.h"
#include "pipeline/graph/lockstep_for_test.h"

namespace weir::model {
namespace {

using namespace std::chrono_literals;

struct Sent final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override { settled = true; }
  Receipt receipt{*this};
  std::vector<Event> events;
  std::atomic<bool> settled{false};
};
using Units = std::vector<std::unique_ptr<Sent>>;

/// Gives its units as fast as it is let, on the first reactor.
class EagerIntake final : public Intake {
 public:
  EagerIntake(const IntakeSetup& setup, std::vector<Sent*> units) : output_(setup.output), units_(std::move(units)) {}
  void start() override {
    output_.on_room = [this] { give(); };
    give();
  }
  void stop(Duration) override {}
  void abandon() override {}
  bool quiet() const override { return all_given_; }

 private:
  void give() {
    for (; unit_ < units_.size(); ++unit_, event_ = 0) {
      Sent& unit = *units_[unit_];
      for (; event_ < unit.events.size(); ++event_) {
        const Event& event = unit.events[event_];
        if (output_.paused(event.priority) || !output_.ready(event.priority)) return;
        unit.receipt.owe(1);
        output_.add(text_of(event), event.priority, &unit.receipt,
                    std::move(*output_.reserve(output_.cost(event.bytes, 1))));
      }
      unit.receipt.done_reading();
    }
    all_given_ = true;
  }
  SourceOutput& output_;
  std::vector<Sent*> units_;
  std::size_t unit_ = 0, event_ = 0;
  std::atomic<bool> all_given_{false};
};

class EagerSource final : public weir::Source {
 public:
  explicit EagerSource(std::vector<Sent*> units) : units_(std::move(units)) {}
  Result<void> open() override { return {}; }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    return std::make_unique<EagerIntake>(setup, setup.index == 0 ? units_ : std::vector<Sent*>{});
  }

 private:
  std::vector<Sent*> units_;
};

/// Fails now and then before it takes anything; refuses the same events whatever happens.
class MoodySink final : public weir::Sink {
 public:
  MoodySink(OtherSide& side, std::mutex& mutex, std::uint64_t seed)
      : sink_(scripted_sink(side)), mutex_(mutex), rng_(seed) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override {
    const auto mood = rng_.below(10);
    if (mood == 0) return Delivery::again("in a bad mood");
    if (mood == 1) return Delivery::again(Error{Error::Kind::overloaded, "busy", 100us});
    if (mood == 2) std::this_thread::yield();
    std::lock_guard lock(mutex_);
    return sink_->deliver(batches);
  }

 private:
  std::unique_ptr<weir::Sink> sink_;
  std::mutex& mutex_;
  Rng rng_;
};

/// Nothing in it may depend on who came first.
Graph draw_orderless(Rng& rng) {
  Graph graph = draw_graph(rng);
  for (Sink& sink : graph.sinks) {
    sink.queue.expire_after.reset();
    if (sink.required) sink.queue.when_full = flow::WhenFull::block;
    sink.linger = std::min(sink.linger, Duration(1ms));
    sink.failures_to_open = 1000;
    sink.backoff_base = sink.backoff_cap = 100us;
  }
  return graph;
}

class Threaded {
 public:
  /// With a folder, all that blocks spills there.
  explicit Threaded(std::uint64_t seed, std::string folder = {})
      : folder_(std::move(folder)), rng_(seed), graph_(draw_orderless(rng_)), context_(system_clock(), seed) {
    for (Sink& sink : graph_.sinks)
      if (!folder_.empty() && sink.queue.when_full == flow::WhenFull::block) {
        sink.queue.when_full = flow::WhenFull::spill;
        sink.queue.bound.events = std::max<std::uint64_t>(2, sink.queue.bound.events);
      }
    for (std::size_t s = 0; s < graph_.sinks.size(); ++s) {
      auto& behaviour = sides_["sink" + std::to_string(s)].behaviour;
      const bool dead_letters = graph_.sinks[s].from.empty();
      if (!dead_letters && rng_.below(2))
        behaviour = {.kind = Behaviour::Kind::refuses_some, .modulo = 2 + rng_.below(4)};
    }
    std::uint64_t id = 0;
    for (auto n = 1 + rng_.below(40); n > 0; --n) {
      units_.push_back(std::make_unique<Sent>());
      const int source = static_cast<int>(rng_.below(graph_.sources.size()));
      for (auto m = 1 + rng_.below(20); m > 0; --m)
        units_.back()->events.push_back({id++, 6 + rng_.below(40), static_cast<Priority>(rng_.below(priority_count)),
                                         source, static_cast<int>(units_.size()) - 1});
    }
  }

  void run() {
    Catalog catalog;
    add_types(catalog);
    config::Config config = config_of(graph_);
    config.reactors = 1 + static_cast<int>(rng_.below(2));
    for (auto& sink : config.sinks) sink.spill = {folder_ + "/" + sink.name, 16_MiB};
    pipeline::Flow flow(config, catalog, context_);
    ASSERT_TRUE(flow.start());
    auto report = flow.stop(60s);
    report.refused = report.refused_lost = 0;  // as the case wants it: every fate is compared below
    EXPECT_EQ(report.exit_code(), 0) << report.abandoned << " events had no fate";
    const auto status = flow.status();
    const auto ledger = status.ledger();
    EXPECT_EQ(ledger.in_transit, 0);
    EXPECT_EQ(ledger.worst, 0) << ledger.where;
    EXPECT_EQ(flow.budget().used(), Bytes{});
    for (std::size_t s = 0; s < graph_.sinks.size(); ++s)
      EXPECT_LE(status.sinks[s].edge.max_waiting.events, graph_.sinks[s].queue.bound.events);
    compare();
  }

 private:
  void add_types(Catalog& catalog) {
    StageType stage;
    Catalog scripted;
    add_scripted(scripted, sides_);
    catalog.add(*scripted.stage("modulo"));
    SourceType source;
    source.name = "scripted";
    source.make = [this](const SourceSetup& setup) -> std::unique_ptr<weir::Source> {
      std::vector<Sent*> mine;
      for (auto& unit : units_)
        if ("source" + std::to_string(unit->events.front().source) == setup.name) mine.push_back(unit.get());
      return std::make_unique<EagerSource>(std::move(mine));
    };
    catalog.add(std::move(source));
    SinkType sink;
    sink.name = "scripted";
    sink.make = [this](const SinkSetup& setup) -> std::unique_ptr<weir::Sink> {
      return std::make_unique<MoodySink>(sides_[setup.name], mutex_, rng_.next());
    };
    catalog.add(std::move(sink));
  }

  /// The model takes the same units one after the other, to the end.
  void run_model(Model& model) {
    TimePoint now{1h};
    for (const auto& unit : units_) {
      const int number = model.begin_unit(unit->events.front().source);
      for (const Event& event : unit->events) {
        for (; !model.ready(event.source, event.priority); now += 5ms) work(model, now);
        model.add(event, now);
      }
      model.end_unit(number);
      for (int i = 0; i < 2000 && !model.units.back().settled(); ++i, now += 5ms) work(model, now);
    }
  }
  void work(Model& model, TimePoint now) {
    for (std::size_t s = 0; s < graph_.sources.size(); ++s) model.turn(static_cast<int>(s), now);
    for (std::size_t s = 0; s < graph_.sinks.size(); ++s)
      for (int w = 0; w < graph_.sinks[s].workers; ++w)
        model.step(static_cast<int>(s), w, sides_["sink" + std::to_string(s)].behaviour, now);
  }

  void compare() {
    Model model(graph_, std::vector<Queue::Draw>(graph_.sinks.size(), [](std::uint64_t) { return std::uint64_t{0}; }));
    run_model(model);
    for (std::size_t u = 0; u < units_.size(); ++u) {
      EXPECT_TRUE(units_[u]->settled) << "unit " << u;
      const Tally tally = units_[u]->receipt.tally();
      for (std::size_t f = 0; f < fate_count; ++f)
        EXPECT_EQ(tally.events[f], model.units[u].fates[f]) << "unit " << u << ": " << name(static_cast<Fate>(f));
    }
    for (std::size_t s = 0; s < graph_.sinks.size(); ++s) {
      if (flow::may_drop(graph_.sinks[s].queue.when_full)) continue;  // what it drops is a matter of time
      if (graph_.sinks[s].from.empty() && any_optional_owner(static_cast<int>(s))) continue;
      auto held = sides_["sink" + std::to_string(s)].held, expected = model.sinks[s].held;
      std::ranges::sort(held);
      std::ranges::sort(expected);
      EXPECT_EQ(held, expected) << "sink " << s;
    }
  }
  bool any_optional_owner(int dead_letters) const {
    return std::ranges::any_of(graph_.sinks,
                               [&](const Sink& sink) { return sink.dead_letters == dead_letters && !sink.required; });
  }

  const std::string folder_;
  Rng rng_;
  Graph graph_;
  Context context_;
  std::mutex mutex_;
  std::map<std::string, OtherSide> sides_;
  Units units_;
};

TEST(Threads, EndInTheFatesOfTheModel) {
  log::set_level(log::Level::off);
  for (std::uint64_t seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Threaded(seed).run();
  }
}

TEST(Threads, EndInTheSameFatesWhenWhatDoesNotFitGoesOverTheDisk) {
  log::set_level(log::Level::off);
  std::string pattern = std::filesystem::temp_directory_path() / "weir-spill-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Threaded(seed, folder).run();  // each finds what the one before has left: nothing
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir::model
