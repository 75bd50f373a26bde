#include "config/load.h"

#include <fmt/format.h>
#include <weir/component/tls_options.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <tuple>

#include "config/checks.h"
#include "config/memory.h"
#include "config/nodes.h"
#include "config/scenarios.h"
#include "config/tests.h"

namespace weir::config {
namespace {

constexpr std::size_t most_parts = 256;
constexpr int most_reactors = 64;
constexpr std::array<std::string_view, 4> sections{"sources", "stages", "journals", "sinks"};

/// A map by names, of which each file may add some.
bool is_section(std::string_view key) {
  return std::ranges::find(sections, key) != sections.end() || key == "gateways" || key == "upstreams" ||
         key == "scenarios";
}

YamlEntry* find(Yaml& map, std::string_view key) {
  const auto at = std::ranges::find(map.entries, key, &YamlEntry::key);
  return at == map.entries.end() ? nullptr : &*at;
}

void defined_twice(std::vector<Problem>& problems, const YamlEntry& again, const YamlEntry& first,
                   const std::string& path) {
  problems.push_back({again.location, path, fmt::format("is already defined at {}", to_text(first.location)),
                      "keep one of the two", false});
}

/// Puts what a further file says below what the others said.
void merge(Yaml& into, Yaml&& from, std::vector<Problem>& problems) {
  if (from.kind == Yaml::Kind::null) return;
  if (from.kind != Yaml::Kind::map) {
    problems.push_back(
        {from.location, {}, "is no map of sources, stages, journals and sinks", "write key: value pairs", false});
    return;
  }
  if (into.kind == Yaml::Kind::null) into = {Yaml::Kind::map, {}, from.location, {}, {}};
  for (YamlEntry& entry : from.entries) {
    YamlEntry* first = find(into, entry.key);
    if (!first) {
      into.entries.push_back(std::move(entry));
    } else if (entry.key == "tests" && first->value.kind == Yaml::Kind::list && entry.value.kind == Yaml::Kind::list) {
      std::ranges::move(entry.value.items, std::back_inserter(first->value.items));
    } else if (!is_section(entry.key) || first->value.kind != Yaml::Kind::map || entry.value.kind != Yaml::Kind::map) {
      defined_twice(problems, entry, *first, entry.key);
    } else {
      for (YamlEntry& part : entry.value.entries) {
        if (const YamlEntry* same = find(first->value, part.key))
          defined_twice(problems, part, *same, entry.key + "." + part.key);
        else
          first->value.entries.push_back(std::move(part));
      }
    }
  }
}

/// Names are shared by all sections, because `from` does not say which it means.
void read_parts(Reader& reader, Section& root, const Catalog& catalog, Draft& draft) {
  using Read = void (*)(Reader&, const YamlEntry&, const Catalog&, Draft&);
  constexpr std::array<Read, 4> read{read_source, read_stage, read_journal, read_sink};
  std::map<std::string, SourceLocation> names;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const std::string section(sections[i]);
    const Section map(reader, root.find(section), section);
    if (!map.node()) continue;
    for (const YamlEntry& entry : map.node()->entries) {
      const std::string path = section + "." + entry.key;
      const auto [first, fresh] = names.emplace(entry.key, entry.location);
      if (auto why = why_no_name(entry.key); !why.empty())
        reader.error(entry.location, section, std::move(why));
      else if (!fresh)
        reader.error(entry.location, path, fmt::format("the name is already used at {}", to_text(first->second)),
                     "choose another");
      else if (names.size() > most_parts)
        return reader.error(entry.location, path, fmt::format("more than {} parts", most_parts));
      else
        read[i](reader, entry, catalog, draft);
    }
  }
}

/// An address in numbers that is not the loopback's.
bool is_reachable_from_outside(std::string_view listen) {
  const std::string_view host = listen.substr(0, listen.rfind(':'));
  if (host.starts_with('[')) return host != "[::1]";
  return !host.empty() && host.find_first_not_of("0123456789.") == host.npos && !host.starts_with("127.");
}

void read_admin(Reader& reader, Section& root, Admin& admin) {
  const Yaml* node = root.find("admin");
  Section section(reader, node, "admin");
  const Yaml* listen = section.find("listen");
  std::vector<OptionSpec> specs = auth_options();
  specs.push_back({.name = "listen", .kind = OptionKind::address, .help = "where to listen, as HOST:PORT"});
  specs.push_back({.name = "hosts", .kind = OptionKind::texts, .help = "further Host names it answers to"});
  specs.push_back({.name = "insecure", .kind = OptionKind::boolean, .help = "whether other machines may reach it"});
  std::ranges::copy(tls_options(), std::back_inserter(specs));
  Options options;
  if (listen && listen->kind == Yaml::Kind::scalar && listen->text.empty()) {
    admin.listen.clear();
  } else if (read_options(reader, section, specs, options)) {
    admin.by_default = !options.has("listen");
    admin.listen = options.get_or<std::string>("listen", admin.listen);
    admin.hosts = options.get_or<std::vector<std::string>>("hosts", {});
    admin.insecure = options.get_or<bool>("insecure", false);
    admin.logins = logins_of(options);
    admin.tls_certificate = options.get_or<std::string>("tls_certificate", "");
    admin.tls_key = options.get_or<std::string>("tls_key", "");
    admin.tls_client_ca = options.get_or<std::string>("tls_client_ca", "");
    admin.tls_client_names = options.get_or<std::vector<std::string>>("tls_client_names", {});
    if (const auto fit = check_auth(options); !fit) report_at_option(reader, "admin", specs, fit.error().message);
    if (const auto fit = check_tls(options); !fit) report_at_option(reader, "admin", specs, fit.error().message);
    const bool asks = admin.logins != Logins{} || !admin.tls_client_ca.empty();
    if (listen && !admin.insecure && !asks && is_reachable_from_outside(admin.listen))
      reader.error(listen->location, "admin.listen",
                   fmt::format("whoever reaches {} reads metrics and events without a password", admin.listen),
                   "listen on 127.0.0.1, ask for tokens with `auth_bearer`, or say `insecure: true`");
  }
  section.finish();
}

void read_log(Reader& reader, Section& root, LogForm& log) {
  using Level = LogForm::Level;
  Section section(reader, root.find("log"), "log");
  section.choice("level", log.level,
                 {{"debug", Level::debug}, {"info", Level::info}, {"warn", Level::warn}, {"error", Level::error}});
  section.choice("format", log.json, {{"text", false}, {"json", true}});
  section.choice("time", log.local_time, {{"utc", false}, {"local", true}});
  section.finish();
}

void read_memory(Reader& reader, Section& root, MemoryTable& table) {
  std::optional<Bytes> size;  // nothing: auto
  const auto size_or_auto = [](std::string_view text) -> Parsed<std::optional<Bytes>> {
    if (text == "auto") return std::optional<Bytes>();
    const auto parsed = parse_size(text);
    return parsed ? Parsed<std::optional<Bytes>>(*parsed) : std::unexpected(parsed.error());
  };
  if (!root.value("memory", size, size_or_auto) && root.find("memory"))
    size = Bytes(1ull << 50);  // reported already; the sum is made as if there were enough
  table.automatic = !size;
  table.memory = size.value_or(automatic_memory(reader.options().machine_memory));
}

void read_process(Reader& reader, Section& root, Config& config) {
  read_memory(reader, root, config.memory);
  const auto reactors = [](std::string_view text) -> Parsed<std::uint64_t> {
    if (text == "auto") return 0;
    const auto parsed = Section::ranged(text, 1, most_reactors);
    return parsed ? parsed : std::unexpected(parsed.error() + ", or auto");
  };
  std::uint64_t count = 0;
  root.value("reactors", count, reactors);
  config.automatic_reactors = count == 0;
  config.reactors = count > 0 ? static_cast<int>(count) : std::clamp(reader.options().cores / 2, 1, 8);
  root.duration("drain_deadline", config.drain_deadline);
  if (root.size("batch_bytes", config.batch_bytes, 4_KiB) && config.batch_bytes > 1_MiB)
    reader.error_at("batch_bytes", fmt::format("{} is too much: at most 1MiB", to_text(config.batch_bytes)));
}

/// In reading order: file, line, column; what was found first at the same place stays first.
void sort_by_place(std::vector<Problem>& problems, const std::vector<std::string>& files) {
  std::vector<std::tuple<std::size_t, int, int, std::size_t>> order;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const SourceLocation& location = problems[i].location;
    const auto file = static_cast<std::size_t>(std::ranges::find(files, location.file) - files.begin());
    order.emplace_back(file, location.line, location.column, i);
  }
  std::ranges::sort(order);
  std::vector<Problem> sorted;
  for (const auto& [file, line, column, i] : order) sorted.push_back(std::move(problems[i]));
  problems = std::move(sorted);
}

