#include "schema.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <set>

#include "config/reloadable.h"
#include "json_tree.h"
#include "schema_keys.h"

namespace weir::app {
namespace {

Catalog everything() {
  Catalog catalog;
  add_all_connectors(catalog);
  return catalog;
}

simdjson::dom::element parsed(simdjson::dom::parser& parser, const std::string& text) {
  simdjson::dom::element json;
  EXPECT_EQ(parser.parse(text).get(json), simdjson::SUCCESS);
  return json;
}

TEST(Schema, KnowsEveryKeyThatAReloadTakesOver) {
  for (const auto& row : config::reloadable_keys()) {
    bool found = false;
    for (const KeySection& section : config_keys())
      for (const Key& key : section.keys)
        found = found || (section.name == row.section && (row.key.empty() || row.key == key.option.name));
    EXPECT_TRUE(found) << row.section << "." << row.key;
  }
  simdjson::dom::parser parser;
  const auto json = parsed(parser, config_schema(everything()));
  std::string_view effect;
  EXPECT_EQ(json["$defs"]["queue"]["properties"]["max_events"]["x-reload"].get(effect), simdjson::SUCCESS);
  EXPECT_EQ(json["$defs"]["source.http"]["properties"]["when_full"]["x-reload"].get(effect), simdjson::SUCCESS);
  EXPECT_NE(json["$defs"]["source.http"]["properties"]["acks"]["x-reload"].get(effect), simdjson::SUCCESS);
}

TEST(Schema, HoldsEveryOptionOfEveryComponent) {
  const Catalog catalog = everything();
  simdjson::dom::parser parser;
  const auto json = parsed(parser, config_schema(catalog));
  const auto look = [&](const std::string& definition, const std::vector<OptionSpec>& options) {
    for (const OptionSpec& spec : options) {
      std::string_view help;
      EXPECT_EQ(json["$defs"][definition]["properties"][spec.name]["description"].get(help), simdjson::SUCCESS)
          << definition << "." << spec.name;
    }
  };
  for (const auto& type : catalog.sources()) look("source." + type.name, type.options);
  for (const auto& type : catalog.stages()) look("stage." + type.name, type.options);
  for (const auto& type : catalog.sinks()) look("sink." + type.name, type.options);
}

TEST(Schema, EveryOptionIsExplainedInOneSentence) {
  const Catalog catalog = everything();
  const auto look = [](const std::string& name, const std::vector<OptionSpec>& options) {
    for (const OptionSpec& spec : options) EXPECT_GE(spec.help.size(), 8u) << name << "." << spec.name;
  };
  for (const auto& type : catalog.sources()) look(type.name, type.options);
  for (const auto& type : catalog.stages()) look(type.name, type.options);
  for (const auto& type : catalog.sinks()) look(type.name, type.options);
}

TEST(Schema, NoOptionHidesAKeyOfTheConfigurationItself) {
  const Catalog catalog = everything();
  std::map<std::string, std::set<std::string>> keys;
  for (const auto& section : config_keys())
    for (const auto& key : section.keys) keys[section.name].insert(key.option.name);
  for (const auto& type : catalog.sinks())
    for (const auto& spec : type.options) EXPECT_FALSE(keys["sink"].contains(spec.name)) << type.name << spec.name;
  for (const auto& type : catalog.sources())
    for (const auto& spec : type.options) EXPECT_FALSE(keys["source"].contains(spec.name)) << type.name << spec.name;
}

TEST(Schema, EverySectionThatIsReferredToIsThere) {
  std::set<std::string> names;
  for (const auto& section : config_keys()) names.insert(section.name);
  for (const auto& section : config_keys())
    for (const auto& key : section.keys)
      if (key.form == Key::Form::section) EXPECT_TRUE(names.contains(key.below)) << key.below;
}

TEST(JsonTree, IndentsWithoutTouchingTexts) {
  EXPECT_EQ(indented(R"({"a":"{,\":[","b":[1,{}],"c":[]})"),
            "{\n  \"a\": \"{,\\\":[\",\n  \"b\": [\n    1,\n    {}\n  ],\n  \"c\": []\n}\n");
}

}  // namespace
}  // namespace weir::app
