#include "parse.h"

#include <simdjson.h>
#include <weir/base/json_text.h>

#include <algorithm>

namespace weir::parse {
namespace {

using Texts = std::vector<std::string>;

struct Settings {
  std::string format, pattern;
  Texts columns;
  char separator = ',';
  Malformed when = Malformed::keep;

  Result<std::unique_ptr<Format>> make() const {
    if (format == "logfmt") return logfmt_format();
    if (format == "csv") return csv_format(columns, separator);
    if (format == "syslog") return syslog_format();
    if (format == "regex") return regex_format(pattern);
    return raw_format();
  }
  /// A byte is written as six at most (\u001b); besides come the names, quotes and commas of the members.
  Growth growth() const {
    std::size_t names = 0;
    for (const auto& column : columns) names += 6 * column.size() + 8;
    return {.factor = 6, .plus = Bytes(2048 + 6 * pattern.size() + names)};
  }
};

class Plan final : public StagePlan {
 public:
  explicit Plan(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<Stage> stage() override {
    return std::make_unique<Parse>(std::move(settings_.make().value()), settings_.when, settings_.growth(), counts_);
  }
  Growth growth() const override { return settings_.growth(); }
  Level strongest() const override { return drops() ? Level::processed : Level::stored; }
  std::string why_weaker() const override {
    return drops() ? "it drops lines that are not of its format; when_malformed: keep lets them on" : "";
  }
  std::vector<Count> counts() const override {
    return {{"malformed_lines", counts_->malformed.load(std::memory_order_relaxed)},
            {"replaced_bytes", counts_->replaced.load(std::memory_order_relaxed)}};
  }
  std::vector<Footprint> footprint(int reactors) const override {
    if (settings_.format != "regex") return {};
    return {{.fixed = Bytes{},
             .per_unit = Bytes(regex_memory),
             .max_units = static_cast<std::uint64_t>(reactors),
             .unit = "reactor: automata of the pattern"}};
  }

 private:
  bool drops() const { return settings_.when == Malformed::drop; }
  Settings settings_;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

Result<void> check_columns(const Settings& settings) {
  const auto& columns = settings.columns;
  if (columns.empty()) return failure("columns: a csv needs the names of its columns: [time, host, status]");
  if (columns.size() > max_members) return failure("columns: at most 128");
  for (auto at = columns.begin(); at != columns.end(); ++at) {
    if (at->empty() || at->size() > 256 || !is_utf8(*at)) return failure("columns: a name has 1 to 256 bytes of UTF-8");
    if (std::find(columns.begin(), at, *at) != at)
      return failure("columns: there are two of the name " + json_text(*at));
  }
  return {};
}

Result<void> read_separator(Settings& settings, const std::string& text) {
  if (text.size() != 1 || text == "\"" || static_cast<unsigned char>(text[0]) >= 0x80 ||
      (static_cast<unsigned char>(text[0]) < ' ' && text != "\t"))
    return failure("separator: one ASCII character that is no quote, such as \",\" or \"\\t\"");
  settings.separator = text[0];
  return {};
}

Result<Settings> read(const Options& options) {
  Settings settings{.format = options.text("format"),
                    .pattern = options.get_or<std::string>("pattern", ""),
                    .columns = options.get_or<Texts>("columns", {})};
  const bool csv = settings.format == "csv", regex = settings.format == "regex";
  if (!csv && !settings.columns.empty()) return failure("columns: only format: csv has columns");
  if (!regex && !settings.pattern.empty()) return failure("pattern: only format: regex has a pattern");
  if (regex && settings.pattern.empty()) return failure("pattern: format: regex needs one: '^(?P<level>\\w+): '");
  if (settings.pattern.size() > 4096) return failure("pattern: at most 4096 bytes");
  if (csv)
    if (auto sane = check_columns(settings); !sane) return std::unexpected(std::move(sane.error()));
  if (auto sane = read_separator(settings, options.get_or<std::string>("separator", ",")); !sane)
    return std::unexpected(std::move(sane.error()));
  if (options.get_or<std::string>("when_malformed", "keep") == "drop") settings.when = Malformed::drop;
  return settings;
}

Result<std::shared_ptr<StagePlan>> compile(const Options& options, const Context&) {
  auto settings = read(options);
  if (!settings) return std::unexpected(std::move(settings.error()));
  if (auto format = settings->make(); !format) return std::unexpected(std::move(format.error()));
  return std::make_shared<Plan>(std::move(*settings));
}

}  // namespace

Verdict Parse::take(const Event& event, std::string& out) {
  const auto most = growth_.of(Bytes(event.bytes.size())).count();
  const auto line = as_utf8(event.bytes);
  members_.begin(line.size());
  auto trouble = format_->parse(line, members_);
  if (!trouble && members_.write(out, most)) return Verdict::rewritten();
  counts_->malformed.fetch_add(1, std::memory_order_relaxed);
  if (when_ == Malformed::drop) return Verdict::dropped(Reason::malformed);
  members_.begin(0);
  members_.add("message", line);
  members_.add("parse_error", trouble.value_or("it would be more than six times as long"));
  members_.write(out, most);
  return Verdict::rewritten();
}

/// Most lines are, and are not copied.
std::string_view Parse::as_utf8(std::string_view line) {
  if (simdjson::validate_utf8(line.data(), line.size())) return line;
  clean_.clear();
  std::uint64_t replaced = 0;
  while (!line.empty()) {
    const auto n = utf8_length(line);
    clean_ += n > 0 ? line.substr(0, n) : std::string_view("\xef\xbf\xbd");
    replaced += n == 0;
    line.remove_prefix(std::max<std::size_t>(n, 1));
  }
  counts_->replaced.fetch_add(replaced, std::memory_order_relaxed);
  return clean_;
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "parse";
  type.summary = "makes JSON objects of lines of text";
  type.options = {
      {.name = "format",
       .kind = OptionKind::choice,
       .required = true,
       .help = "What the lines are; raw puts the whole line under \"message\".",
       .choices = {"raw", "logfmt", "csv", "regex", "syslog"}},
      {.name = "pattern",
       .help = "Of a regex: RE2's syntax, found anywhere in the line; each (?P<name>...) becomes a member."},
      {.name = "columns", .kind = OptionKind::texts, .help = "Of a csv: the names of its columns, in order."},
      {.name = "separator", .fallback = ",", .help = "Of a csv: the one character between two fields."},
      {.name = "when_malformed",
       .kind = OptionKind::choice,
       .fallback = "keep",
       .help = "What happens to a line that is not of the format: keep it under \"message\", with the reason under "
               "\"parse_error\", or drop it (to the stage's dead_letter, if it has one).",
       .choices = {"keep", "drop"}},
  };
  type.compile = compile;
  catalog.add(std::move(type));
}

}  // namespace weir::parse
