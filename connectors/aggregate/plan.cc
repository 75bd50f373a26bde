#include <weir/base/json_text.h>
#include <weir/component/expression/json_string.h>

#include <algorithm>

#include "aggregate.h"

namespace weir::aggregate {
namespace {

constexpr Duration longest = std::chrono::days(30);
using Texts = std::vector<std::string>;

struct Settings {
  Texts by;
  std::optional<std::string> time;
  Shape shape;
  Folds folds;
};

class Plan final : public StagePlan {
 public:
  Plan(Settings settings, const Context& context)
      : settings_(std::move(settings)), windows_(std::make_shared<Windows>(settings_.shape, settings_.folds)) {
    auto rng = context.rng();
    secret_ = {rng.next(), rng.next()};
    for (const auto& input : settings_.folds.inputs()) reads_.add(ValueExpression::compile(input).value().attributes());
  }
  Attributes reads() const override { return reads_; }
  std::unique_ptr<Stage> stage() override {
    Aggregate::Parts parts{.key = KeyReader::compile(settings_.by).value(), .secret = secret_};
    for (const auto& input : settings_.folds.inputs())
      parts.inputs.push_back(std::move(ValueExpression::compile(input).value()));
    if (settings_.time) parts.time = Path::parse(*settings_.time).value();
    return std::make_unique<Aggregate>(windows_, std::move(parts));
  }
  Merger* merger() override { return windows_.get(); }
  Level strongest() const override {
    return settings_.shape.drop_late && settings_.shape.own_times ? Level::processed : Level::stored;
  }
  std::string why_weaker() const override {
    return settings_.shape.drop_late ? "it drops what comes late; when_late: current counts it in an open window" : "";
  }
  std::vector<Count> counts() const override { return {{"overflowed_events", windows_->overflowed()}}; }
  bool may_wait() const override { return true; }
  std::string when_behind() const override { return "its sources wait while max_windows windows are open"; }
  std::vector<Footprint> footprint(int) const override {
    return {{.fixed = 64_KiB,
             .per_unit = Groups::bytes_each(settings_.folds),
             .max_units = (settings_.shape.max_keys + 1) * settings_.shape.most,
             .unit = "group"}};
  }

 private:
  Settings settings_;
  std::shared_ptr<Windows> windows_;
  KeyHash secret_;
  Attributes reads_;
};

/// `.a.b` is written as "a.b".
std::string label_of(const Path& path) {
  std::string name;
  for (const auto& step : path.steps) {
    if (step.index) {
      name += "[" + std::to_string(*step.index) + "]";
      continue;
    }
    if (!name.empty()) name += '.';
    std::string plain;
    name += unescape_json(step.key, plain) ? plain : step.key;
  }
  return json_text(name) + ":";
}

Result<void> read_names(Settings& settings, const Options& options) {
  settings.by = options.get_or<Texts>("by", {});
  if (auto key = KeyReader::compile(settings.by); !key) return failure("by: " + key.error().message);
  auto folds = Folds::compile(options.table("values"));
  if (!folds) return std::unexpected(std::move(folds.error()));
  settings.folds = std::move(*folds);
  if (settings.folds.names().empty()) return failure("values: name at least one: 'events: count()'");
  for (const auto& path : settings.by) settings.shape.labels.push_back(label_of(Path::parse(path).value()));
  auto all = settings.shape.labels;
  for (const auto& name : settings.folds.names()) all.push_back(json_text(name) + ":");
  for (const auto* own : {"window_start", "window_end", "overflow"}) all.push_back(json_text(own) + ":");
  std::ranges::sort(all);
  if (const auto twice = std::ranges::adjacent_find(all); twice != all.end())
    return failure("values: the output would have two members " + twice->substr(0, twice->size() - 1));
  if (!options.has("time")) return {};
  settings.time = options.text("time");
  settings.shape.own_times = true;
  if (auto time = Path::parse(*settings.time); !time) return failure("time: " + time.error().message);
  return {};
}

Result<void> read_bounds(Shape& shape, const Options& options) {
  shape.length = options.duration("window");
  shape.lateness = options.get_or<Duration>("lateness", Duration{0});
  shape.idle = options.get_or<Duration>("idle", std::chrono::seconds(30));
  shape.drop_late = options.get_or<std::string>("when_late", "drop") == "drop";
  shape.max_keys = options.get_or<std::uint64_t>("max_keys", 10'000);
  shape.most = options.get_or<std::uint64_t>("max_windows", 4);
  if (shape.length < std::chrono::milliseconds(1) || shape.length > longest) return failure("window: 1ms to 30 days");
  if (shape.lateness < Duration{0} || shape.lateness > longest) return failure("lateness: 0 to 30 days");
  if (shape.idle <= Duration{0}) return failure("idle: longer than 0");
  if (shape.max_keys < 1 || shape.max_keys > 10'000'000) return failure("max_keys: 1 to 10000000 keys");
  if (shape.most < 2 || shape.most > 1000) return failure("max_windows: 2 to 1000 windows");
  const auto needed = static_cast<std::uint64_t>(shape.lateness / shape.length) + 2;
  if (shape.most < needed)
    return failure("max_windows: with this lateness " + std::to_string(needed) + " windows are open at once");
  return {};
}

Result<std::shared_ptr<StagePlan>> compile(const Options& options, const Context& context) {
  Settings settings;
  if (auto done = read_names(settings, options); !done) return std::unexpected(std::move(done.error()));
  if (auto done = read_bounds(settings.shape, options); !done) return std::unexpected(std::move(done.error()));
  return std::make_shared<Plan>(std::move(settings), context);
}

std::vector<OptionSpec> specs() {
  return {
      {.name = "window",
       .kind = OptionKind::duration,
       .required = true,
       .help = "How long a window is: 1m. Windows begin at multiples of it since 1970, UTC."},
      {.name = "by",
       .kind = OptionKind::texts,
       .help = "Paths of the fields that make a group: [.host, .status]; without, all events are one group."},
      {.name = "values",
       .kind = OptionKind::table,
       .required = true,
       .help = "Output name to count(), sum(e), min(e), max(e), avg(e) or a quantile p1(e) to p99(e), p999(e): "
               "'slowest: max(.took_ms)'."},
      {.name = "time",
       .kind = OptionKind::text,
       .help = "Path of an event's own time (docs/expressions.md has the formats); without, or where it is missing, "
               "its arrival counts."},
      {.name = "lateness",
       .kind = OptionKind::duration,
       .fallback = "0s",
       .help = "How long after its end a window still takes events."},
      {.name = "when_late",
       .kind = OptionKind::choice,
       .fallback = "drop",
       .help =
           "What happens to an event whose window is over: drop it, or count it in the current (oldest open) window.",
       .choices = {"drop", "current"}},
      {.name = "max_keys",
       .kind = OptionKind::count,
       .fallback = "10000",
       .help = "How many groups a window holds; further keys are folded into one group marked overflow."},
      {.name = "max_windows",
       .kind = OptionKind::count,
       .fallback = "4",
       .help = "How many windows may be open or on their way out at once; beyond it events wait."},
      {.name = "idle",
       .kind = OptionKind::duration,
       .fallback = "30s",
       .help = "With time: windows end when no event came for so long."},
  };
}

}  // namespace

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "aggregate";
  type.summary = "makes one event of all events of a group and a window of time";
  type.options = specs();
  type.compile = compile;
  catalog.add(std::move(type));
}

}  // namespace weir::aggregate
