#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/alerts.h"
#include "config/nodes.h"

namespace weir::config {
namespace {

constexpr Duration longest_hold = std::chrono::hours(24);

Parsed<double> parse_above(AlertUnit unit, std::string_view text) {
  switch (unit) {
    case AlertUnit::share: return parse_ratio(text);
    case AlertUnit::time: {
      const auto time = parse_duration(text);
      return time ? Parsed<double>(seconds(*time)) : std::unexpected(time.error());
    }
    default: {
      const auto count = Section::ranged(text, 1, 1'000'000'000);
      return count ? Parsed<double>(static_cast<double>(*count)) : std::unexpected(count.error());
    }
  }
}

void read_rule(Reader& reader, const YamlEntry& entry, const std::string& path, AlertRule rule, AlertSetting& out) {
  if (entry.value.kind == Yaml::Kind::scalar) {
    const auto text = reader.text(entry.value, path);
    if (!text) return;
    if (text->value != "off" && text->value != "false")  // YAML 1.1 reads the one as the other
      return reader.error(entry.value.location, path, fmt::format("{} is neither off nor a map", text->shown()),
                          "write off, or { above, for, severity }");
    out.on = false;
    return;
  }
  Section section(reader, &entry.value, path);
  const AlertUnit unit = alert_units[static_cast<std::size_t>(rule)];
  if (unit != AlertUnit::none)
    section.value("above", out.above, [&](std::string_view text) { return parse_above(unit, text); });
  if (section.duration("for", out.hold) && out.hold > longest_hold)
    reader.error_at(section.path("for"), fmt::format("{} is too long: at most 24h", to_text(out.hold)));
  section.choice("severity", out.warns, {{"warning", true}, {"info", false}});
  section.finish();
}

void read_rules(Reader& reader, const Yaml* node, const std::string& path, AlertSettings& out) {
  const Section map(reader, node, path);
  if (!map.node()) return;
  for (const YamlEntry& entry : map.node()->entries) {
    const std::string place = path + "." + entry.key;
    reader.note(place, entry.location);
    const auto at = std::ranges::find(alert_names, entry.key);
    if (at == alert_names.end()) {
      const std::vector<std::string> known(alert_names.begin(), alert_names.end());
      const std::string near = did_you_mean(entry.key, known);
      reader.error(entry.location, place, "is no alert", near.empty() ? "known: " + join(known) : near);
      continue;
    }
    const auto rule = static_cast<std::size_t>(at - alert_names.begin());
    read_rule(reader, entry, place, static_cast<AlertRule>(rule), out[rule]);
  }
}

}  // namespace

void read_alerts(Reader& reader, Section& root, const Catalog& catalog, Alerts& out) {
  Section section(reader, root.find("alerts"), "alerts");
  read_rules(reader, section.find("rules"), "alerts.rules", out.rules);
  if (section.duration("repeat", out.repeat) && out.repeat > Duration{0} && out.repeat < std::chrono::seconds(1))
    reader.error_at("alerts.repeat", "is less than a second", "write 1m, or 0s for never");
  const Section receivers(reader, section.find("receivers"), "alerts.receivers");
  if (receivers.node()) {
    if (receivers.node()->entries.size() > most_alert_receivers)
      reader.error_at("alerts.receivers", fmt::format("more than {} receivers", most_alert_receivers));
    for (const YamlEntry& entry : receivers.node()->entries) read_alert_receiver(reader, entry, catalog, out.receivers);
  }
  section.finish();
}

std::string to_text_above(AlertRule rule, double above) {
  switch (alert_units[static_cast<std::size_t>(rule)]) {
    case AlertUnit::share: return to_text_ratio(above);
    case AlertUnit::time: return to_text(from_seconds(above));
    default: return fmt::format("{:.0f}", above);
  }
}

}  // namespace weir::config
