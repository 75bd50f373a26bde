#include "schema.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>
#include <array>

#include "config/reloadable.h"
#include "json_tree.h"
#include "schema_alerts.h"
#include "schema_gateways.h"
#include "schema_keys.h"
#include "schema_scenarios.h"
#include "schema_tests.h"

namespace weir::app {
namespace {

constexpr std::string_view variable = R"(.*\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}.*)";
constexpr std::string_view part_name = "[a-z][a-z0-9_]{0,63}";
constexpr std::array<std::string_view, 4> kinds_of_parts{"source", "stage", "journal", "sink"};
constexpr std::string_view receiver = "receiver";  // of alerts: a sink with its options and none of the other keys
constexpr std::string_view number_pattern = R"([0-9]{1,15}(\.[0-9]{1,15})?)";

/// The name of a kind, the pattern of its text, and the advice when a text does not match. Empty pattern: any text.
struct KindInfo {
  OptionKind kind;
  std::string_view name, pattern, expected;
};
constexpr std::array kinds{
    KindInfo{OptionKind::text, "text", "", ""},
    KindInfo{OptionKind::path, "path", ".+", "a path"},
    KindInfo{OptionKind::address, "address", ".+:[0-9]{1,5}", "write HOST:PORT, as in 127.0.0.1:8080"},
    KindInfo{OptionKind::boolean, "boolean", "true|false", "write true or false"},
    KindInfo{OptionKind::count, "count", "[0-9]{1,13}", "write a whole number, digits only"},
    KindInfo{OptionKind::size, "size", "NUMBER(B|KiB|MiB|GiB|KB|MB|GB)",
             "write a number and B, KiB, MiB, GiB, KB, MB or GB, as in 64MiB"},
    KindInfo{OptionKind::duration, "duration", "NUMBER(ns|us|ms|s|m|h|d)",
             "write a number and ns, us, ms, s, m, h or d, as in 200ms"},
    KindInfo{OptionKind::rate, "rate", "NUMBER/(s|min|h)", "write a number and /s, /min or /h, as in 1000/s"},
    KindInfo{OptionKind::ratio, "ratio", R"(NUMBER%|0(\.[0-9]{1,15})?|1(\.0{1,15})?)", "write 80% or 0.8"},
    KindInfo{OptionKind::choice, "choice", "", ""},
    KindInfo{OptionKind::expression, "expression", ".+", "a condition or a path, as in .status"},
    KindInfo{OptionKind::texts, "list of texts", "", ""},
    KindInfo{OptionKind::table, "table", "", ""},
};

const KindInfo& info(OptionKind kind) { return *std::ranges::find(kinds, kind, &KindInfo::kind); }

/// What YAML makes of a value of this kind when it is not quoted.
std::vector<std::string> yaml_types(OptionKind kind) {
  switch (kind) {
    case OptionKind::count: return {"integer", "string"};
    case OptionKind::ratio: return {"number", "string"};
    case OptionKind::boolean: return {"boolean", "string"};
    case OptionKind::text:
    case OptionKind::path:
    case OptionKind::expression: return {"string", "number", "boolean"};
    default: return {"string"};
  }
}

std::string reference(std::string_view definition) { return fmt::format("#/$defs/{}", definition); }
std::string definition_of(OptionKind kind, bool may_be_file) {
  return std::string(info(kind).name) + (may_be_file ? "_or_file" : "");
}

std::string kind_definition(const KindInfo& kind, bool may_be_file) {
  std::string pattern(kind.pattern);
  if (const auto at = pattern.find("NUMBER"); at != std::string::npos) pattern.replace(at, 6, number_pattern);
  JsonObject out;
  const auto types = yaml_types(kind.kind);
  out.add("type", types.size() == 1 ? json_text(types[0]) : json_texts(types));
  if (kind.kind == OptionKind::count) out.add("minimum", "0").add("maximum", "1000000000000");
  if (kind.kind == OptionKind::ratio) out.add("minimum", "0").add("maximum", "1");
  if (pattern.empty()) return out.json();
  out.text("pattern", fmt::format("^(({})|{}{})$", pattern, variable, may_be_file ? "|file:.+" : ""));
  out.text("patternErrorMessage", kind.expected);
  return out.json();
}

/// A default as YAML would read it.
std::string fallback_json(const OptionSpec& spec) {
  if ((spec.kind == OptionKind::count || spec.kind == OptionKind::boolean) && *spec.fallback != "auto")
    return *spec.fallback;
  return json_text(*spec.fallback);
}

std::string any_of(std::vector<std::string> schemas) {
  return schemas.size() == 1 ? std::move(schemas[0]) : JsonObject().add("anyOf", json_array(schemas)).json();
}
std::string refers_to(std::string_view definition) { return JsonObject().text("$ref", reference(definition)).json(); }

/// YAML reads an unquoted 6 as a number, and the loader takes it for the text it is.
std::string choices_of(const OptionSpec& spec) {
  std::vector<std::string> all;
  for (const std::string& choice : spec.choices) {
    all.push_back(json_text(choice));
    const bool digits = !choice.empty() && std::ranges::all_of(choice, [](char c) { return c >= '0' && c <= '9'; });
    if (digits && (choice.size() == 1 || choice[0] != '0')) all.push_back(choice);
  }
  return json_array(all);
}

/// The schemas one of which a value of this kind has to match.
std::vector<std::string> value_schemas(const OptionSpec& spec, bool may_be_file) {
  const std::string text = refers_to(definition_of(OptionKind::text, may_be_file));
  switch (spec.kind) {
    case OptionKind::choice:
      return {JsonObject().add("enum", choices_of(spec)).json(),
              refers_to(may_be_file ? "variable_or_file" : "variable")};
    case OptionKind::texts: return {text, JsonObject().text("type", "array").add("items", text).json()};
    case OptionKind::table: return {JsonObject().text("type", "object").add("additionalProperties", text).json()};
    default: return {refers_to(definition_of(spec.kind, may_be_file))};
  }
}

/// `effect`: when a change of it counts in a running process; empty: it needs a new one.
std::string property(const OptionSpec& spec, std::vector<std::string> schemas, std::string_view effect = {}) {
  JsonObject out;
  out.text("description", spec.help);
  if (spec.fallback) out.add("default", fallback_json(spec));
  out.text("x-kind", info(spec.kind).name);
  if (!effect.empty()) out.text("x-reload", effect);
  if (!spec.choices.empty()) out.add("x-choices", json_texts(spec.choices));
  out.add("anyOf", json_array(schemas));
  return out.json();
}

std::string property(const Key& key, std::string_view section) {
  std::vector<std::string> schemas;
  switch (key.form) {
    case Key::Form::scalar:
      schemas = value_schemas(key.option, key.option.kind == OptionKind::address || key.option.secret);
      break;
    case Key::Form::part: schemas = {refers_to("part")}; break;
    case Key::Form::parts: schemas = {refers_to("part"), refers_to("parts")}; break;
    case Key::Form::section:
      if (key.or_scalar) schemas = value_schemas(key.option, false);
      schemas.push_back(refers_to(key.below));
      if (key.or_list)
        schemas.push_back(JsonObject().text("type", "array").add("items", any_of(schemas)).add("minItems", "1").json());
      break;
  }
  if (!key.word.empty()) schemas.push_back(JsonObject().text("const", key.word).json());
  // admin.listen: empty means nowhere.
  if (key.option.kind == OptionKind::address) schemas.push_back(JsonObject().text("const", "").json());
  const auto* reload = config::reloadable(section, key.option.name);
  return property(key.option, std::move(schemas), reload ? reload->effect : std::string_view{});
}

void add_keys(JsonObject& properties, std::vector<std::string>& required, const KeySection& section) {
  for (const Key& key : section.keys) {
    properties.add(key.option.name, property(key, section.name));
    if (key.option.required) required.push_back(key.option.name);
  }
}

/// A map with these keys and no others; nothing written is an empty map.
std::string closed_map(std::string_view help, const JsonObject& properties, const std::vector<std::string>& required) {
  JsonObject out;
  out.text("description", help).add("type", required.empty() ? R"(["object","null"])" : R"("object")");
  out.add("properties", properties.json());
  if (!required.empty()) out.add("required", json_texts(required));
  return out.add("additionalProperties", "false").json();
}

struct Component {
  std::string kind, name, summary;
  const std::vector<OptionSpec>& options;
  JsonObject abilities;
};

std::string component_definition(const Component& c, const KeySection& common) {
  JsonObject properties;
  std::vector<std::string> required{"type"}, own;
  properties.add("type", JsonObject().text("const", c.name).text("description", c.summary).json());
  add_keys(properties, required, common);
  for (const OptionSpec& spec : c.options) {
    auto schemas = value_schemas(spec, true);
    properties.add(spec.name, property(spec, std::move(schemas)));
    own.push_back(spec.name);
    if (spec.required) required.push_back(spec.name);
  }
  JsonObject out;
  out.text("description", c.summary).text("type", "object").add("properties", properties.json());
  out.add("required", json_texts(required)).add("additionalProperties", "false");
  if (c.kind == receiver) return out.json();
  JsonObject about = c.abilities;
  about.text("kind", c.kind).text("name", c.name).text("summary", c.summary).add("options", json_texts(own));
  return out.add("x-weir", about.json()).json();
}

/// One part: its type, and by its type which keys it has.
std::string part_definition(std::string_view kind, const std::vector<Component>& all) {
  std::vector<std::string> types, rules;
  for (const Component& c : all) {
    if (c.kind != kind) continue;
    const std::string is_it = JsonObject().text("const", c.name).text("description", c.summary).json();
    types.push_back(is_it);
    const std::string when = JsonObject()
                                 .add("properties", JsonObject().add("type", is_it).json())
                                 .add("required", json_texts({"type"}))
                                 .json();
    rules.push_back(JsonObject().add("if", when).add("then", refers_to(fmt::format("{}.{}", kind, c.name))).json());
  }
  types.push_back(refers_to("variable"));
  JsonObject out;
  out.text("type", "object").add("required", json_texts({"type"}));
  out.add("properties", JsonObject().add("type", any_of(types)).json());
  if (!rules.empty()) out.add("allOf", json_array(rules));
  return out.json();
}

std::string json_of(bool value) { return value ? "true" : "false"; }

std::vector<Component> components(const Catalog& catalog) {
  std::vector<Component> all;
  for (const SourceType& t : catalog.sources()) {
    JsonObject can;
    can.add("pauses", json_of(t.can.can_pause)).add("refuses", json_of(t.can.can_refuse));
    can.add("replays", json_of(t.can.can_replay)).text("strongest", name(t.strongest));
    all.push_back({"source", t.name, t.summary, t.options, can});
  }
  for (const StageType& t : catalog.stages()) all.push_back({"stage", t.name, t.summary, t.options, {}});
  for (const SinkType& t : catalog.sinks()) {
    JsonObject can;
    can.add("idempotent", json_of(t.idempotent));
    all.push_back({"sink", t.name, t.summary, t.options, can});
  }
  for (const JournalType& t : catalog.journals()) all.push_back({"journal", t.name, t.summary, t.options, {}});
  return all;
}

void add_kinds(JsonObject& definitions) {
  for (const KindInfo& kind : kinds) {
    if (kind.pattern.empty() && kind.kind != OptionKind::text) continue;
    definitions.add(definition_of(kind.kind, false), kind_definition(kind, false));
    definitions.add(definition_of(kind.kind, true), kind_definition(kind, true));
  }
  const auto any = [](std::string pattern) {
    return JsonObject().text("type", "string").text("pattern", "^(" + pattern + ")$").json();
  };
  definitions.add("variable", any(std::string(variable)));
  definitions.add("variable_or_file", any(fmt::format("{}|file:.+", variable)));
  definitions.add("part", any(fmt::format(R"({0}(\.{0})?|{1})", part_name, variable)));
  definitions.add("parts", JsonObject()
                               .text("type", "array")
                               .add("items", refers_to("part"))
                               .add("minItems", "1")
                               .add("uniqueItems", "true")
                               .json());
}

std::string section_of_parts(std::string_view kind, std::string_view help) {
  return JsonObject()
      .text("description", help)
      .add("type", R"(["object","null"])")
      .add("patternProperties", JsonObject().add(fmt::format("^{}$", part_name), refers_to(kind)).json())
      .add("additionalProperties", "false")
      .add("maxProperties", "256")
      .json();
}

void add_receivers(JsonObject& definitions, const std::vector<Component>& all) {
  std::vector<Component> receivers;
  for (const Component& c : all)
    if (c.kind == "sink") receivers.push_back({std::string(receiver), c.name, c.summary, c.options, {}});
  definitions.add(receiver, part_definition(receiver, receivers));
  for (const Component& c : receivers)
    definitions.add(fmt::format("{}.{}", receiver, c.name), component_definition(c, {}));
}

}  // namespace

std::string config_schema(const Catalog& catalog) {
  JsonObject definitions, top;
  std::vector<std::string> nothing;
  const auto all = components(catalog);
  add_kinds(definitions);
  for (const KeySection& section : config_keys()) {
    if (section.name == "process") {
      add_keys(top, nothing, section);
    } else if (std::ranges::find(kinds_of_parts, section.name) != kinds_of_parts.end()) {
      definitions.add(section.name, part_definition(section.name, all));
      top.add(section.name + "s", section_of_parts(section.name, section.help));
      for (const Component& c : all)
        if (c.kind == section.name) definitions.add(c.kind + "." + c.name, component_definition(c, section));
    } else {
      JsonObject properties;
      std::vector<std::string> required;
      add_keys(properties, required, section);
      definitions.add(section.name, closed_map(section.help, properties, required));
    }
  }
  add_receivers(definitions, all);
  add_alerts_schema(top, definitions);
  top.add("admin", refers_to("admin"));
  top.add("log", refers_to("log"));
  add_gateways_schema(top, definitions);
  add_tests_schema(top, definitions);
  add_scenarios_schema(top, definitions);
  JsonObject schema;
  schema.text("$schema", "https://json-schema.org/draft/2020-12/schema").text("title", "Weir configuration");
  schema.add("type", R"(["object","null"])").add("properties", top.json()).add("additionalProperties", "false");
  return indented(schema.add("$defs", definitions.json()).json());
}

}  // namespace weir::app
