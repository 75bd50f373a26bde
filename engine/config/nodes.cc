#include "config/nodes.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::config {
namespace {

constexpr int most_workers = 1024;
constexpr Load journal_group{65'536, 4_MiB};  // one commit of a journal takes so much
constexpr std::size_t most_outputs = 250;     // of a stage: they are numbered in a byte

/// "sources", "stages" or "sinks": where the entry stands, what it is called in messages, and its types.
template <typename T>
const T* find_type(Reader& reader, Section& section, Node& node, const std::vector<T>& types, std::string_view what) {
  if (!section.value("type", node.type,
                     [](std::string_view text) -> Parsed<std::string> { return std::string(text); })) {
    if (section.node() && !section.find("type"))
      reader.error_at(section.path(), "has no type", "write type: and one of the " + std::string(what) + " types");
    return nullptr;
  }
  std::vector<std::string> known;
  for (const T& type : types) {
    if (type.name == node.type) return &type;
    known.push_back(type.name);
  }
  std::string suggestion = did_you_mean(node.type, known);
  if (suggestion.empty() && !known.empty()) suggestion = "known: " + join(known);
  reader.error_at(section.path("type"), fmt::format("{} is no type of {}", quote(node.type), what),
                  std::move(suggestion));
  return nullptr;
}

/// Finishes the keys that all three have in common; true when the type may be asked about these options.
template <typename T>
bool finish(Reader& reader, Section& section, const T* type, Node& node) {
  if (!type) return false;
  const bool complete = read_options(reader, section, type->options, node.options);
  section.finish();
  return complete;
}

std::string start(Reader& reader, const YamlEntry& entry, std::string_view kind, Node& node) {
  node.name = entry.key;
  node.location = entry.location;
  std::string path = fmt::format("{}.{}", kind, entry.key);
  reader.note(path, entry.location);
  if (entry.value.kind == Yaml::Kind::null) reader.error(entry.location, path, "has no type", "write type: below it");
  return path;
}

Parsed<Priority> parse_priority(std::string_view text) {
  const std::vector<std::string> names{"batch", "low", "normal", "high", "critical"};  // in the order of Priority
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return std::unexpected(Section::not_one_of(text, names));
  return static_cast<Priority>(at - names.begin());
}

void read_priority_from(Section& section, PriorityRule& rule) {
  section.value("from", rule.path, [&](std::string_view text) -> Parsed<std::string> {
    constexpr std::string_view header = "header:";
    if (text.starts_with(header) && text.size() > header.size()) {
      rule.header = text.substr(header.size());
      return std::string();
    }
    if (text.starts_with('.') && text.size() > 1) return std::string(text);
    if (text.starts_with('@'))
      return std::unexpected(
          fmt::format("{} is where events came from, and only expressions of stages read that: write .severity or "
                      "header:X-Priority, "
                      "or give it a source of its own",
                      quote(text)));
    return std::unexpected(
        fmt::format("{} is neither a field nor a header: write .severity or header:X-Priority", quote(text)));
  });
}

void read_priority_map(Reader& reader, Section& section, PriorityRule& rule) {
  const Yaml* node = section.find("map");
  if (!node) {
    for (const std::string_view name : {"batch", "low", "normal", "high", "critical"})
      rule.map.emplace_back(name, *parse_priority(name));
    return;
  }
  Section map(reader, node, section.path("map"));
  if (!map.node()) return;
  for (const YamlEntry& entry : node->entries) {
    Priority priority{};
    if (map.value(entry.key, priority, parse_priority)) rule.map.emplace_back(entry.key, priority);
  }
}

void read_priority(Reader& reader, Section& source, Source& out) {
  const Yaml* node = source.find("priority");
  if (!node) return;
  Section section(reader, node, source.path("priority"));
  read_priority_from(section, out.priorities);
  read_priority_map(reader, section, out.priorities);
  section.value("default", out.priorities.fallback, parse_priority);
  section.finish();
  if (!section.find("from"))
    reader.error_at(section.path(), "says not where the priority is read from",
                    "write from: .severity or from: header:X-Priority");
  out.has_priorities = true;
}

void read_door(Reader& reader, Section& section, const SourceType& type, Source& out) {
  section.choice<Level>("acks", out.acks,
                        {{"accepted", Level::accepted}, {"processed", Level::processed}, {"stored", Level::stored}});
  out.refuse_when_full = type.can.can_refuse;
  if (!section.choice<bool>("when_full", out.refuse_when_full, {{"reject", true}, {"block", false}})) return;
  if (out.refuse_when_full && !type.can.can_refuse)
    reader.error_at(section.path("when_full"), fmt::format("a source of type {} cannot refuse", type.name),
                    "write block");
  if (!out.refuse_when_full && !type.can.can_pause)
    reader.error_at(section.path("when_full"), fmt::format("a source of type {} cannot pause", type.name),
                    "write reject");
}

/// Whether a source gives its events priorities by itself: an option `priorities` that names another one than normal.
bool makes_priorities(const SourceType& type, const Options& options) {
  const auto spec = std::ranges::find(type.options, "priorities", &OptionSpec::name);
  if (spec == type.options.end() || !options.has("priorities")) return false;
  if (spec->kind == OptionKind::texts) return !options.get<std::vector<std::string>>("priorities").empty();
  const std::string& priorities = options.text("priorities");
  return priorities.find(',') != std::string::npos || !priorities.starts_with("normal");
}

void read_workers(Reader& reader, Section& sink, int& workers) {
  const Yaml* node = sink.find("workers");
  if (!node) return;
  if (node->kind == Yaml::Kind::scalar) {
    sink.count("workers", workers, 1, most_workers);
    return;
  }
  Section section(reader, node, sink.path("workers"));
  int least = 1, most = 1;
  const bool least_given = section.count("min", least, 1, most_workers);
  const bool both = section.count("max", most, 1, most_workers) && least_given;
  section.finish();
  if (both && least != most)
    reader.error_at(
        section.path(),
        fmt::format("the number of workers is fixed in this version, but {} to {} is asked for", least, most),
        fmt::format("write workers: {}", most));
  workers = most;
}

void compile_stage(Reader& reader, Section& section, const StageType& type, Stage& stage, Draft& draft) {
  const Context here;  // what is compiled here is asked what it declares, never run
  auto compiled = type.compile(stage.options, here);
  if (compiled && *compiled && (*compiled)->outputs().size() > most_outputs) {
    reader.error_at(section.path(), fmt::format("has more than {} outputs", most_outputs), "use two stages");
    draft.broken.insert(stage.name);
    return;
  }
  if (compiled) {
    stage.plan = std::move(*compiled);
    return;
  }
  draft.broken.insert(stage.name);
  const auto expression = std::ranges::find(type.options, OptionKind::expression, &OptionSpec::kind);
  report_at_option(reader, section.path(), type.options, compiled.error().message,
                   expression == type.options.end() ? std::string() : expression->name);
}

/// "consumer: warehouse", or a map when there is more to say.
void read_consumer(Reader& reader, Section& sink, JournalConsumer& out) {
  const Yaml* node = sink.find("consumer");
  if (!node) return;
  if (node->kind == Yaml::Kind::scalar) {
    sink.name("consumer", out.name);
    return;
  }
  Section section(reader, node, sink.path("consumer"));
  section.name("name", out.name);
  section.choice<bool>("when_behind", out.holds, {{"hold", true}, {"skip", false}});
  section.choice<bool>("start", out.from_newest, {{"oldest", false}, {"newest", true}});
  section.finish();
}

/// What the sink queue of a journal does while the journal is full: what drops segments makes room by itself.
flow::WhenFull policy_in_front(const Options& options) {
  const auto policy = options.get_or<std::string>("when_full", "block");
  return policy == "reject"        ? flow::WhenFull::reject
         : policy == "drop_newest" ? flow::WhenFull::drop_newest
                                   : flow::WhenFull::block;
}

}  // namespace

void report_at_option(Reader& reader, const std::string& part, const std::vector<OptionSpec>& specs,
                      const std::string& message, const std::string& otherwise) {
  const auto colon = message.find(": ");
  const std::string named(colon == std::string::npos ? std::string() : message.substr(0, colon));
  const auto spec = std::ranges::find(specs, part_of(named), &OptionSpec::name);
  const bool found = spec != specs.end() || (!named.empty() && reader.given(part + "." + std::string(part_of(named))));
  const std::string& key = found ? named : otherwise;
  const std::string path = key.empty() ? part : part + "." + key;
  const auto secret = [&](const std::string& hidden) { return path == hidden || path.starts_with(hidden + "."); };
  const bool tells_no_value = spec != specs.end() && spec->secret;
  const bool hidden = !tells_no_value && std::ranges::any_of(reader.secrets(), secret);
  reader.error_at(path, hidden  ? "what the file holds is not what is expected here"
                        : found ? message.substr(colon + 2)
                                : message);
}

/// Without certificates of clients all of them would be one.
void refuse_unknown_subjects(Reader& reader, const Source& source) {
  if (source.options.has("tls_client_ca") && !source.options.text("tls_client_ca").empty()) return;
  for (const Rate& rate : source.guards.rates) refuse_subjects(reader, rate.guard.key, rate.path + ".key");
  if (source.guards.concurrency)
    refuse_subjects(reader, source.guards.concurrency->guard.tenant, source.path() + ".guards.fairness.key");
}

void read_source(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft) {
  Source source;
  Section section(reader, &entry.value, start(reader, entry, "sources", source));
  const SourceType* type = find_type(reader, section, source, catalog.sources(), "source");
  if (type) read_door(reader, section, *type, source);
  read_guards(reader, section, type && type->can.can_refuse ? GuardPosition::door : GuardPosition::intake,
              source.guards);
  read_priority(reader, section, source);
  using OnMalformed = Source::OnMalformed;
  section.choice<OnMalformed>("on_malformed", source.on_malformed,
                              {{"reject", OnMalformed::reject}, {"dead_letter", OnMalformed::dead_letter}});
  section.name("dead_letter", source.dead_letter);
  if (source.on_malformed == OnMalformed::dead_letter && !section.find("dead_letter"))
    reader.error_at(section.path("on_malformed"), "says dead_letter, but no dead_letter is named",
                    "add dead_letter: and the name of a sink");
  if (!finish(reader, section, type, source)) draft.broken.insert(source.name);
  refuse_unknown_subjects(reader, source);
  if (type && makes_priorities(*type, source.options)) source.has_priorities = true;
  draft.config.sources.push_back(std::move(source));
}

void read_stage(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft) {
  Stage stage;
  Section section(reader, &entry.value, start(reader, entry, "stages", stage));
  const StageType* type = find_type(reader, section, stage, catalog.stages(), "stage");
  if (section.node() && !section.names("from", stage.from) && !section.find("from"))
    reader.error_at(section.path(), "has no from", "name the source or stage it reads from");
  section.name("dead_letter", stage.dead_letter);
  if (!finish(reader, section, type, stage)) {
    draft.broken.insert(stage.name);
  } else if (type->compile) {
    compile_stage(reader, section, *type, stage, draft);
  }
  draft.config.stages.push_back(std::move(stage));
}

void read_journal(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft) {
  Sink journal;
  journal.is_journal = true;
  journal.batch.most = journal_group;
  // A failed write concerns this machine's disk, not a remote service that needs time to recover: it is tried again at
  // least once a second.
  journal.destination.breaker.consecutive_failures = 0;
  journal.destination.backoff.base = std::chrono::milliseconds(10);
  journal.destination.backoff.cap = std::chrono::seconds(1);
  Section section(reader, &entry.value, start(reader, entry, "journals", journal));
  const JournalType* type = find_type(reader, section, journal, catalog.journals(), "journal");
  section.names("from", journal.from);
  read_queue(reader, section.find("queue"), section.path("queue"), journal.queue);
  if (reader.given(section.path("queue") + ".when_full"))
    reader.error_at(section.path("queue") + ".when_full", "is not said of the queue: what is full is the journal",
                    fmt::format("write {}", section.path("when_full")));
  if (!finish(reader, section, type, journal)) {
    draft.broken.insert(journal.name);
  } else {
    journal.ack = type->ack(journal.options);
    if (journal.ack != SinkAck::durable && type->why_weaker) journal.why_weaker = type->why_weaker(journal.options);
    journal.room = type->room(journal.options);
    journal.queue.when_full = policy_in_front(journal.options);
  }
  draft.config.sinks.push_back(std::move(journal));
}

void read_sink(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft) {
  Sink sink;
  Section section(reader, &entry.value, start(reader, entry, "sinks", sink));
  const SinkType* type = find_type(reader, section, sink, catalog.sinks(), "sink");
  section.names("from", sink.from);
  section.flag("required", sink.required);
  read_consumer(reader, section, sink.consumer);
  read_workers(reader, section, sink.workers);
  sink.spill.path = "data/spill/" + sink.name;
  read_queue(reader, section.find("queue"), section.path("queue"), sink.queue, &sink.spill);
  read_batch(reader, section.find("batch"), section.path("batch"), sink.batch);
  read_guards(reader, section, GuardPosition::sink, sink.guards);
  fit_to_workers(reader, section.path(), sink.workers, sink.guards);
  read_destination(reader, section, sink.destination);
  using OnFailure = Sink::OnFailure;
  section.choice<OnFailure>("on_failure", sink.on_failure, {{"fail", OnFailure::fail}, {"drop", OnFailure::drop}});
  section.name("dead_letter", sink.dead_letter);
  if (sink.on_failure == OnFailure::drop && !sink.dead_letter.empty())
    reader.error_at(section.path("on_failure"), "drop contradicts dead_letter", "keep one of the two");
  if (!finish(reader, section, type, sink)) {
    draft.broken.insert(sink.name);
  } else {
    if (type->ack) sink.ack = type->ack(sink.options);
    const int most = type->max_workers ? type->max_workers(sink.options) : most_workers;
    if (sink.workers > most)
      reader.error_at(section.path("workers"),
                      fmt::format("{} workers, but a sink of type {} can have {}", sink.workers, type->name, most),
                      fmt::format("write workers: {}", most));
  }
  draft.config.sinks.push_back(std::move(sink));
}

void read_alert_receiver(Reader& reader, const YamlEntry& entry, const Catalog& catalog,
                         std::vector<AlertReceiver>& out) {
  Node node;
  Section section(reader, &entry.value, start(reader, entry, "alerts.receivers", node));
  if (auto why = why_no_name(entry.key); !why.empty()) reader.error(entry.location, "alerts.receivers", std::move(why));
  const SinkType* type = find_type(reader, section, node, catalog.sinks(), "sink");
  if (!finish(reader, section, type, node)) return;
  if (type->make) {
    const Context here;  // it is asked about its options, never run
    report_check(reader, node.name, section.path(), type->options,
                 type->make({node.name, node.options, 0, here})->check());
  }
  out.push_back({std::move(node.name), std::move(node.type), std::move(node.options)});
}

}  // namespace weir::config
