#include "rehearsal/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "pipeline/delivery/worker.h"
#include "pipeline/entry/reactor_output.h"
#include "pipeline/graph/flow.h"

namespace weir::pipeline {
namespace {

/// While a rate or a stage of the flow holds events back it is not known until when.
constexpr Duration look_again = std::chrono::milliseconds(1);

struct Arrived;

/// Units that are settled, until the clock's thread takes them.
struct Settled final : ReceiptOwner {
  void on_settled(Receipt& receipt) noexcept override {
    receipt.next = first;
    first = &receipt;
  }
  Receipt* first = nullptr;
};

struct Arrived {
  Arrived(Settled& settled, TimePoint at) : receipt(settled), due(at) { receipt.waiter = this; }
  Receipt receipt;
  TimePoint due;
};

struct Inflow {
  Inflow(const Scenario::Load& l, SourceNode& n, boost::asio::io_context& io, Bytes batch_bytes, Duration length,
         std::uint64_t seed, Simulated::Source& r)
      : load(l), output(n, io, batch_bytes), arrivals(l.phases, length, seed, l.kind), result(r) {}
  const Scenario::Load& load;
  ReactorOutput output;
  load::Arrivals arrivals;
  Simulated::Source& result;
  Settled settled;
  std::optional<TimePoint> next;
  std::deque<std::unique_ptr<Arrived>> unread;
  std::uint64_t inside = 0;
};

/// What one of two threads waits for until the other has given it.
class Baton {
 public:
  void give() {
    {
      const std::lock_guard lock(mutex_);
      given_ = true;
    }
    changed_.notify_one();
  }
  void take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return given_; });
    given_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

/// One worker and the service it delivers to, on a thread of its own that runs only while it has the baton.
class Server {
 public:
  Server(SinkNode& node, const Scenario::Service* service, const Context& context, TimePoint began,
         Simulated::Sink& result)
      : node_(node),
        service_(service),
        context_(context),
        began_(began),
        rng_(context.rng()),
        result_(result),
        worker_(node, std::make_unique<End>(*this), context),
        thread_([this] { run(); }) {
    if (node.dead_letters) node.dead_letters->queue.add_listener(worker_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    abandon();
    finish();
    thread_.join();
  }

  /// When it wants the baton; `never`: when something arrives.
  TimePoint wants() const {
    if (state_ == State::idle) return node_.line().empty() ? never : context_.now();
    return state_ == State::ended ? never : wake_;
  }
  /// Lets it run until it waits.
  void resume() {
    go_.give();
    back_.take();
  }
  void abandon() { worker_.abandon(); }
  /// After `abandon`: it ends.
  void finish() {
    finishing_ = true;
    if (state_ != State::ended) resume();
  }

 private:
  enum class State : std::uint8_t { idle, waiting, serving, ended };
  class End final : public Sink {
   public:
    explicit End(Server& server) : server_(server) {}
    Result<void> open() override { return {}; }
    Delivery deliver(std::span<const Batch> batches) override { return server_.serve(batches); }

   private:
    Server& server_;
  };

  void run() {
    go_.take();
    while (!finishing_) {
      const auto next = worker_.step();
      if (next.need == Worker::Need::nothing) continue;
      if (next.need == Worker::Need::finished) break;
      state_ = next.need == Worker::Need::arrivals ? State::idle : State::waiting;
      wake_ = context_.now() + std::max(next.wait, Duration{1});
      pass_baton();
    }
    if (finishing_) worker_.step();  // gives up what it holds
    state_ = State::ended;
    back_.give();
  }

  void pass_baton() {
    back_.give();
    go_.take();
  }

  Delivery serve(std::span<const Batch> batches) {
    std::uint64_t events = 0;
    for (const Batch& batch : batches) events += batch.size();
    const TimePoint begin = context_.now();
    wake_ = end_of(begin, service_ ? service_->time(events, rng_) : Duration{0});
    state_ = State::serving;
    if (wake_ > begin) pass_baton();
    result_.delivered += events;
    ++result_.deliveries;
    result_.busy += context_.now() - begin;
    return {};
  }

  /// A stall holds up whatever it meets.
  TimePoint end_of(TimePoint begin, Duration time) const {
    const TimePoint end = begin + time;
    if (!service_ || service_->stalls_for <= Duration{0}) return end;
    const TimePoint from = began_ + service_->stalls_at, to = from + service_->stalls_for;
    return begin < to && end > from ? end + (to - std::max(begin, from)) : end;
  }

  SinkNode& node_;
  const Scenario::Service* const service_;
  const Context& context_;
  const TimePoint began_;
  Rng rng_;
  Simulated::Sink& result_;
  State state_ = State::idle;
  TimePoint wake_{};
  bool finishing_ = false;
  Baton go_, back_;
  Worker worker_;
  std::thread thread_;
};

config::Config without_spills(config::Config config) {
  for (auto& sink : config.sinks)
    if (sink.spills()) sink.queue.when_full = flow::WhenFull::block;
  return config;
}

class Simulation {
 public:
  Simulation(const config::Config& config, const Catalog& catalog, const Scenario& scenario);
  ~Simulation();
  Simulated run();

