#include "columns.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/component/expression/json_string.h>

#include <set>

namespace weir::postgres {
namespace {

constexpr std::size_t most_columns = 256;
constexpr std::size_t longest_name = 63;  // NAMEDATALEN - 1: the server would cut the rest off

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

/// What stands first: a path, `event` or `received`.
Result<Column> parse_from(std::string_view& text) {
  Column column;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (text.starts_with('.') || text.starts_with('@')) {
    std::size_t at = 0;
    if (const auto wrong = parse_path(text, at, column.path)) return failure(*wrong);
    if (at < text.size() && text[at] != ' ') return failure("expected a blank behind the path");
    text.remove_prefix(at);
    column.type = find_type("text");
    return column;
  }
  const auto word = next_word(text);
  if (word != "event" && word != "received")
    return failure(fmt::format("expected a path such as .amount, `event` or `received`, not {}", json_text(word)));
  column.from = word == "event" ? Column::From::event : Column::From::received;
  column.type = find_type(word == "event" ? "jsonb" : "timestamptz");
  return column;
}

/// A default is written as the value in an event would be, without its quotes.
Result<std::string> encoded(const Type& type, std::string_view text) {
  std::string quoted = "\"";
  append_escaped(text, quoted);
  quoted += '"';
  JsonValue value{.kind = JsonValue::Kind::text, .text = text, .raw = quoted};
  if (type.kind == Type::Kind::jsonb) value.raw = text;
  if (type.kind == Type::Kind::boolean && (text == "true" || text == "false"))
    value = {.kind = JsonValue::Kind::boolean, .flag = text == "true"};
  std::string out;
  if (const auto why = append_value(type, value, out); !why.empty()) return failure("its default: " + why);
  return out;
}

Result<Column> parse_column(std::string_view text) {
  auto column = parse_from(text);
  if (!column) return column;
  auto word = next_word(text);
  if (const Type* type = find_type(word)) {
    if (column->from != Column::From::path && type != column->type)
      return failure(fmt::format("it is always {}", column->type->name));
    column->type = type;
    word = next_word(text);
  }
  if (word.empty()) return column;
  if (column->from == Column::From::path && word == "required" && next_word(text).empty()) {
    column->required = true;
    return column;
  }
  if (column->from == Column::From::path && word == "default") {
    auto fallback = encoded(*column->type, text.substr(std::min<std::size_t>(1, text.size())));
    if (!fallback) return std::unexpected(fallback.error());
    column->fallback = std::move(*fallback);
    return column;
  }
  return failure(
      fmt::format("{} is no type ({}), and neither `required` nor `default VALUE`", json_text(word), type_names()));
}

}  // namespace

Result<std::vector<Column>> event_columns(bool with_id, std::string_view id_path) {
  std::vector<Column> columns;
  if (with_id) {
    auto path = Path::parse(id_path);
    if (!path) return failure("id: " + path.error().message);
    columns.push_back({.name = "id", .from = Column::From::id, .path = std::move(*path), .type = find_type("text")});
  }
  columns.push_back({.name = "event", .from = Column::From::event, .type = find_type("jsonb")});
  return columns;
}

Result<std::vector<Column>> parse_columns(const Options::Table& table) {
  std::vector<Column> columns;
  std::set<std::string_view> names;
  if (table.size() > most_columns) return failure("columns: at most 256");
  for (const auto& [name, text] : table) {
    const auto shown = json_text(std::string_view(name).substr(0, 100));
    if (name.empty() || name.size() > longest_name || name.find('\0') != name.npos)
      return failure(fmt::format("columns: {} is no name of a column: 1 to 63 bytes", shown));
    if (!names.insert(name).second) return failure(fmt::format("columns: {} is there twice", shown));
    auto column = parse_column(text);
    if (!column) return failure(fmt::format("columns.{}: {}", name, column.error().message));
    column->name = name;
    columns.push_back(std::move(*column));
  }
  return columns;
}

}  // namespace weir::postgres
