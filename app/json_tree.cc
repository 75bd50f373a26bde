#include "json_tree.h"

#include <weir/base/json_text.h>

namespace weir::app {

JsonObject& JsonObject::add(std::string_view name, std::string json) {
  members_.emplace_back(name, std::move(json));
  return *this;
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) { return add(name, json_text(value)); }

std::string JsonObject::json() const {
  std::string out = "{";
  for (const auto& [name, value] : members_) {
    if (out.size() > 1) out += ',';
    out += json_text(name) + ":" + value;
  }
  return out + "}";
}

std::string json_array(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
  return out + "]";
}

std::string json_texts(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  for (const std::string& item : items) quoted.push_back(json_text(item));
  return json_array(quoted);
}

std::string indented(std::string_view json) {
  std::string out;
  std::size_t level = 0;
  bool in_text = false;
  const auto new_line = [&] { out += '\n' + std::string(level * 2, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) out += json[++i];
      if (c == '"') in_text = false;
      continue;
    }
    const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    const bool hollow = opens && i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
    if (hollow) {
      out += {c, json[++i]};
      continue;
    }
    if (closes) --level, new_line();
    out += c;
    if (opens) ++level, new_line();
    if (c == ',') new_line();
    if (c == ':') out += ' ';
    in_text = c == '"';
  }
  return out + "\n";
}

}  // namespace weir::app
