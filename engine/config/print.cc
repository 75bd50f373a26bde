// The effective configuration as YAML that loads again.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/hide.h"
#include "config/report.h"
#include "config/units_parse.h"
#include "config/yaml_text.h"

namespace weir::config {
namespace {

template <typename IsHidden>
std::string flow_map(const Options::Table& table, const IsHidden& is_hidden) {
  std::string out;
  for (const auto& [name, text] : table)
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", scalar(name, true),
                       is_hidden(name) ? "<secret>" : scalar(text, true));
  return "{ " + out + " }";
}

std::string value(const Options& options, const OptionSpec& spec) {
  switch (spec.kind) {
    case OptionKind::boolean: return options.flag(spec.name) ? "true" : "false";
    case OptionKind::count: return std::to_string(options.count(spec.name));
    case OptionKind::size: return to_text(options.size(spec.name));
    case OptionKind::duration: return to_text(options.duration(spec.name));
    case OptionKind::rate: return to_text(options.rate(spec.name));
    case OptionKind::ratio: return to_text_ratio(options.ratio(spec.name));
    case OptionKind::texts: return flow_list(options.get<std::vector<std::string>>(spec.name));
    case OptionKind::text: return scalar(hide_passwords(options.text(spec.name)));
    default: return scalar(options.text(spec.name));
  }
}

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};  // in the order of the enum

class Printer {
 public:
  Printer(const Config& config, const Catalog& catalog) : config_(config), catalog_(catalog) {}

  std::string print() {
    out_ += config_.memory.automatic ? fmt::format("memory: auto  # {} here\n", human(config_.memory.memory))
                                     : fmt::format("memory: {}\n", to_text(config_.memory.memory));
    out_ += fmt::format("reactors: {}\ndrain_deadline: {}\nbatch_bytes: {}\n", config_.reactors,
                        to_text(config_.drain_deadline), to_text(config_.batch_bytes));
    section("sources", config_.sources, [](const Source& source) { return !source.is_consumer(); });
    section("stages", config_.stages);
    section("journals", config_.sinks, &Sink::is_journal);
    section("sinks", config_.sinks, std::not_fn(&Sink::is_journal));
    out_ += gateways_to_yaml(config_);
    const Admin& admin = config_.admin;
    const auto file = [&](const char* key, const std::string& path) {
      if (path.empty()) return std::string();
      return fmt::format(", {}: {}", key, hidden(std::string("admin.") + key) ? "<secret>" : scalar(path));
    };
    out_ += fmt::format(
        "admin: {{ listen: {}{}{}{}{}{}{}{}{} }}\n", hidden("admin.listen") ? "<secret>" : scalar(admin.listen),
        admin.hosts.empty() ? "" : ", hosts: " + flow_list(admin.hosts), admin.insecure ? ", insecure: true" : "",
        admin.logins.tokens.empty() ? "" : ", auth_bearer: <secret>",
        admin.logins.users.empty() ? "" : ", auth_basic: <secret>", file("tls_certificate", admin.tls_certificate),
        file("tls_key", admin.tls_key), file("tls_client_ca", admin.tls_client_ca),
        admin.tls_client_names.empty() ? "" : ", tls_client_names: " + flow_list(admin.tls_client_names));
    print(config_.alerts);
    if (const LogForm& log = config_.log; log != LogForm{})
      out_ +=
          fmt::format("log: {{ level: {}, format: {}, time: {} }}\n", level_names[static_cast<std::size_t>(log.level)],
                      log.json ? "json" : "text", log.local_time ? "local" : "utc");
    return std::move(out_);
  }

 private:
  bool hidden(const std::string& path) const {
    return std::ranges::find(config_.secrets, path) != config_.secrets.end();
  }

  template <typename T, typename Wanted = bool (*)(const T&)>
  void section(const std::string& title, const std::vector<T>& parts, Wanted wanted = [](const T&) { return true; }) {
    if (std::ranges::none_of(parts, wanted)) return;
    out_ += title + ":\n";
    for (const T& part : parts) {
      if (!std::invoke(wanted, part)) continue;
      out_ += fmt::format("  {}:\n    type: {}\n", part.name, part.type);
      if (!part.from.empty()) out_ += fmt::format("    from: {}\n", flow_list(part.from));
      print(part);
    }
  }

  void key(std::string_view name, std::string_view text) {
    out_ += fmt::format("{:{}}{}: {}\n", "", indent_, name, text);
  }

  void print(const Alerts& alerts) {
    std::string rules;
    for (std::size_t i = 0; i < alert_rule_count; ++i) {
      const AlertSetting &is = alerts.rules[i], &usual = usual_alerts[i];
      if (is == usual) continue;
      std::string what = is.on ? "" : "off";
      const auto add = [&](std::string text) { what += (what.empty() ? "{ " : ", ") + std::move(text); };
      if (is.on) {
        if (is.above != usual.above) add("above: " + to_text_above(static_cast<AlertRule>(i), is.above));
        if (is.hold != usual.hold) add("for: " + to_text(is.hold));
        if (is.warns != usual.warns) add(is.warns ? "severity: warning" : "severity: info");
        what += " }";
      }
      rules += fmt::format("    {}: {}\n", alert_names[i], what);
    }
    if (rules.empty() && alerts.receivers.empty() && alerts.repeat == Alerts{}.repeat) return;
    out_ += "alerts:\n";
    if (!rules.empty()) out_ += "  rules:\n" + rules;
    out_ += fmt::format("  repeat: {}\n", to_text(alerts.repeat));
    if (!alerts.receivers.empty()) out_ += "  receivers:\n";
    indent_ = 6;
    for (const AlertReceiver& receiver : alerts.receivers) {
      out_ += fmt::format("    {}:\n      type: {}\n", receiver.name, receiver.type);
      options("alerts.receivers." + receiver.name, catalog_.sink(receiver.type), receiver.options);
    }
    indent_ = 4;
  }

