#include "config/yaml_json.h"

#include <weir/base/json_text.h>
#include <weir/component/expression/json_event.h>

#include <algorithm>

namespace weir::config {
namespace {

bool means_something(std::string_view text) {
  return text == "true" || text == "false" || text == "null" || text == "~" || text.empty() ||
         parse_json_number(text).kind == JsonValue::Kind::number;
}

}  // namespace

std::string YamlToJson::json(const Yaml& node) {
  const bool map = node.kind == Yaml::Kind::map;
  if (node.kind == Yaml::Kind::null) return "null";
  if (node.kind == Yaml::Kind::scalar) return scalar(node);
  std::string out(1, map ? '{' : '[');
  for (const Yaml& item : node.items) out += json(item) + ",";
  for (const YamlEntry& entry : node.entries) out += json_text(entry.key) + ":" + json(entry.value) + ",";
  if (out.back() == ',') out.pop_back();
  return out + (map ? '}' : ']');
}

std::string YamlToJson::scalar(const Yaml& node) {
  if (!means_something(node.text) || !is_plain(node.location)) return json_text(node.text);
  return node.text.empty() || node.text == "~" ? "null" : node.text;
}

/// No quote, and no block, begins there; an anchor may stand before it.
bool YamlToJson::is_plain(const SourceLocation& location) {
  std::string_view rest = line_of(location);
  while (rest.starts_with('&') || rest.starts_with('!')) {
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  return rest.empty() || std::string_view("\"'|>").find(rest[0]) == std::string_view::npos;
}

/// From the place to the end of its line; nothing when the file cannot be read.
std::string_view YamlToJson::line_of(const SourceLocation& location) {
  const File& in = file(location.file);
  const auto line = static_cast<std::size_t>(std::max(location.line - 1, 0));
  if (line >= in.lines.size()) return {};
  std::string_view text = std::string_view(in.text).substr(in.lines[line]);
  text = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(static_cast<std::size_t>(std::max(location.column - 1, 0)), text.size()));
  return text;
}

const YamlToJson::File& YamlToJson::file(const std::string& name) {
  const auto [at, fresh] = files_.try_emplace(name);
  File& file = at->second;
  if (!fresh) return file;
  if (auto text = options_.read_file ? options_.read_file(name) : failure("")) file.text = std::move(*text);
  for (std::size_t i = 0; i < file.text.size(); i = std::min(file.text.find('\n', i), file.text.size()) + 1)
    file.lines.push_back(i);
  return file;
}

}  // namespace weir::config
