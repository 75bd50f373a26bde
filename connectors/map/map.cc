#include "map.h"

#include <algorithm>

namespace weir::map {
namespace {

using Texts = std::vector<std::string>;

struct Target {
  Path path;
  std::string text;
};

std::unexpected<Error> wrong(std::string_view option, std::string_view where, const Error& error) {
  return failure(std::string(option) + " " + std::string(where) + ": " + error.message);
}

Result<Path> path_of(std::string_view option, const std::string& text) {
  auto path = Path::parse(text);
  if (!path) return wrong(option, text, path.error());
  return path;
}

/// Whether one lies in the other, or they are the same.
bool related(const Path& a, const Path& b) {
  const auto n = std::min(a.steps.size(), b.steps.size());
  return std::equal(a.steps.begin(), a.steps.begin() + static_cast<std::ptrdiff_t>(n), b.steps.begin());
}

template <typename Change>
Result<void> for_each(const Options& options, std::string_view option, Change change) {
  for (const auto& text : options.get_or<Texts>(option, {})) {
    const auto path = path_of(option, text);
    if (!path) return std::unexpected(path.error());
    if (const auto done = change(*path); !done) return wrong(option, text, done.error());
  }
  return {};
}

/// Both tables map a path to what the new value is: an expression, or for a rename the new path.
Result<void> add_renames(const Options& options, Edits& edits, std::vector<Path>& touched) {
  for (const auto& [from, to] : options.table("rename")) {
    const auto source = path_of("rename", from), target = path_of("rename", to);
    if (!source || !target) return std::unexpected(source ? target.error() : source.error());
    touched.insert(touched.end(), {*source, *target});
    auto value = ValueExpression::compile(from);
    if (!value) return wrong("rename", from, value.error());
    if (const auto done = edits.take(*source); !done) return wrong("rename", from, done.error());
    if (const auto done = edits.set(*target, std::move(*value), true); !done) return wrong("rename", to, done.error());
  }
  return {};
}

Result<void> add_sets(const Options& options, Edits& edits, std::vector<Path>& touched) {
  for (const auto& [target, text] : options.table("set")) {
    const auto path = target == "." ? Result<Path>(Path{}) : path_of("set", target);
    if (!path) return std::unexpected(path.error());
    auto value = ValueExpression::compile(text);
    if (!value) return wrong("set", target, value.error());
    touched.push_back(*path);
    touched.insert(touched.end(), value->paths().begin(), value->paths().end());
    if (const auto done = edits.set(*path, std::move(*value)); !done) return wrong("set", target, done.error());
  }
  return for_each(options, "remove", [&](const Path& path) {
    touched.push_back(path);
    return edits.remove(path);
  });
}

/// The edits of the second and third pass, in one if they do not touch each other.
Result<void> add_changes(const Options& options, std::vector<Edits>& passes) {
  Edits renames, changes;
  std::vector<Path> renamed, changed;
  if (auto done = add_renames(options, renames, renamed); !done) return done;
  if (auto done = add_sets(options, changes, changed); !done) return done;
  const bool apart = std::ranges::none_of(renamed, [&](const Path& r) {
    return std::ranges::any_of(changed, [&](const Path& c) { return related(r, c); });
  });
  if (!renames.empty() && !changes.empty() && apart) {
    Edits both;
    if (auto done = add_renames(options, both, renamed); !done) return done;
    if (auto done = add_sets(options, both, changed); !done) return done;
    passes.push_back(std::move(both));
    return {};
  }
  if (!renames.empty()) passes.push_back(std::move(renames));
  if (!changes.empty()) passes.push_back(std::move(changes));
  return {};
}

class Plan final : public StagePlan {
 public:
  Plan(Options options, Growth growth, Attributes reads)
      : options_(std::move(options)), growth_(growth), reads_(reads) {}
  std::unique_ptr<Stage> stage() override { return std::move(Map::compile(options_).value()); }
  Growth growth() const override { return growth_; }
  Attributes reads() const override { return reads_; }

 private:
  Options options_;
  Growth growth_;
  Attributes reads_;
};

}  // namespace

Result<std::unique_ptr<Map>> Map::compile(const Options& options) {
  auto map = std::make_unique<Map>();
  Edits parse, keep;
  if (auto done = for_each(options, "parse_json", [&](const Path& p) { return parse.parse(p); }); !done)
    return std::unexpected(done.error());
  if (!parse.empty()) map->passes_.push_back(std::move(parse));
  if (auto done = add_changes(options, map->passes_); !done) return std::unexpected(done.error());
  if (auto done = for_each(options, "keep", [&](const Path& p) { return keep.keep(p); }); !done)
    return std::unexpected(done.error());
  if (!keep.empty()) map->passes_.push_back(std::move(keep));
  if (map->passes_.empty()) return failure("a map changes nothing: give it set, rename, remove, keep or parse_json");
  return map;
}

Growth Map::growth() const {
  Growth all;
  for (const auto& pass : passes_) {
    const auto next = pass.growth();
    all = {all.factor * next.factor, all.plus * next.factor + next.plus};
  }
  return all;
}

Attributes Map::reads() const {
  Attributes all;
  for (const auto& pass : passes_) all.add(pass.reads());
  return all;
}

Verdict Map::take(const Event& event, std::string& out) {
  auto bytes = event.bytes;
  bool changed = false;
  std::size_t free = 0;  // the buffer that `bytes` does not lie in
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    auto& json = i == 0 ? json_of(event, own_) : own_;
    if (i > 0) own_.look_at(bytes);
    const bool last = i + 1 == passes_.size();
    auto& to = last ? out : between_[free];
    if (!last) to.clear();
    if (!passes_[i].apply(json, event.facts(), to)) continue;
    changed = true;
    if (last) return Verdict::rewritten();
    const auto size = to.size();
    to.append(block_padding, '\0');
    bytes = std::string_view(to).substr(0, size);
    free = 1 - free;
  }
  if (!changed) return Verdict::passed();
  out += bytes;
  return Verdict::rewritten();
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "map";
  type.summary = "sets, renames, removes and keeps members of events";
  type.options = {
      {.name = "parse_json",
       .kind = OptionKind::texts,
       .help = "First: paths of texts that hold JSON, each replaced by what it holds."},
      {.name = "rename",
       .kind = OptionKind::table,
       .help = "Then: old path to new path, all at once: '.msg: .message'."},
      {.name = "set",
       .kind = OptionKind::table,
       .help = "Then: path to the expression whose value goes there; a missing value changes nothing: '.total: .price "
               "* .count'."},
      {.name = "remove", .kind = OptionKind::texts, .help = "With set: paths of members that go."},
      {.name = "keep", .kind = OptionKind::texts, .help = "Last: only these paths stay, and the objects around them."},
  };
  type.compile = [](const Options& options, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    auto map = Map::compile(options);
    if (!map) return std::unexpected(std::move(map.error()));
    return std::make_shared<Plan>(options, (*map)->growth(), (*map)->reads());
  };
  catalog.add(std::move(type));
}

}  // namespace weir::map
