// What changes in a flow while it runs (semantics H2).
#include <algorithm>

#include "pipeline/graph/flow.h"
#include "pipeline/graph/running.h"

namespace weir::pipeline {
namespace {

/// Of a part that has something to say.
void say(std::vector<Flow::Said>& lines, const std::string& part, const Result<std::string>& did) {
  if (did && did->empty()) return;
  Flow::Said said{did.has_value(), part + (did ? " " + *did : ": " + did.error().message)};
  if (std::ranges::find(lines, said) == lines.end()) lines.push_back(std::move(said));  // once for all its workers
}

}  // namespace

Result<void> Flow::reload(const config::Config& next) {
  struct Replacement {
    Worker* worker;
    std::unique_ptr<Sink> sink;
  };
  std::vector<Replacement> replacements;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (next.sinks[i].options == config_.sinks[i].options) continue;
    int number = 0;
    for (auto& w : workers_) {
      if (w.node != sinks_[i].get()) continue;
      auto opened = open_sink(next.sinks[i], number++);
      if (!opened) return std::unexpected(std::move(opened.error()));
      replacements.push_back({w.worker.get(), std::move(*opened)});
    }
  }
  for (auto& replacement : replacements) replacement.worker->replace(std::move(replacement.sink));
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (next.sinks[i].options != config_.sinks[i].options) config_.sinks[i].options = next.sinks[i].options;
    sinks_[i]->reconfigure(next.sinks[i]);
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    sources_[i]->set_refuse_when_full(next.sources[i].refuse_when_full);
    sources_[i]->reconfigure(next.sources[i].guards);
    if (next.sources[i].options == config_.sources[i].options) continue;
    config_.sources[i].options = next.sources[i].options;
    source_objects_[i]->take_secrets(next.sources[i].options);
  }
  return {};
}

std::vector<Flow::Said> Flow::on_hangup(std::string_view only) {
  std::vector<Said> lines;
  const auto is_meant = [&](std::string_view name) { return only.empty() || only == name; };
  for (std::size_t i = 0; i < source_objects_.size(); ++i)
    if (is_meant(sources_[i]->name) || is_meant(config_.sources[i].root()))
      say(lines, "source " + sources_[i]->name, source_objects_[i]->on_hangup());
  for (auto& w : workers_)
    if (is_meant(w.node->name)) say(lines, "sink " + w.node->name, w.worker->on_hangup());
  return lines;
}

}  // namespace weir::pipeline
