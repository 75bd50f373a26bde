#include "config/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/problem.h"
#include "config/reloadable.h"
#include "config/report.h"
#include "config/units_parse.h"
#include "config/yaml.h"

namespace weir::config {
namespace {

/// Every value with its path, in the order of the file.
struct Flat {
  std::vector<std::string> paths;
  std::map<std::string, std::string, std::less<>> values;
  void add(const std::string& path, std::string value) {
    paths.push_back(path);
    values.emplace(path, std::move(value));
  }
  const std::string* find(std::string_view path) const {
    const auto at = values.find(path);
    return at == values.end() ? nullptr : &at->second;
  }
};

void flatten(const Yaml& node, const std::string& path, Flat& out) {
  if (node.kind == Yaml::Kind::map) {
    for (const auto& entry : node.entries) flatten(entry.value, path.empty() ? entry.key : path + "." + entry.key, out);
    return;
  }
  if (!node.items.empty() && node.items.front().kind == Yaml::Kind::map) {
    for (std::size_t i = 0; i < node.items.size(); ++i) flatten(node.items[i], fmt::format("{}[{}]", path, i), out);
    return;
  }
  std::vector<std::string> texts;
  for (const Yaml& item : node.items) texts.push_back(item.text);
  out.add(path, node.kind == Yaml::Kind::list ? join(texts) : node.text);
}

Flat flat(const Config& config, const Catalog& catalog) {
  std::vector<Problem> problems;
  const auto tree = parse_yaml(to_yaml(config, catalog), "", problems, {64 << 20, 32, 10'000'000, 1'000'000});
  WEIR_CHECK(tree.has_value());  // what is printed loads again
  Flat out;
  flatten(*tree, "", out);
  return out;
}

/// "sinks.out" of "sinks.out.queue.max_events"; empty: it belongs to no part.
std::string part_of_path(const std::string& path) {
  const auto name = path.find('.');
  const auto end = name == path.npos ? path.npos : path.find('.', name + 1);
  return end == path.npos ? std::string{} : path.substr(0, end);
}

class Comparison {
 public:
  Comparison(const Config& running, const Config& next, const Catalog& catalog)
      : running_(running), next_(next), was_(flat(running, catalog)), is_(flat(next, catalog)) {}

  std::vector<KeyChange> run(const Catalog& catalog) {
    for (const auto& path : was_.paths) compare(path);
    for (const auto& path : is_.paths)
      if (!was_.find(path)) compare(path);
    const auto never = [](const OptionSpec&, const std::string&) { return false; };
    hidden(
        running_.sources, next_.sources, [&](const auto& s) { return catalog.source(s.type); },
        [](const OptionSpec& spec, const std::string&) { return spec.secret; });
    hidden(running_.stages, next_.stages, [&](const auto& s) { return catalog.stage(s.type); }, never);
    hidden_of_sinks(catalog, never);
    hidden_of_admin();
    memory();
    return std::move(out_);
  }

 private:
  bool has(std::string_view path) const {
    return std::ranges::any_of(out_, [&](const KeyChange& change) {
      return change.path == path || (change.path.starts_with(path) && change.path[path.size()] == '.');
    });
  }

  void compare(const std::string& path) {
    const std::string part = of_requests(path) ? std::string() : part_of_path(path);
    if (!part.empty() && !was_.find(part + ".type")) return whole(part, "is new");
    if (!part.empty() && !is_.find(part + ".type")) return whole(part, "is gone");
    const std::string *was = was_.find(path), *is = is_.find(path);
    if (was && is && *was == *is) return;
    const auto text = [](const std::string* value) { return value && !value->empty() ? *value : "nothing"; };
    out_.push_back({path, fmt::format("{}: {}, was {}", path, text(is), text(was)), in_place(path, was, is)});
  }

  /// Gateways and upstreams have no types, and take nothing over while they run.
  static bool of_requests(const std::string& path) {
    return path.starts_with("gateways.") || path.starts_with("upstreams.");
  }

