#pragma once
/// The components that a flow can be built from. main() makes one Catalog and calls every connector's `add_to`
/// (generated from the folders of connectors/); the configuration, `weir check`, the promise matrix and the conformance
/// kit read it.
///
/// A component declares what it can promise as a function of its options, so `weir check` knows every level and every
/// footprint before anything is opened.
///
/// Thread: filled once at start, then read only. Cost: a linear look-up by name.
#include <weir/component/journal.h>
#include <weir/component/options.h>
#include <weir/component/sink.h>
#include <weir/component/source.h>
#include <weir/component/stage.h>
#include <weir/flow/demand/fate.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How the configuration gives events of a source their priority: by a header, or by a field with a map.
struct PriorityRule {
  std::string header;  ///< "header:NAME"
  std::string path;    ///< ".severity"
  std::vector<std::pair<std::string, Priority>> map;
  Priority fallback = Priority::normal;
  bool from_header() const { return !header.empty(); }
  bool from_body() const { return !path.empty(); }
  Priority of(std::string_view value) const {
    for (const auto& [text, priority] : map)
      if (text == value) return priority;
    return fallback;
  }
};

struct SourceSetup {
  std::string name;
  const Options& options;
  Level acks = Level::accepted;
  PriorityRule priorities;
  const Context& context;
  bool keep_malformed = false;  ///< on_malformed: dead_letter: what is not JSON goes to the dead letters, the rest on
};

struct SourceType {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  Capabilities can;
  Level strongest = Level::accepted;  ///< the strongest `acks` it can give its sender
  bool makes_lines = false;           ///< each of its events is JSON, or holds no line feed
  Attributes origin{};                ///< what its events carry besides @source and @received
  bool tells_lag = false;             ///< it knows how much waits where it reads (Source::upstream)
  /// Its memory per reactor count: connections, buffers.
  std::function<std::vector<Footprint>(const Options&, int reactors)> footprint;
  std::function<std::unique_ptr<Source>(const SourceSetup&)> make;
};

struct StageType {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Compiles what the options hold; the error is shown at the option it names, or at the stage's first expression.
  std::function<Result<std::shared_ptr<StagePlan>>(const Options&, const Context&)> compile;
};

struct SinkSetup {
  std::string name;
  const Options& options;
  int worker = 0;
  const Context& context;
};

/// Which events a sink may refuse for good.
enum class Refuses : std::uint8_t {
  any,         ///< that is the other side's to say
  line_feeds,  ///< what is not JSON and holds a line feed
  none,
};

struct SinkType {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  std::function<Refuses(const Options&)> refuses;  ///< absent: any
  std::function<SinkAck(const Options&)> ack;
  std::function<int(const Options&)> max_workers;
  bool idempotent = false;  ///< with its default options, delivering an event again does not double it
  std::function<std::vector<Footprint>(const Options&, Load batch)> footprint;  ///< of one worker
  std::function<std::unique_ptr<Sink>(const SinkSetup&)> make;
};

class Catalog {
 public:
  void add(SourceType t) { sources_.push_back(std::move(t)); }
  void add(StageType t) { stages_.push_back(std::move(t)); }
  void add(SinkType t) { sinks_.push_back(std::move(t)); }
  /// Its two sides are found as the source and the sink "journal NAME"; the journal itself makes them.
  void add(JournalType t) {
    SourceType reads;
    reads.name = "journal " + t.name;
    reads.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
    reads.strongest = Level::stored;
    SinkType writes;
    writes.name = reads.name;
    writes.ack = t.ack;
    writes.max_workers = [](const Options&) { return 1; };
    journal_sources_.push_back(std::move(reads));
    journal_sinks_.push_back(std::move(writes));
    journals_.push_back(std::move(t));
  }
  const SourceType* source(std::string_view name) const {
    const SourceType* type = find(sources_, name);
    return type ? type : find(journal_sources_, name);
  }
  const StageType* stage(std::string_view name) const { return find(stages_, name); }
  const SinkType* sink(std::string_view name) const {
    const SinkType* type = find(sinks_, name);
    return type ? type : find(journal_sinks_, name);
  }
  const JournalType* journal(std::string_view name) const { return find(journals_, name); }
  const std::vector<SourceType>& sources() const { return sources_; }
  const std::vector<StageType>& stages() const { return stages_; }
  const std::vector<SinkType>& sinks() const { return sinks_; }
  const std::vector<JournalType>& journals() const { return journals_; }

 private:
  template <typename T>
  static const T* find(const std::vector<T>& types, std::string_view name) {
    for (const T& t : types)
      if (t.name == name) return &t;
    return nullptr;
  }
  std::vector<SourceType> sources_;
  std::vector<StageType> stages_;
  std::vector<SinkType> sinks_;
  std::vector<JournalType> journals_;
  std::vector<SourceType> journal_sources_;
  std::vector<SinkType> journal_sinks_;
};

/// Defined in the file that CMake generates from the folders of connectors/.
void add_all_connectors(Catalog& catalog);

}  // namespace weir