/// Where to put what is rehearsed and does not run.
struct Rehearsed {
  std::vector<TestCase>* tests = nullptr;
  std::vector<Scenario>* scenarios = nullptr;
  const std::vector<Setting>* settings = nullptr;  ///< and what to put into the tree before
};

Loaded load_tree(Yaml root, const std::vector<std::string>& files, std::vector<Problem> problems,
                 const Catalog& catalog, const LoadOptions& options, const Rehearsed& rehearsed = {}) {
  Reader reader(options, problems);
  reader.note("", {files.empty() ? std::string() : files.front(), 1, 1});
  Draft draft;
  draft.config.files = files;
  Section top(reader, &root, "");
  read_process(reader, top, draft.config);
  read_parts(reader, top, catalog, draft);
  read_gateways(reader, top, draft.config);
  read_admin(reader, top, draft.config.admin);
  read_alerts(reader, top, catalog, draft.config.alerts);
  read_log(reader, top, draft.config.log);
  auto cases = read_tests(reader, top.find("tests"), draft.config);
  if (rehearsed.tests) *rehearsed.tests = std::move(cases);
  auto scenarios = read_scenarios(reader, top.find("scenarios"), draft.config);
  if (rehearsed.scenarios) *rehearsed.scenarios = std::move(scenarios);
  top.finish();
  const bool sound = check_flow(reader, catalog, draft);
  if (sound && draft.broken.empty()) add_memory(reader, catalog, draft.config);
  draft.config.secrets = reader.secrets();
  draft.config.secret_files = reader.secret_files();
  Loaded loaded;
  if (std::ranges::all_of(problems, &Problem::warning)) loaded.config = std::move(draft.config);
  sort_by_place(problems, files);
  loaded.problems = std::move(problems);
  return loaded;
}

