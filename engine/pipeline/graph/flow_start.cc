// From graph to running flow: everything is opened, downstream first; then the threads begin.
#include <boost/asio/post.hpp>

#include <algorithm>

#include "config/checks.h"
#include "log/log.h"
#include "pipeline/entry/merge_intake.h"
#include "pipeline/graph/flow.h"
#include "pipeline/graph/left_spills.h"
#include "pipeline/graph/own_address.h"
#include "pipeline/graph/running.h"

namespace weir::pipeline {
namespace {

/// Puts the name in front of a message that does not have it yet. A sink's messages have it, because they are also
/// logged while it runs.
std::unexpected<Error> named(const std::string& part, Error error) {
  if (!error.message.starts_with(part)) error.message.insert(0, part);
  return std::unexpected(std::move(error));
}

}  // namespace

Result<void> Flow::start() {
  WEIR_CHECK(lifecycle_.state() == FlowState::built);
  if (auto opened = open_all(); !opened) {
    stop(Duration{0});
    return opened;
  }
  lifecycle_.enter(FlowState::opened);
  for (auto& sink : sinks_)
    if (sink->spill) sink->spill->start();
  for (auto& w : workers_) w.thread = std::thread([worker = w.worker.get()] { worker->run(); });
  for (auto& running : running_) boost::asio::post(running->reactor->io(), [r = running.get()] { r->intake->start(); });
  for (auto& reactor : reactors_) reactor->start();
  lifecycle_.enter(FlowState::running);
  return {};
}

Result<void> Flow::open_all() {
  {
    std::lock_guard lock(structure_);
    started_ = context_.now();
    journals_.resize(config_.sinks.size());
  }
  for (int i = 0; i < config_.reactors; ++i)
    reactors_.push_back(std::make_unique<net::Reactor>("reactor-" + std::to_string(i)));
  for (const auto& source : sources_) {
    std::vector<net::Reactor*> all;
    for (const auto& reactor : reactors_) all.push_back(reactor.get());
    source->watch(std::move(all));
  }
  if (auto others = config::check_own_addresses(config_, reaches); !others) return others;
  for (const auto open : {&Flow::open_journals, &Flow::open_spills, &Flow::open_sinks, &Flow::open_sources})
    if (auto opened = (this->*open)(); !opened) return opened;
  return begin_to_open("");
}

/// Between two parts a start can be given up, and whoever asks is told which of them it waits for.
Result<void> Flow::begin_to_open(const std::string& part) {
  if (start_given_up_) return failure("told to stop before it had started");
  lifecycle_.doing(part.empty() ? part : "opening " + part);
  return {};
}

Result<void> Flow::open_journals() {
  for (std::size_t i = 0; i < config_.sinks.size(); ++i) {
    const auto& sink = config_.sinks[i];
    if (!sink.is_journal) continue;
    if (auto may = begin_to_open("journal " + sink.name); !may) return may;
    std::vector<JournalConsumer> consumers;
    for (const auto& source : config_.sources)
      if (source.journal == sink.name) consumers.push_back(source.consumer);
    auto journal = catalog_.journal(sink.type)->make({sink.name, sink.options, context_});
    if (auto opened = journal->open(consumers); !opened)
      return failure("journal " + sink.name + ": " + opened.error().message, opened.error().kind);
    std::lock_guard lock(structure_);
    journals_[i] = std::move(journal);
  }
  return {};
}

Result<void> Flow::open_spills() {
  for (const auto& sink : sinks_) {
    if (!sink->spill) continue;
    if (auto may = begin_to_open("what sink " + sink->name + " has spilled"); !may) return may;
    if (auto opened = sink->spill->open(); !opened)
      return failure("sink " + sink->name + ": spill: " + opened.error().message, opened.error().kind);
  }
  if (auto may = begin_to_open("what sinks that are gone have spilled"); !may) return may;
  for (const auto& line : left_spills(journal::system_disk(), config_)) log::warn("{}", line);
  return {};
}

Journal& Flow::journal(std::string_view name) {
  const auto at = std::ranges::find(config_.sinks, name, &config::Sink::name) - config_.sinks.begin();
  return *journals_[static_cast<std::size_t>(at)];
}

Result<std::unique_ptr<Sink>> Flow::open_sink(const config::Sink& sink, int worker) {
  auto object = sink.is_journal ? journal(sink.name).writer()
                                : catalog_.sink(sink.type)->make({sink.name, sink.options, worker, context_});
  if (auto opened = object->open(); !opened) return named("sink " + sink.name + ": ", opened.error());
  return object;
}

Result<void> Flow::open_sinks() {
  for (std::size_t i = 0; i < config_.sinks.size(); ++i) {
    const auto& sink = config_.sinks[i];
    for (int n = 0; n < sink.workers; ++n) {
      if (auto may = begin_to_open("sink " + sink.name); !may) return may;
      auto object = open_sink(sink, n);
      if (!object) return std::unexpected(std::move(object.error()));
      auto worker = std::make_unique<Worker>(*sinks_[i], std::move(*object), context_);
      if (sinks_[i]->dead_letters) sinks_[i]->dead_letters->queue.add_listener(*worker);
      workers_.push_back({sinks_[i].get(), std::move(worker), {}});
    }
  }
  return {};
}

Result<void> Flow::open_sources() {
  for (std::size_t i = 0; i < config_.sources.size(); ++i) {
    const auto& source = config_.sources[i];
    if (auto may = begin_to_open("source " + source.name); !may) return may;
    if (source.is_consumer()) {
      // A consumer has a thread of its own, so that no other part waits for its disk or its sink.
      reactors_.push_back(std::make_unique<net::Reactor>("consumer-" + source.only_to));
      net::Reactor& reactor = *reactors_.back();
      auto reader = journal(source.journal).reader(source.consumer.name);
      if (auto opened = reader->open(); !opened) return named("source " + source.name + ": ", opened.error());
      run(*sources_[i], reactor, [&](SourceOutput& output) { return reader->intake({reactor.io(), 0, output}); });
      add(std::move(reader));
      continue;
    }
    const bool keep_malformed = source.on_malformed == config::Source::OnMalformed::dead_letter;
    auto object = catalog_.source(source.type)
                      ->make({source.name, source.options, source.acks, source.priorities, context_, keep_malformed});
    if (auto opened = object->open(); !opened) return named("source " + source.name + ": ", opened.error());
    for (std::size_t r = 0; r < static_cast<std::size_t>(config_.reactors); ++r)
      run(*sources_[i], *reactors_[r],
          [&](SourceOutput& output) { return object->intake({reactors_[r]->io(), static_cast<int>(r), output}); });
    add(std::move(object));
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
  std::lock_guard lock(structure_);
  running_.push_back(std::move(running));
}

void Flow::add(std::unique_ptr<Source> source) {
  std::lock_guard lock(structure_);
  source_objects_.push_back(std::move(source));
}

}  // namespace weir::pipeline
