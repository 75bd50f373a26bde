#include "pipeline/graph/flow.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>

#include "log/log.h"
#include "pipeline/entry/merge_intake.h"
#include "pipeline/graph/running.h"

namespace weir::pipeline {
namespace {

// The interval at which a stop checks whether everything has drained.
constexpr auto look_again = std::chrono::milliseconds(5);

/// Puts the name in front of a message that does not have it yet. A sink's messages have it, because they are also
/// logged while it runs.
std::unexpected<Error> named(const std::string& part, Error error) {
  if (!error.message.starts_with(part)) error.message.insert(0, part);
  return std::unexpected(std::move(error));
}

}  // namespace

Result<void> Flow::start() {
  std::unique_lock lock(structure_);  // the admin listener may already ask for a status
  started_ = context_.now();
  for (int i = 0; i < config_.reactors; ++i)
    reactors_.push_back(std::make_unique<net::Reactor>("reactor-" + std::to_string(i)));
  if (auto opened = open_journals(); !opened) return opened;
  if (auto opened = open_spills(); !opened) return opened;
  if (auto opened = open_sinks(); !opened) return opened;
  if (auto opened = open_sources(); !opened) return opened;
  lock.unlock();
  for (auto& sink : sinks_)
    if (sink->spill) sink->spill->start();
  for (auto& w : workers_) w.thread = std::thread([worker = w.worker.get()] { worker->run(); });
  for (auto& running : running_) boost::asio::post(running->reactor->io(), [r = running.get()] { r->intake->start(); });
  for (auto& reactor : reactors_) reactor->start();
  return {};
}

Result<void> Flow::open_journals() {
  for (const auto& sink : config_.sinks) {
    journals_.emplace_back();
    if (!sink.is_journal) continue;
    std::vector<JournalConsumer> consumers;
    for (const auto& source : config_.sources)
      if (source.journal == sink.name) consumers.push_back(source.consumer);
    journals_.back() = catalog_.journal(sink.type)->make({sink.name, sink.options, context_});
    if (auto opened = journals_.back()->open(consumers); !opened)
      return failure("journal " + sink.name + ": " + opened.error().message, opened.error().kind);
  }
  return {};
}

Result<void> Flow::open_spills() {
  for (const auto& sink : sinks_) {
    if (!sink->spill) continue;
    if (auto opened = sink->spill->open(); !opened)
      return failure("sink " + sink->name + ": spill: " + opened.error().message, opened.error().kind);
  }
  return {};
}

Journal& Flow::journal(std::string_view name) {
  const auto at = std::ranges::find(config_.sinks, name, &config::Sink::name) - config_.sinks.begin();
  return *journals_[static_cast<std::size_t>(at)];
}

Result<void> Flow::open_sinks() {
  for (std::size_t i = 0; i < config_.sinks.size(); ++i) {
    const auto& sink = config_.sinks[i];
    for (int n = 0; n < sink.workers; ++n) {
      auto object = sink.is_journal ? journal(sink.name).writer()
                                    : catalog_.sink(sink.type)->make({sink.name, sink.options, n, context_});
      if (auto opened = object->open(); !opened) return named("sink " + sink.name + ": ", opened.error());
      auto worker = std::make_unique<Worker>(*sinks_[i], std::move(object), context_);
      if (sinks_[i]->dead_letters) sinks_[i]->dead_letters->queue.add_listener(*worker);
      workers_.push_back({sinks_[i].get(), std::move(worker), {}});
    }
  }
  return {};
}

Result<void> Flow::open_sources() {
  for (std::size_t i = 0; i < config_.sources.size(); ++i) {
    const auto& source = config_.sources[i];
    if (source.is_consumer()) {
      // A consumer has a thread of its own, so that no other part waits for its disk or its sink.
      reactors_.push_back(std::make_unique<net::Reactor>("consumer-" + source.only_to));
      net::Reactor& reactor = *reactors_.back();
      auto reader = journal(source.journal).reader(source.consumer.name);
      if (auto opened = reader->open(); !opened) return named("source " + source.name + ": ", opened.error());
      run(*sources_[i], reactor, [&](SourceOutput& output) { return reader->intake({reactor.io(), 0, output}); });
      source_objects_.push_back(std::move(reader));
      continue;
    }
    const bool keep_malformed = source.on_malformed == config::Source::OnMalformed::dead_letter;
    auto object = catalog_.source(source.type)
                      ->make({source.name, source.options, source.acks, source.priorities, source.refuse_when_full,
                              context_, keep_malformed});
    if (auto opened = object->open(); !opened) return named("source " + source.name + ": ", opened.error());
    for (std::size_t r = 0; r < static_cast<std::size_t>(config_.reactors); ++r)
      run(*sources_[i], *reactors_[r],
          [&](SourceOutput& output) { return object->intake({reactors_[r]->io(), static_cast<int>(r), output}); });
    source_objects_.push_back(std::move(object));
  }
  for (auto& merge : merges_)
    run(merge->origin, *reactors_[0], [&](SourceOutput& output) {
      return std::make_unique<MergeIntake>(*merge->stage.merge, reactors_[0]->io(), output);
    });
  return {};
}

void Flow::run(SourceNode& node, net::Reactor& reactor, const MakeIntake& make) {
  auto running = std::make_unique<Running>();
  running->reactor = &reactor;
  running->node = &node;
  running->output = std::make_unique<ReactorOutput>(node, reactor.io(), config_.batch_bytes);
  running->intake = make(*running->output);
  running_.push_back(std::move(running));
}

void Flow::post_to_intakes(const std::function<void(Intake&)>& f) {
  for (auto& running : running_) {
    if (reactors_.empty()) return;
    boost::asio::post(running->reactor->io(), [r = running.get(), f] { f(*r->intake); });
  }
}

/// Asks twice, and believes the answer only if nothing moved in between: an event that moves from one part to the next
/// during the first look is then seen in the second.
bool Flow::drained() const {
  const auto before = moved();
  return is_empty() && is_empty() && moved() == before;
}

std::uint64_t Flow::moved() const {
  std::uint64_t sum = 0;
  for (const auto& source : sources_) sum += source->counters.in.load(std::memory_order_acquire);
  for (const auto& sink : sinks_) sum += sink->counters.in.load(std::memory_order_acquire);
  return sum;
}

bool Flow::is_empty() const {
  for (const auto& running : running_)
    if (!running->intake->quiet() || running->output->pending() > 0) return false;
  // Reads in the order in which events move; otherwise an event that moves meanwhile would be seen nowhere.
  const auto empty = [&](bool targets) {
    return std::ranges::all_of(
        sinks_, [&](const auto& sink) { return sink->is_dead_letter_target != targets || sink->is_empty(); });
  };
  return empty(false) && empty(true);
}

StopReport Flow::stop(Duration deadline, const std::function<bool()>& hurry) {
  StopReport report;
  stopping_ = true;
  const TimePoint end = context_.now() + deadline;
  for (auto& source : sources_) source->close(deadline);
  post_to_intakes([deadline](Intake& intake) { intake.stop(deadline); });
  auto wait_until = [&](TimePoint limit) {
    while (!drained() && context_.now() < limit && !(hurry && hurry())) std::this_thread::sleep_for(look_again);
  };
  wait_until(end);
  const bool clean = drained();
  if (!clean) {
    for (auto& sink : sinks_)
      if (sink->spill) sink->spill->stop();  // from here on workers may write what they hold
    for (auto& w : workers_) w.worker->abandon();
    for (auto& sink : sinks_) {
      if (sink->spill) continue;
      const auto left = sink->queue.abandon();
      report.abandoned += left.events;
      report.unanswered += left.unanswered;
    }
    for (auto& running : running_) {
      std::promise<SinkQueue::Abandoned> done;
      boost::asio::post(running->reactor->io(), [&, r = running.get()] {
        r->intake->abandon();
        done.set_value(r->output->abandon());
      });
      const auto left = done.get_future().get();
      report.abandoned += left.events;
      report.unanswered += left.unanswered;
    }
    for (auto& merge : merges_) {
      const auto left = merge->stage.merge->abandon();
      report.abandoned += left.events;
      report.unanswered += left.unanswered;
    }
  }
  close_and_join(false);
  close_and_join(true);
  put_spills_away(report);
  for (auto& w : workers_) {
    report.abandoned += w.worker->left().events;
    report.unanswered += w.worker->left().unanswered;
  }
  auto wait_until_quiet = [&](Duration most) {
    const TimePoint limit = context_.now() + most;
    while (std::ranges::any_of(running_, [](const auto& r) { return !r->intake->quiet(); }) && context_.now() < limit)
      std::this_thread::sleep_for(look_again);
  };
  wait_until_quiet(std::chrono::seconds(1));  // the last answers ("outcome unknown") go out
  post_to_intakes([](Intake& intake) { intake.close(); });
  wait_until_quiet(std::chrono::seconds(2));
  join_reactors();
  for (auto& journal : journals_) {
    if (!journal) continue;
    journal->close();
    for (const auto& consumer : journal->status().consumers)
      if (consumer.configured && consumer.holds) report.kept += consumer.lag_events;
  }
  return report;
}

void Flow::close_and_join(bool dead_letter_targets) {
  for (auto& w : workers_)
    if (w.node->is_dead_letter_target == dead_letter_targets) w.node->close();
  for (auto& w : workers_)
    if (w.node->is_dead_letter_target == dead_letter_targets && w.thread.joinable()) w.thread.join();
}

void Flow::put_spills_away(StopReport& report) {
  for (auto& sink : sinks_) {
    if (!sink->spill) continue;
    sink->spill->stop();
    const auto lost = sink->spill->put_away();
    report.abandoned += lost.events;
    report.unanswered += lost.unanswered;
    report.kept += sink->spill->kept();
  }
}

void Flow::join_reactors() {
  for (auto& reactor : reactors_) reactor->stop();
  for (auto& reactor : reactors_) reactor->join();
  std::lock_guard lock(structure_);
  running_.clear();  // intakes go before the reactors they live on
  workers_.clear();
  source_objects_.clear();
  reactors_.clear();
}

void Flow::reload(const config::Config& next) {
  for (std::size_t i = 0; i < sinks_.size(); ++i) sinks_[i]->reconfigure(next.sinks[i]);
  for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i]->set_refuse_when_full(next.sources[i].refuse_when_full);
}

