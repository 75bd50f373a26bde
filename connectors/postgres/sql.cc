#include "sql.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>

namespace weir::postgres {
namespace {

std::string names(const std::vector<Column>& columns) {
  std::string all;
  for (const Column& column : columns) all += (all.empty() ? "" : ", ") + quoted_name(column.name);
  return all;
}

std::string names(const std::vector<std::string>& columns) {
  std::string all;
  for (const auto& name : columns) all += (all.empty() ? "" : ", ") + quoted_name(name);
  return all;
}

/// The next part of a name, up to a dot or the end; nothing: it is none.
std::optional<std::string> next_part(std::string_view& text) {
  std::string part;
  if (!text.starts_with('"')) {
    part = text.substr(0, text.find('.'));
    text.remove_prefix(part.size());
    return part.find('"') == part.npos ? std::optional(part) : std::nullopt;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"' && !text.substr(i + 1).starts_with('"')) {
      text.remove_prefix(i + 1);
      return part;
    }
    if (text[i] == '"') ++i;
    part += text[i];
  }
  return std::nullopt;
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

Result<Table> parse_table(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return failure(fmt::format("table: {} {}: write NAME or SCHEMA.NAME", json_text(text.substr(0, 200)), why));
  };
  std::string_view rest = text;
  Table table;
  for (int parts = 0;; ++parts) {
    const auto part = parts < 2 ? next_part(rest) : std::nullopt;
    if (!part || (!rest.empty() && rest[0] != '.')) return wrong("is no name of a table");
    if (part->empty() || part->size() > 63 || part->find('\0') != part->npos)
      return wrong("has a part of 0 or more than 63 bytes");
    table.quoted += quoted_name(*part);
    table.shown += *part;
    if (rest.empty()) return table;
    rest.remove_prefix(1);
    table.quoted += '.';
    table.shown += '.';
  }
}

std::string insert_sql(const Table& table, const std::vector<Column>& columns, const std::vector<std::string>& key) {
  std::string arrays;
  for (std::size_t i = 0; i < columns.size(); ++i)
    arrays += fmt::format("{}${}::{}[]", i ? ", " : "", i + 1, columns[i].type->name);
  return fmt::format("INSERT INTO {} ({}) SELECT * FROM unnest({}){}", table.quoted, names(columns), arrays,
                     key.empty() ? "" : fmt::format(" ON CONFLICT ({}) DO NOTHING", names(key)));
}

std::string copy_sql(const Table& table, const std::vector<Column>& columns) {
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", table.quoted, names(columns));
}

std::string create_sql(const Table& table, const std::vector<Column>& columns, const std::vector<std::string>& key) {
  std::string definitions;
  for (const Column& column : columns)
    definitions += fmt::format("{}{} {}{}", definitions.empty() ? "" : ", ", quoted_name(column.name),
                               column.type->name, column.required ? " NOT NULL" : "");
  if (!key.empty()) definitions += fmt::format(", PRIMARY KEY ({})", names(key));
  return fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", table.quoted, definitions);
}

std::string types_sql(const Table& table) {
  std::string literal = "'";
  for (const char c : table.quoted) literal += c == '\'' ? std::string("''") : std::string(1, c);
  return fmt::format(
      "SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = {}'::regclass AND attnum > 0 AND NOT "
      "attisdropped",
      literal);
}

}  // namespace weir::postgres