  bool in_place(const std::string& path, const std::string* was, const std::string* is) const {
    // A queue gets its disk, or loses it, with the process.
    const auto spills = [](const std::string* value) { return value && *value == "spill"; };
    if (path.ends_with(".queue.when_full") && spills(was) != spills(is)) return false;
    return !of_requests(path) && reloadable_at(path) != nullptr && (!is_guard_of_source(path) || guards_fit(path));
  }

  static bool is_guard_of_source(const std::string& path) {
    return path.starts_with("sources.") && path.substr(part_of_path(path).size()).starts_with(".guards.");
  }

  /// A source whose clients are answered takes over values; what can only wait takes over any rate.
  bool guards_fit(const std::string& path) const {
    const std::string name = part_of_path(path).substr(std::string_view("sources.").size());
    const auto was = std::ranges::find(running_.sources, name, &Source::name);
    const auto is = std::ranges::find(next_.sources, name, &Source::name);
    if (was == running_.sources.end() || is == next_.sources.end()) return false;
    return is->guards.position == GuardPosition::intake || only_values_differ(was->guards, is->guards);
  }

  void whole(const std::string& part, std::string_view what) {
    if (!has(part)) out_.push_back({part, fmt::format("{} {}", part, what), false});
  }

  void say_hidden(const std::string& path, bool in_place) {
    out_.push_back({path, path + ": has another value, which is not shown", in_place, is_from_file(path)});
  }

  bool is_from_file(const std::string& path) const {
    return std::ranges::any_of(next_.secrets, [&](const std::string& secret) {
      return secret == path || (secret.starts_with(path) && secret[path.size()] == '.');
    });
  }

  /// Options of parts that are in both, where two different values look alike because they are hidden.
  template <typename T, typename TypeOf, typename InPlace>
  void hidden(const std::vector<T>& was, const std::vector<T>& is, TypeOf type_of, InPlace can_take_over) {
    for (const T& old : was) {
      const auto now = std::ranges::find(is, old.name, &T::name);
      if (now == is.end() || now->type != old.type || now->options == old.options) continue;
      const auto* type = type_of(old);
      if (!type) continue;
      for (const OptionSpec& spec : type->options) {
        const auto *before = old.options.find(spec.name), *after = now->options.find(spec.name);
        const bool same = before && after ? *before == *after : before == after;
        const std::string path = path_of(old) + "." + spec.name;
        if (!same && !has(path)) say_hidden(path, can_take_over(spec, path));
      }
    }
  }

  void hidden_of_admin() {
    const Admin &was = running_.admin, &is = next_.admin;
    if (was.listen != is.listen && !has("admin.listen")) say_hidden("admin.listen", false);
    if (was.logins.tokens != is.logins.tokens && !has("admin.auth_bearer")) say_hidden("admin.auth_bearer", true);
    if (was.logins.users != is.logins.users && !has("admin.auth_basic")) say_hidden("admin.auth_basic", true);
  }

  void hidden_of_sinks(const Catalog& catalog, auto never) {
    std::vector<Sink> was, is, was_journals, is_journals;
    for (const Sink& sink : running_.sinks) (sink.is_journal ? was_journals : was).push_back(sink);
    for (const Sink& sink : next_.sinks) (sink.is_journal ? is_journals : is).push_back(sink);
    hidden(was_journals, is_journals, [&](const auto& s) { return catalog.journal(s.type); }, never);
    hidden(
        was, is, [&](const auto& s) { return catalog.sink(s.type); },
        [&](const OptionSpec&, const std::string& path) { return is_from_file(path); });
  }

  static std::string path_of(const Stage& stage) { return "stages." + stage.name; }
  template <typename T>
  static std::string path_of(const T& part) {
    return part.path();
  }

  void memory() {
    if (next_.memory.footprints > running_.memory.footprints && !has("memory"))
      out_.push_back({"memory",
                      fmt::format("memory: parts would declare {}, and {} are set aside",
                                  human(next_.memory.footprints), human(running_.memory.footprints)),
                      false});
  }

  const Config &running_, &next_;
  const Flat was_, is_;
  std::vector<KeyChange> out_;
};

}  // namespace

std::vector<KeyChange> changes(const Config& running, const Config& next, const Catalog& catalog) {
  return Comparison(running, next, catalog).run(catalog);
}

}  // namespace weir::config