std::uint64_t Flow::held_by(const SourceNode& node) const {
  std::uint64_t pending = 0;
  for (const auto& running : running_)
    if (running->node == &node) pending += running->output->accounted();
  return pending;
}

NodeSnapshot Flow::snapshot_of(const StageNode& stage) const {
  const auto merge = std::ranges::find(merges_, &stage, [](const auto& m) { return &m->stage; });
  if (merge == merges_.end()) return snapshot(stage.counters, [] { return std::uint64_t{0}; });
  NodeSnapshot all = snapshot((*merge)->origin.counters, [&] { return held_by((*merge)->origin); });
  const NodeSnapshot in = snapshot(stage.counters, [] { return std::uint64_t{0}; });
  all.created = std::exchange(all.in, in.in);
  all.merged = in.merged;
  for (std::size_t i = 0; i < fate_count; ++i) all.consumed[i] += in.consumed[i];
  for (std::size_t i = 0; i < flow::reason_count; ++i) all.by_reason[i] += in.by_reason[i];
  return all;
}

FlowStatus Flow::status() const {
  std::lock_guard lock(structure_);
  const TimePoint now = context_.now();
  FlowStatus status;
  // Sink to source: what has left is read before what came in, so a running ledger can only show a surplus of "in".
  for (const auto& sink : sinks_) {
    SinkStatus s = sink->glance(now);
    s.node = snapshot(sink->counters, [&] { return sink->in_hand.load(std::memory_order_acquire); });
    s.edge = sink->edge();
    s.busy_ns = sink->busy_ns.load(std::memory_order_relaxed);
    s.idle_ns = sink->idle_ns.load(std::memory_order_relaxed);
    s.blocked_ns = sink->blocked_ns.load(std::memory_order_relaxed);
    s.deliveries = sink->deliveries.load(std::memory_order_relaxed);
    s.why = describe(s);
    s.sojourn = sink->times.sojourn(s.pressure.oldest_age, now);
    s.latency = describe_latency(s);
    status.sinks.push_back(std::move(s));
  }
  for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage)
    status.stages.push_back({(*stage)->name, snapshot_of(**stage), (*stage)->plan->counts()});
  std::ranges::reverse(status.stages);
  for (const auto& journal : journals_)
    if (journal) status.journals.push_back(journal->status());
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    SourceStatus s;
    s.name = sources_[i]->name;
    s.type = sources_[i]->type;
    s.acks = sources_[i]->acks;
    if (i < source_objects_.size()) {
      s.address = source_objects_[i]->address();
      s.upstream = source_objects_[i]->upstream();
    }
    s.node = snapshot(sources_[i]->counters, [&] { return held_by(*sources_[i]); });
    s.admitted = sources_[i]->admitted.load(std::memory_order_relaxed);
    s.refused = sources_[i]->refused.load(std::memory_order_relaxed);
    s.paused =
        std::ranges::any_of(sources_[i]->required, [](SinkNode* sink) { return sink->queue.paused(Priority::normal); });
    s.why = describe_lag(s.upstream, sources_[i]->why());
    if (const auto& source = config_.sources[i]; source.is_consumer() && s.upstream.lags.empty())
      s.why = describe_lag(status.journals, source.journal, source.consumer.name, s.why);
    status.sources.push_back(std::move(s));
  }
  status.links = links();
  status.memory = config_.memory.memory;
  status.footprints = config_.memory.footprints;
  status.budget = budget_.total();
  status.budget_used = budget_.used();
  status.uptime = now - started_;
  status.stopping = stopping_;
  return status;
}

}  // namespace weir::pipeline
