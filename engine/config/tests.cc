#include "config/tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/reader.h"
#include "config/yaml_json.h"

namespace weir::config {
namespace {

constexpr std::size_t most_cases = 1000, most_events = 10'000, longest_test_name = 200;
constexpr Duration longest_advance = std::chrono::days(1);
const std::vector<std::pair<std::string, Priority>> priorities{{"batch", Priority::batch},
                                                               {"low", Priority::low},
                                                               {"normal", Priority::normal},
                                                               {"high", Priority::high},
                                                               {"critical", Priority::critical}};
const std::vector<std::pair<std::string, std::optional<Fate>>> fates{
    {"stored", Fate::stored},   {"filtered", Fate::filtered}, {"dead_lettered", Fate::dead_lettered},
    {"dropped", Fate::dropped}, {"failed", Fate::failed},     {"pending", std::nullopt}};

template <typename Parts>
std::vector<std::string> names_of(const Parts& parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(part.name);
  return names;
}

class TestReader {
 public:
  TestReader(Reader& reader, const Config& config)
      : reader_(reader),
        config_(config),
        json_(reader.options()),
        sources_(names_of(config.sources)),
        sinks_(names_of(config.sinks)) {}

  TestCase read(const Yaml& node, const std::string& path);

 private:
  void read_name(Section& section, TestCase& test);
  void read_steps(const Yaml* node, const std::string& path, const SourceLocation& otherwise, TestCase& test);
  TestStep read_step(const Yaml& node, const std::string& path);
  void read_event(Section& section, const SourceLocation& location, TestStep& step);
  void read_expect(Section& test_section, TestCase& test);
  ExpectedSink read_sink(const YamlEntry& entry, const std::string& path);
  void read_events(const Yaml& node, const std::string& path, ExpectedSink& sink);
  ExpectedEvent read_expected(const Yaml& node, const std::string& path);
  void read_fate(const YamlEntry& entry, const std::string& path, std::vector<ExpectedFate>& all);
  std::optional<std::uint64_t> read_count(const Yaml& node, const std::string& path);
  std::optional<Priority> read_priority(Section& section);
  void no_list(const Yaml& node, const std::string& path, const char* of) {
    reader_.error(node.location, path, "is no list", fmt::format("write {}, each after a dash", of));
  }