 private:
  void settle();
  bool feed(Inflow& inflow);
  bool give(Inflow& inflow, std::unique_ptr<Arrived>& unit);
  void collect(Inflow& inflow);
  void arrive(Inflow& inflow);
  void plan(Inflow& inflow);
  TimePoint next() const;
  bool held_back() const;
  void pass(Duration d);

  const config::Config& config_;
  const Scenario& scenario_;
  ManualClock clock_;
  Context context_;
  const TimePoint began_;
  boost::asio::io_context io_;
  Flow flow_;
  Simulated result_;
  std::deque<Inflow> inflows_;
  std::deque<Server> servers_;
};

Simulation::Simulation(const config::Config& config, const Catalog& catalog, const Scenario& scenario)
    : config_(config),
      scenario_(scenario),
      context_(clock_, scenario.seed),
      began_(context_.now()),
      flow_(without_spills(config), catalog, context_) {
  result_.sources.reserve(scenario.loads.size());
  result_.sinks.reserve(config.sinks.size());
  for (const auto& load : scenario.loads) {
    result_.sources.push_back({.name = load.source});
    Inflow& inflow = inflows_.emplace_back(load, flow_.source(load.source), io_, config.batch_bytes, scenario.length,
                                           context_.rng().next(), result_.sources.back());
    plan(inflow);
  }
  for (const auto& sink : config.sinks) {
    const auto service = std::ranges::find(scenario.services, sink.name, &Scenario::Service::sink);
    result_.sinks.push_back({.name = sink.name, .workers = sink.workers});
    for (int i = 0; i < sink.workers; ++i)
      servers_.emplace_back(flow_.sink(sink.name), service == scenario.services.end() ? nullptr : &*service, context_,
                            began_, result_.sinks.back());
  }
}

Simulation::~Simulation() {
  for (Server& server : servers_) server.abandon();
  for (const auto& sink : config_.sinks) flow_.sink(sink.name).queue.abandon();
  for (Inflow& inflow : inflows_) inflow.output.abandon();
  for (Server& server : servers_) server.finish();
  for (Inflow& inflow : inflows_) collect(inflow);
}

void Simulation::plan(Inflow& inflow) {
  const auto at = inflow.arrivals.next();
  inflow.next = at ? std::optional(began_ + *at) : std::nullopt;
}

void Simulation::arrive(Inflow& inflow) {
  inflow.unread.push_back(std::make_unique<Arrived>(inflow.settled, *inflow.next));
  ++inflow.inside;
  ++inflow.result.arrived;
  plan(inflow);
}

/// False: its source would not read it now. Else it belongs to whoever settles it, until `collect`.
bool Simulation::give(Inflow& inflow, std::unique_ptr<Arrived>& unit) {
  ReactorOutput& output = inflow.output;
  if (output.paused(Priority::normal) || !output.ready(Priority::normal)) return false;
  auto ticket = output.reserve(output.cost(inflow.load.event.size(), 1));
  if (!ticket) return false;
  Receipt& receipt = unit.release()->receipt;
  receipt.owe(1);
  output.add(inflow.load.event, Priority::normal, &receipt, std::move(*ticket));
  output.flush();
  receipt.done_reading();
  return true;
}

bool Simulation::feed(Inflow& inflow) {
  bool any = false;
  while (!inflow.unread.empty()) {
    const TimePoint due = inflow.unread.front()->due;
    if (!give(inflow, inflow.unread.front())) break;
    inflow.result.longest_held = std::max(inflow.result.longest_held, context_.now() - due);
    inflow.unread.pop_front();
    any = true;
  }
  return any;
}

/// Counts and deletes what is settled.
void Simulation::collect(Inflow& inflow) {
  while (Receipt* receipt = inflow.settled.first) {
    inflow.settled.first = receipt->next;
    const std::unique_ptr<Arrived> unit(static_cast<Arrived*>(receipt->waiter));
    const Tally tally = receipt->tally();
    const Fate worst = tally.worst();
    const bool stored = counts_as_stored(worst);
    ++inflow.result
          .ended[stored ? std::string(name(worst)) : fmt::format("{} ({})", name(worst), info(tally.reason).key)];
    const Duration took = context_.now() - unit->due;
    if (worst == Fate::stored) inflow.result.times.record(took);
    inflow.result.time_sum += seconds(took);
    ++inflow.result.settled;
    --inflow.inside;
  }
}

/// Everything that can move without time.
void Simulation::settle() {
  for (bool any = true; any;) {
    any = false;
    for (Inflow& inflow : inflows_) {
      any = feed(inflow) || any;
      inflow.output.on_room_now();
    }
    io_.restart();
    io_.poll();
    for (Server& server : servers_)
      if (server.wants() <= context_.now()) {
        server.resume();
        any = true;
      }
  }
  for (Inflow& inflow : inflows_) {
    inflow.result.most_held = std::max<std::uint64_t>(inflow.result.most_held, inflow.unread.size());
    collect(inflow);
  }
}

bool Simulation::held_back() const {
  return std::ranges::any_of(inflows_, [](const Inflow& e) { return !e.unread.empty() || e.output.pending() > 0; });
}

TimePoint Simulation::next() const {
  TimePoint at = never;
  for (const Inflow& inflow : inflows_) at = std::min(at, inflow.next.value_or(never));
  for (const Server& server : servers_) at = std::min(at, server.wants());
  return held_back() ? std::min(at, context_.now() + look_again) : at;
}

void Simulation::pass(Duration d) {
  for (Inflow& inflow : inflows_) inflow.result.inside += static_cast<double>(inflow.inside) * seconds(d);
  clock_.advance(d);
}

Simulated Simulation::run() {
  const TimePoint end = began_ + scenario_.length + config_.drain_deadline;
  for (TimePoint at = next(); at <= end && at != never; at = next()) {
    pass(std::max(at - context_.now(), Duration{0}));
    for (Inflow& inflow : inflows_)
      while (inflow.next && *inflow.next <= context_.now()) arrive(inflow);
    settle();
    const bool over = std::ranges::all_of(inflows_, [](const Inflow& e) { return !e.next && e.inside == 0; });
    if (over) break;
  }
  result_.length = scenario_.length;
  result_.lasted = context_.now() - began_;
  for (const Inflow& inflow : inflows_) result_.unsettled += inflow.inside;
  for (auto& sink : result_.sinks) sink.most_waiting = flow_.sink(sink.name).queue.stats().max_waiting.events;
  return result_;
}

std::optional<std::string> not_simulated(const config::Config& config, const Scenario& scenario) {
  for (const auto& stage : config.stages)
    if (stage.merges()) return fmt::format("stages.{}: merging stages are not simulated", stage.name);
  for (const auto& sink : config.sinks)
    if (sink.is_journal) return fmt::format("journals.{}: journals are not simulated", sink.name);
  for (const auto& load : scenario.loads)
    if (std::ranges::find(config.sources, load.source, &config::Source::name) == config.sources.end())
      return fmt::format("there is no source {}", load.source);
  for (const auto& service : scenario.services)
    if (std::ranges::find(config.sinks, service.sink, &config::Sink::name) == config.sinks.end())
      return fmt::format("there is no sink {}", service.sink);
  return std::nullopt;
}

}  // namespace

Result<Simulated> simulate(const config::Config& config, const Catalog& catalog, const Scenario& scenario) {
  if (const auto why = not_simulated(config, scenario)) return failure(*why);
  Simulation simulation(config, catalog, scenario);
  return simulation.run();
}

}  // namespace weir::pipeline
