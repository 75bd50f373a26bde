#include <fmt/format.h>

#include <algorithm>

#include "config/checks.h"

namespace weir::config {
namespace {

std::string path_of(const Sink& sink) { return sink.path(); }

struct Names {
  std::vector<std::string> readable, sinks;
  std::map<std::string, std::vector<std::string>, std::less<>> outputs;  // of stages that have named ones
  bool can_be_read(std::string_view name) const { return std::ranges::find(readable, name) != readable.end(); }
  bool is_sink(std::string_view name) const { return std::ranges::find(sinks, name) != sinks.end(); }
};

Names names_of(const Config& config) {
  Names names;
  for (const Source& source : config.sources) names.readable.push_back(source.name);
  for (const Stage& stage : config.stages) {
    names.readable.push_back(stage.name);
    if (!stage.plan) continue;
    if (auto outputs = stage.plan->outputs(); !outputs.empty()) names.outputs[stage.name] = std::move(outputs);
  }
  for (const Sink& sink : config.sinks) {
    names.sinks.push_back(sink.name);
    if (sink.is_journal) names.readable.push_back(sink.name);
  }
  return names;
}

/// A part with named outputs is read by output, and any other as a whole.
void check_output(Reader& reader, const Names& names, const std::string& path, const std::string& from) {
  const std::string part(part_of(from)), output(output_of(from));
  const auto at = names.outputs.find(part);
  if (at == names.outputs.end()) {
    if (!output.empty())
      reader.error_at(path, fmt::format("{} has no named outputs", part), fmt::format("write {}", part));
    return;
  }
  std::vector<std::string> known;
  for (const std::string& name : at->second) known.push_back(part + "." + name);
  if (std::ranges::find(known, from) != known.end()) return;
  std::string suggestion = output.empty() ? std::string() : did_you_mean(from, known);
  if (suggestion.empty()) suggestion = "there are " + join(known);
  reader.error_at(path,
                  output.empty() ? fmt::format("{} has several outputs: say which", part)
                                 : fmt::format("{} has no output {}", part, output),
                  std::move(suggestion));
}

void check_from(Reader& reader, const Names& names, const std::string& path, const std::vector<std::string>& from) {
  for (const std::string& full : from) {
    const std::string name(part_of(full));
    if (names.can_be_read(name)) {
      check_output(reader, names, path + ".from", full);
      continue;
    }
    if (names.is_sink(name)) {
      reader.error_at(path + ".from", fmt::format("{} is a sink, and nothing comes out of a sink", name),
                      "name a source, a stage or a journal");
    } else {
      std::string suggestion = did_you_mean(name, names.readable);
      if (suggestion.empty() && !names.readable.empty() && names.readable.size() <= 8)
        suggestion = "there are " + join(names.readable);
      reader.error_at(path + ".from", fmt::format("there is no source, stage or journal {}", name),
                      std::move(suggestion));
    }
  }
}

/// A dead-letter target: it has to keep what it gets and cannot pass it on.
void check_target(Reader& reader, Config& config, const Names& names, const std::string& path, const std::string& owner,
                  const std::string& name) {
  if (name.empty()) return;
  const auto target = std::ranges::find(config.sinks, name, &Sink::name);
  if (target == config.sinks.end()) {
    const bool other = names.can_be_read(name) && !names.is_sink(name);
    reader.error_at(path, other ? fmt::format("{} is no sink", name) : fmt::format("there is no sink {}", name),
                    other ? "name a sink" : did_you_mean(name, names.sinks));
    return;
  }
  target->is_dead_letter_target = true;
  if (name == owner)
    reader.error_at(path, "a sink cannot be its own dead letter", "name another sink, or leave it out");
  else if (!target->dead_letter.empty())
    reader.error_at(path, fmt::format("{} has a dead_letter of its own, so letters could go round", name),
                    fmt::format("remove sinks.{}.dead_letter", name));
  if (!target->required)
    reader.error_at(path, fmt::format("{} is optional (required: false), so dead letters could be lost there", name),
                    "make it required, or name another sink");
  if (target->queue.when_full == flow::WhenFull::reject)
    reader.error_at(
        path, fmt::format("sinks.{}.queue refuses (when_full: reject), but dead letters have nowhere else to go", name),
        "use block");
}

/// Follows `from` upwards; a stage met again on the way closes a cycle, which is reported where it was first entered.
class Cycles {
 public:
  Cycles(Reader& reader, const Config& config) : reader_(reader) {
    for (const Stage& stage : config.stages) from_[stage.name] = &stage.from;
    for (const Sink& sink : config.sinks)
      if (sink.is_journal) {
        from_[sink.name] = &sink.from;
        journals_.insert(sink.name);
      }
    for (const Stage& stage : config.stages) visit(stage.name);
    for (const std::string& journal : journals_) visit(journal);
  }
  bool found() const { return found_; }

 private:
  void visit(const std::string& name) {
    const auto at = from_.find(name);
    if (at == from_.end() || done_.contains(name)) return;
    if (const auto again = std::ranges::find(way_, name); again != way_.end()) {
      std::vector<std::string> cycle(again, way_.end());
      std::ranges::reverse(cycle);  // the way events go
      cycle.push_back(cycle.front());
      std::string text;
      for (const std::string& part : cycle) text += (text.empty() ? "" : " -> ") + part;
      reader_.error_at((journals_.contains(name) ? "journals." : "stages.") + name + ".from",
                       "events would go round for ever: " + text, "cut one of these");
      found_ = true;
      return;
    }
    way_.push_back(name);
    for (const std::string& before : *at->second) visit(std::string(part_of(before)));
    way_.pop_back();
    done_.insert(name);
  }

  Reader& reader_;
  std::map<std::string, const std::vector<std::string>*> from_;
  std::vector<std::string> way_;
  std::set<std::string> done_, journals_;
  bool found_ = false;
};

}  // namespace

bool check_names(Reader& reader, Config& config) {
  const std::size_t errors = reader.errors();
  const Names names = names_of(config);
  for (const Stage& stage : config.stages) check_from(reader, names, "stages." + stage.name, stage.from);
  for (const Sink& sink : config.sinks) check_from(reader, names, path_of(sink), sink.from);
  const Cycles cycles(reader, config);
  bool sound = reader.errors() == errors;
  for (const Source& source : config.sources)
    check_target(reader, config, names, "sources." + source.name + ".dead_letter", source.name, source.dead_letter);
  for (const Stage& stage : config.stages)
    check_target(reader, config, names, "stages." + stage.name + ".dead_letter", stage.name, stage.dead_letter);
  for (const Sink& sink : config.sinks)
    check_target(reader, config, names, path_of(sink) + ".dead_letter", sink.name, sink.dead_letter);
  for (const Sink& sink : config.sinks)
    if (sink.from.empty() && !sink.is_dead_letter_target && !reader.given(path_of(sink) + ".from"))
      reader.error_at(path_of(sink), "nothing leads here",
                      "add from: and a source or stage, or name it as a dead_letter");
  if (config.sources.empty() && config.gateways.empty())
    reader.error_at("", "there are no sources, so nothing would ever happen", "add sources: or gateways:");
  return sound;
}

}  // namespace weir::config