  Reader& reader_;
  const Config& config_;
  YamlToJson json_;
  const std::vector<std::string> sources_, sinks_;
  std::map<std::string, SourceLocation> names_;
};

TestCase TestReader::read(const Yaml& node, const std::string& path) {
  TestCase test;
  test.location = node.location;
  Section section(reader_, &node, path);
  if (!section.node()) {
    if (node.kind == Yaml::Kind::null) reader_.error(node.location, path, "is empty", "write name, events and expect");
    return test;
  }
  read_name(section, test);
  if (const Yaml* requests = section.find("requests")) {
    test.requests = read_request_steps(reader_, json_, config_, *requests, section.path("requests"));
    section.finish();
    return test;
  }
  read_steps(section.find("events"), path + ".events", node.location, test);
  read_expect(section, test);
  section.flag("finish", test.finish);
  section.finish();
  return test;
}

void TestReader::read_name(Section& section, TestCase& test) {
  const Yaml* node = section.find("name");
  if (!node) return reader_.error(test.location, section.path(), "has no name", "give it one: name: what is to happen");
  const auto text = reader_.text(*node, section.path("name"));
  if (!text) return;
  test.name = text->value;
  const auto [first, fresh] = names_.emplace(test.name, node->location);
  if (test.name.empty() || test.name.size() > longest_test_name)
    reader_.error(node->location, section.path("name"), fmt::format("write 1 to {} bytes", longest_test_name));
  else if (!fresh)
    reader_.error(node->location, section.path("name"),
                  fmt::format("the name is already used at {}", to_text(first->second)), "choose another");
}

void TestReader::read_steps(const Yaml* node, const std::string& path, const SourceLocation& otherwise,
                            TestCase& test) {
  if (!node) return reader_.error(otherwise, path, "is missing", "list what comes in; [] for nothing");
  if (node->kind != Yaml::Kind::list) return no_list(*node, path, "what comes in");
  Duration all{0};
  std::size_t events = 0;
  for (const Yaml& item : node->items) {
    const std::string at = fmt::format("{}[{}]", path, test.steps.size() + 1);
    test.steps.push_back(read_step(item, at));
    all += test.steps.back().advance;
    events += !test.steps.back().into.empty();
    if (events > most_events)
      return reader_.error(item.location, at, fmt::format("more than {} events in one case", most_events));
    if (all > longest_advance)
      return reader_.error(item.location, at, "time moves more than a day in one case", "make the case shorter");
  }
}

TestStep TestReader::read_step(const Yaml& node, const std::string& path) {
  TestStep step;
  Section section(reader_, &node, path);
  if (section.node() && section.find("advance")) {
    section.value("advance", step.advance, [](std::string_view text) -> Parsed<Duration> {
      const auto d = parse_duration(text);
      if (d && *d > longest_advance) return std::unexpected("at most 24h in one case");
      return d;
    });
  } else if (section.node()) {
    read_event(section, node.location, step);
  }
  section.finish();
  return step;
}

void TestReader::read_event(Section& section, const SourceLocation& location, TestStep& step) {
  step.priority = read_priority(section);
  const bool named = section.value("into", step.into, [this](std::string_view text) -> Parsed<std::string> {
    if (std::ranges::find(sources_, text) != sources_.end()) return std::string(text);
    return std::unexpected(Section::not_one_of(text, sources_));
  });
  const Yaml* event = section.find("event");
  if (!named && !section.find("into"))
    reader_.error(location, section.path(), "does not say where it goes", "write into: SOURCE, or advance: 10s");
  if (!event) return reader_.error(location, section.path(), "has no event", "write event: { ... }, or event: 'text'");
  step.event = event->kind == Yaml::Kind::scalar ? event->text : json_.json(*event);
}

std::optional<Priority> TestReader::read_priority(Section& section) {
  Priority priority{};
  return section.choice("priority", priority, priorities) ? std::optional(priority) : std::nullopt;
}

void TestReader::read_expect(Section& test_section, TestCase& test) {
  const Yaml* node = test_section.find("expect");
  Section section(reader_, node, test_section.path("expect"));
  section.flag("only", test.only);
  const Section sinks(reader_, section.find("sinks"), section.path("sinks"));
  if (sinks.node())
    for (const YamlEntry& entry : sinks.node()->entries) test.sinks.push_back(read_sink(entry, sinks.path(entry.key)));
  const Section counts(reader_, section.find("fates"), section.path("fates"));
  if (counts.node())
    for (const YamlEntry& entry : counts.node()->entries) read_fate(entry, counts.path(entry.key), test.fates);
  const bool some =
      (sinks.node() && !sinks.node()->entries.empty()) || (counts.node() && !counts.node()->entries.empty());
  if (!some && !test.only)
    reader_.error(node ? node->location : test.location, section.path(), "expects nothing",
                  "write sinks: { SINK: [ ... ] }, fates: { stored: 1 } or only: true");
  section.finish();
}

ExpectedSink TestReader::read_sink(const YamlEntry& entry, const std::string& path) {
  ExpectedSink sink{.name = entry.key};
  if (std::ranges::find(sinks_, entry.key) == sinks_.end())
    reader_.error(entry.location, path, Section::not_one_of(entry.key, sinks_));
  if (entry.value.kind != Yaml::Kind::map) {
    read_events(entry.value, path, sink);
    return sink;
  }
  Section section(reader_, &entry.value, path);
  if (const Yaml* count = section.find("count")) sink.count = read_count(*count, section.path("count"));
  sink.priority = read_priority(section);
  if (const Yaml* events = section.find("events")) read_events(*events, section.path("events"), sink);
  section.flag("any_order", sink.any_order);
  if (!section.find("count") && !section.find("events"))
    reader_.error(entry.location, path, "expects nothing", "write a list of events, or count: N");
  section.finish();
  return sink;
}

void TestReader::read_events(const Yaml& node, const std::string& path, ExpectedSink& sink) {
  if (node.kind != Yaml::Kind::list) return no_list(node, path, "the events");
  sink.listed = true;
  for (const Yaml& item : node.items)
    sink.events.push_back(read_expected(item, fmt::format("{}[{}]", path, sink.events.size() + 1)));
}

/// `{ event: ..., priority: ... }` is an event with its priority, whatever members events have.
ExpectedEvent TestReader::read_expected(const Yaml& node, const std::string& path) {
  const auto has = [](const Yaml& map, std::string_view key) {
    return std::ranges::find(map.entries, key, &YamlEntry::key) != map.entries.end();
  };
  if (has(node, "event") && node.entries.size() == (has(node, "priority") ? 2u : 1u)) {
    Section section(reader_, &node, path);
    ExpectedEvent inner = read_expected(*section.find("event"), section.path("event"));
    inner.priority = read_priority(section);
    return inner;
  }
  if (node.kind == Yaml::Kind::scalar) return {.exact = true, .text = node.text};
  return {.text = json_.json(node)};
}

void TestReader::read_fate(const YamlEntry& entry, const std::string& path, std::vector<ExpectedFate>& all) {
  const auto known = std::ranges::find(fates, entry.key, &std::pair<std::string, std::optional<Fate>>::first);
  if (known == fates.end()) {
    std::vector<std::string> words;
    for (const auto& [word, fate] : fates) words.push_back(word);
    return reader_.error(entry.location, path, Section::not_one_of(entry.key, words));
  }
  const auto add = [&](const Yaml& node, const std::string& at, std::optional<Reason> reason) {
    if (const auto n = read_count(node, at)) all.push_back({known->second, reason, *n});
  };
  if (entry.value.kind != Yaml::Kind::map) return add(entry.value, path, std::nullopt);
  if (known->second != Fate::dropped && known->second != Fate::failed)
    return reader_.error(entry.value.location, path, "is counted without reasons", "write a number");
  for (const YamlEntry& row : entry.value.entries) {
    const std::string at = path + "." + row.key;
    const auto reason = reason_from_key(row.key);
    if (reason)
      add(row.value, at, reason);
    else
      reader_.error(row.location, at, quote(row.key) + " is no reason", "`weir explain` lists them all");
  }
}

std::optional<std::uint64_t> TestReader::read_count(const Yaml& node, const std::string& path) {
  const auto text = reader_.text(node, path);
  const auto n = text ? parse_count(text->value) : std::unexpected(std::string());
  if (text && !n) reader_.error(node.location, path, n.error());
  return n ? std::optional(*n) : std::nullopt;
}

}  // namespace

std::vector<TestCase> read_tests(Reader& reader, const Yaml* node, const Config& config) {
  std::vector<TestCase> all;
  if (!node || node->kind == Yaml::Kind::null) return all;
  if (node->kind != Yaml::Kind::list) {
    reader.error(node->location, "tests", "is no list", "write the cases, each after a dash");
    return all;
  }
  TestReader tests(reader, config);
  for (const Yaml& item : node->items) {
    const std::string path = fmt::format("tests[{}]", all.size() + 1);
    if (all.size() == most_cases) {
      reader.error(item.location, path, fmt::format("more than {} cases", most_cases));
      break;
    }
    all.push_back(tests.read(item, path));
  }
  return all;
}

}  // namespace weir::config