/// A file as it is, a directory as its *.yaml in the order of their names.
std::vector<std::string> expand(const std::vector<std::string>& paths, std::vector<Problem>& problems) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
      if (at->path().extension() == ".yaml") found.push_back(at->path().string());
    if (error)
      problems.push_back(
          {{path, 0, 0}, {}, "cannot list this directory: " + error.message(), "give this user the right to", false});
    else if (found.empty())
      problems.push_back(
          {{path, 0, 0}, {}, "this directory has no *.yaml file", "name a file, or put one there", false});
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

/// A path leads through maps, and makes those that are not there; what is wrong with a name is found when it is read.
void put_setting(Yaml& root, const Setting& setting, std::vector<Problem>& problems) {
  const std::string place = fmt::format("--set {}", setting.path);
  auto value = parse_yaml("value: " + setting.value, place, problems);
  if (!value || value->kind != Yaml::Kind::map || value->entries.size() != 1) {
    problems.push_back({{place, 0, 0}, setting.path, quote(setting.value) + " is no value", "write KEY=VALUE", false});
    return;
  }
  const SourceLocation location{place, 1, 1};
  Yaml* at = &root;
  for (std::string_view rest = setting.path;;) {
    if (at->kind != Yaml::Kind::map) *at = {Yaml::Kind::map, {}, location, {}, {}};
    const auto dot = rest.find('.');
    const std::string key(rest.substr(0, dot));
    YamlEntry* entry = find(*at, key);
    if (!entry) entry = &at->entries.emplace_back(YamlEntry{key, location, {Yaml::Kind::null, {}, location, {}, {}}});
    at = &entry->value;
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  *at = std::move(value->entries.front().value);
}

Loaded load_files(const std::vector<std::string>& paths, const Catalog& catalog, const LoadOptions& options,
                  const Rehearsed& rehearsed) {
  std::vector<Problem> problems;
  const std::vector<std::string> files = expand(paths, problems);
  Yaml root;
  bool understood = !files.empty();
  for (const std::string& file : files) {
    const auto text = options.read_file ? options.read_file(file) : failure("files cannot be read here");
    if (!text) problems.push_back({{file, 0, 0}, {}, text.error().message, {}, false});
    auto tree = text ? parse_yaml(*text, file, problems) : std::nullopt;
    if (tree) merge(root, std::move(*tree), problems);
    understood = understood && tree;
  }
  // Problems that other files have with parts of a file that could not be read would only mislead.
  if (!understood) return {std::nullopt, std::move(problems)};
  if (rehearsed.settings)
    for (const Setting& setting : *rehearsed.settings) put_setting(root, setting, problems);
  return load_tree(std::move(root), files, std::move(problems), catalog, options, rehearsed);
}

}  // namespace

Loaded load(const std::vector<std::string>& paths, const Catalog& catalog, const LoadOptions& options) {
  return load_files(paths, catalog, options, {});
}

LoadedTests load_with_tests(const std::vector<std::string>& paths, const Catalog& catalog, const LoadOptions& options) {
  LoadedTests all;
  all.loaded = load_files(paths, catalog, options, {.tests = &all.cases});
  return all;
}

LoadedScenarios load_with_scenarios(const std::vector<std::string>& paths, const Catalog& catalog,
                                    const LoadOptions& options, const std::vector<Setting>& settings) {
  LoadedScenarios all;
  all.loaded = load_files(paths, catalog, options, {.scenarios = &all.scenarios, .settings = &settings});
  return all;
}

Loaded load_text(std::string_view yaml, std::string_view name, const Catalog& catalog, const LoadOptions& options) {
  const std::string file(name);
  std::vector<Problem> problems;
  Yaml root;
  auto tree = parse_yaml(yaml, file, problems);
  if (!tree) return {std::nullopt, std::move(problems)};
  merge(root, std::move(*tree), problems);
  return load_tree(std::move(root), {file}, std::move(problems), catalog, options);
}

}  // namespace weir::config
