#include "rehearsal/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>

#include "pipeline/graph/flow.h"
#include "rehearsal/inflow.h"
#include "rehearsal/served_worker.h"

namespace weir::pipeline {
namespace {

using config::Scenario;

/// While a rate or a stage of the flow holds events back it is not known until when.
constexpr Duration look_again = std::chrono::milliseconds(1);

config::Config without_spills(config::Config config) {
  for (auto& sink : config.sinks)
    if (sink.spills()) sink.queue.when_full = flow::WhenFull::block;
  return config;
}

template <typename Parts>
std::vector<std::string> names_in(const Parts& parts, std::string Parts::value_type::* name) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(part.*name);
  return names;
}

class Simulation {
 public:
  Simulation(const config::Config& config, const Catalog& catalog, const Scenario& scenario);
  ~Simulation();
  Simulated run();

 private:
  void settle();
  TimePoint next() const;
  void pass_until(TimePoint at);
  void pass(Duration time);
  void close_slice();
  void look_for_recovery(double inside);
  void sum_up();

  const config::Config& config_;
  const Scenario& scenario_;
  ManualClock clock_;
  Context context_;
  const TimePoint began_;
  TimePoint slice_end_;
  boost::asio::io_context io_;
  Flow flow_;
  Simulated result_;
  TimeLineWriter line_;
  std::deque<Inflow> inflows_;
  std::deque<SimulatedService> services_;     // of each sink
  std::vector<ServedWorker::Counts> counts_;  // of each sink
  std::deque<ServedWorker> workers_;
  Duration first_fault_ = Duration::max(), last_fault_{0};
  double usual_ = 1;  // the most that was inside before the first fault
};

Simulation::Simulation(const config::Config& config, const Catalog& catalog, const Scenario& scenario)
    : config_(config),
      scenario_(scenario),
      context_(clock_, scenario.seed),
      began_(context_.now()),
      flow_(without_spills(config), catalog, context_),
      line_(scenario.length, names_in(scenario.loads, &config::ScenarioLoad::source),
            names_in(config.sinks, &config::Sink::name)),
      counts_(config.sinks.size()) {
  slice_end_ = began_ + line_.slice();
  result_.sources.reserve(scenario.loads.size());
  for (const auto& load : scenario.loads) {
    result_.sources.push_back({.name = load.source});
    inflows_.emplace_back(load, flow_.source(load.source), io_, config.batch_bytes, scenario.length,
                          context_.rng().next(), result_.sources.back(), line_, inflows_.size());
  }
  for (std::size_t i = 0; i < config.sinks.size(); ++i) {
    const auto& sink = config.sinks[i];
    auto& service = services_.emplace_back(scenario, sink.name, began_, context_.rng());
    for (int worker = 0; worker < sink.workers; ++worker)
      workers_.emplace_back(flow_.sink(sink.name), service, context_, counts_[i]);
  }
  for (const auto& fault : scenario.faults) {
    first_fault_ = std::min(first_fault_, fault.at);
    last_fault_ = std::max(last_fault_, fault.end());
  }
}

Simulation::~Simulation() {
  for (ServedWorker& worker : workers_) worker.abandon();
  for (const auto& sink : config_.sinks) flow_.sink(sink.name).queue.abandon();
  for (Inflow& inflow : inflows_) inflow.output().abandon();
  for (ServedWorker& worker : workers_) worker.finish();
  for (Inflow& inflow : inflows_) inflow.collect();
}

/// Everything that can move without time.
void Simulation::settle() {
  for (bool any = true; any;) {
    any = false;
    for (Inflow& inflow : inflows_) {
      any = inflow.feed() || any;
      inflow.output().on_room_now();
    }
    io_.restart();
    io_.poll();
    for (ServedWorker& worker : workers_)
      if (worker.wants() <= context_.now()) {
        worker.resume();
        any = true;
      }
  }
  for (Inflow& inflow : inflows_) {
    inflow.note_held();
    inflow.collect();
  }
}

TimePoint Simulation::next() const {
  TimePoint at = never;
  for (const Inflow& inflow : inflows_) at = std::min(at, inflow.next());
  for (const ServedWorker& worker : workers_) at = std::min(at, worker.wants());
  const bool held = std::ranges::any_of(inflows_, [](const Inflow& e) { return e.held_back(); });
  return held ? std::min(at, context_.now() + look_again) : at;
}

void Simulation::pass(Duration time) {
  if (time <= Duration{0}) return;
  for (Inflow& inflow : inflows_) inflow.pass(time);
  clock_.advance(time);
}

void Simulation::pass_until(TimePoint at) {
  for (; slice_end_ <= at && !line_.full(); slice_end_ += line_.slice()) {
    pass(slice_end_ - context_.now());
    close_slice();
  }
  pass(at - context_.now());
}

void Simulation::close_slice() {
  std::vector<double> inside;
  double all = 0;
  for (const Inflow& inflow : inflows_) {
    inside.push_back(static_cast<double>(inflow.inside()));
    all += inside.back();
  }
  line_.close(flow_.status(), inside);
  look_for_recovery(all);
}

void Simulation::look_for_recovery(double inside) {
  const Duration now = context_.now() - began_;
  if (now <= first_fault_) usual_ = std::max(usual_, inside);
  if (scenario_.faults.empty() || now < last_fault_) return;
  if (!result_.recovered && inside <= usual_) result_.recovered = now - last_fault_;
}

void Simulation::sum_up() {
  result_.length = scenario_.length;
  result_.lasted = context_.now() - began_;
  for (Inflow& inflow : inflows_) {
    inflow.end();
    result_.unsettled += inflow.inside();
  }
  const bool all_gone = result_.unsettled == 0 && result_.lasted >= last_fault_;
  if (!scenario_.faults.empty() && !result_.recovered && all_gone) result_.recovered = result_.lasted - last_fault_;
  for (std::size_t i = 0; i < config_.sinks.size(); ++i) {
    SinkNode& node = flow_.sink(config_.sinks[i].name);
    const auto& counts = counts_[i];
    result_.sinks.push_back({.name = node.name,
                             .delivered = counts.delivered,
                             .deliveries = counts.deliveries,
                             .most_waiting = node.queue.stats().max_waiting.events,
                             .failed = counts.failed,
                             .breaker_opened = node.destination.stats().opened,
                             .busy = counts.busy,
                             .workers = config_.sinks[i].workers});
  }
  result_.line = line_.line();
}

Simulated Simulation::run() {
  const TimePoint end = began_ + scenario_.length + config_.drain_deadline;
  for (TimePoint at = next(); at <= end && at != never; at = next()) {
    pass_until(at);
    for (Inflow& inflow : inflows_) inflow.arrive();
    settle();
    if (std::ranges::all_of(inflows_, &Inflow::over)) break;
  }
  sum_up();
  return result_;
}

std::optional<std::string> not_simulated(const config::Config& config, const Scenario& scenario) {
  for (const auto& stage : config.stages)
    if (stage.merges()) return fmt::format("stages.{}: merging stages are not simulated", stage.name);
  for (const auto& sink : config.sinks)
    if (sink.is_journal) return fmt::format("journals.{}: journals are not simulated", sink.name);
  const auto sinks = names_in(config.sinks, &config::Sink::name);
  const auto unknown = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) == names.end();
  };
  for (const auto& load : scenario.loads)
    if (unknown(names_in(config.sources, &config::Source::name), load.source))
      return fmt::format("there is no source {}", load.source);
  for (const auto& service : scenario.services)
    if (unknown(sinks, service.sink)) return fmt::format("there is no sink {}", service.sink);
  for (const auto& fault : scenario.faults)
    if (unknown(sinks, fault.sink)) return fmt::format("there is no sink {}", fault.sink);
  return std::nullopt;
}

}  // namespace

Result<Simulated> simulate(const config::Config& config, const Catalog& catalog, const Scenario& scenario) {
  if (const auto why = not_simulated(config, scenario)) return failure(*why);
  Simulation simulation(config, catalog, scenario);
  return simulation.run();
}

}  // namespace weir::pipeline