  template <typename T>
  void options(const std::string& path, const T* type, const Options& options) {
    if (!type) return;
    for (const OptionSpec& spec : type->options) {
      if (!options.has(spec.name)) continue;
      const std::string place = path + "." + spec.name;
      const auto is_hidden = [&](const std::string& name) {
        return (spec.may_hold_secrets && names_secret(name)) || hidden(place + "." + name);
      };
      key(spec.name, hidden(place) || spec.secret     ? "<secret>"
                     : spec.kind == OptionKind::table ? flow_map(options.table(spec.name), is_hidden)
                                                      : value(options, spec));
    }
  }

  void print(const Source& source) {
    key("acks", name(source.acks));
    if (source.priorities.from_header() || source.priorities.from_body()) print(source.priorities);
    key("when_full", source.refuse_when_full ? "reject" : "block");
    if (!source.guards.empty()) key("guards", to_text(source.guards));
    key("on_malformed", source.on_malformed == Source::OnMalformed::reject ? "reject" : "dead_letter");
    if (!source.dead_letter.empty()) key("dead_letter", source.dead_letter);
    options("sources." + source.name, catalog_.source(source.type), source.options);
  }

  void print(const PriorityRule& rule) {
    std::string map;
    for (const auto& [text, priority] : rule.map)
      map += fmt::format("{}{}: {}", map.empty() ? "" : ", ", scalar(text, true), name(priority));
    key("priority", fmt::format("{{ from: {}, map: {{ {} }}, default: {} }}",
                                rule.from_header() ? scalar("header:" + rule.header) : scalar(rule.path), map,
                                name(rule.fallback)));
  }

  void print(const Stage& stage) {
    if (!stage.dead_letter.empty()) key("dead_letter", stage.dead_letter);
    options("stages." + stage.name, catalog_.stage(stage.type), stage.options);
  }

  void print(const Sink& sink) {
    if (sink.is_journal) {
      print_queue(sink.queue, false);
      return options(sink.path(), catalog_.journal(sink.type), sink.options);
    }
    if (!sink.consumer.name.empty() || !sink.consumer.holds || sink.consumer.from_newest)
      key("consumer",
          fmt::format("{{ {}when_behind: {}, start: {} }}",
                      sink.consumer.name.empty() ? "" : fmt::format("name: {}, ", sink.consumer.name),
                      sink.consumer.holds ? "hold" : "skip", sink.consumer.from_newest ? "newest" : "oldest"));
    key("required", sink.required ? "true" : "false");
    key("workers", std::to_string(sink.workers));
    print_queue(sink.queue, true);
    if (sink.spills())
      out_ += fmt::format("      spill: {{ path: {}, max_bytes: {}, mode: {} }}\n", scalar(sink.spill.path),
                          to_text(sink.spill.max_bytes), scalar(sink.spill.mode.text()));
    key("batch", fmt::format("{{ max_events: {}, max_bytes: {}, linger: {} }}", sink.batch.most.events,
                             to_text(sink.batch.most.bytes), to_text(sink.batch.linger)));
    if (!sink.guards.empty()) key("guards", to_text(sink.guards));
    print(sink.destination);
    if (sink.dead_letter.empty())
      key("on_failure", sink.on_failure == Sink::OnFailure::fail ? "fail" : "drop");
    else
      key("dead_letter", sink.dead_letter);
    options("sinks." + sink.name, catalog_.sink(sink.type), sink.options);
  }

  void print_queue(const flow::EdgeConfig& queue, bool with_policy) {
    out_ += "    queue:\n";
    const auto inner = [&](std::string_view name, std::string_view text) {
      out_ += fmt::format("      {}: {}\n", name, text);
    };
    inner("max_events", std::to_string(queue.bound.events));
    inner("max_bytes", to_text(queue.bound.bytes));
    if (queue.max_wait) inner("max_wait", to_text(*queue.max_wait));
    inner("pause_at", to_text_ratio(queue.pause_at));
    inner("resume_at", to_text_ratio(queue.resume_at));
    if (with_policy) inner("when_full", name(queue.when_full));
    inner("order", name(queue.order));
    inner("age_boost", to_text(queue.age_boost));
    if (queue.codel)
      inner("codel", fmt::format("{{ target: {}, interval: {} }}", to_text(queue.codel->target),
                                 to_text(queue.codel->interval)));
    if (queue.expire_after) inner("expire_after", to_text(*queue.expire_after));
    inner("reserved_for_high", to_text_ratio(queue.reserved_for_high));
    if (queue.dead_letter_shed > 0) inner("dead_letter_shed", to_text_ratio(queue.dead_letter_shed));
  }

  void print(const flow::DestinationConfig& to) {
    out_ += breaker_to_yaml(to.breaker);
    out_ += fmt::format("    retry:\n      base: {}\n      cap: {}\n      jitter: {}\n      additive_most: {}\n",
                        to_text(to.backoff.base), to_text(to.backoff.cap), name(to.backoff.jitter),
                        to_text(to.backoff.additive_most));
    out_ +=
        fmt::format("      budget: {{ ratio: {}, minimum: {}, window: {} }}\n", to_text_ratio(to.retry_budget.ratio),
                    to_text(to.retry_budget.minimum), to_text(to.retry_budget.window));
  }

  const Config& config_;
  const Catalog& catalog_;
  std::string out_;
  std::size_t indent_ = 4;
};

}  // namespace

std::string to_yaml(const Config& config, const Catalog& catalog) { return Printer(config, catalog).print(); }

}  // namespace weir::config
