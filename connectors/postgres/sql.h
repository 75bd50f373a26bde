#pragma once
/// The few statements this connector sends, with every name quoted: nothing from a configuration or an event is ever
/// part of the SQL itself.
///
///   INSERT INTO t (a, b) SELECT * FROM unnest($1::text[], $2::jsonb[]) ON CONFLICT (a) DO NOTHING
///
/// ON CONFLICT names the key: without it a violation of any other unique index would lose the row silently.
///
/// Thread: pure functions. Cost: at start. Ref: postgresql.org/docs/15/sql-insert.html, sql-copy.html.
#include "columns.h"

namespace weir::postgres {

std::string quoted_name(std::string_view name);

struct Table {
  std::string quoted;  ///< "public"."orders"
  std::string shown;   ///< public.orders
};
/// NAME or SCHEMA.NAME, taken as written; a part with dots or quotes stands in quotes, as in SQL.
Result<Table> parse_table(std::string_view text);

std::string insert_sql(const Table& table, const std::vector<Column>& columns, const std::vector<std::string>& key);
std::string copy_sql(const Table& table, const std::vector<Column>& columns);
std::string create_sql(const Table& table, const std::vector<Column>& columns, const std::vector<std::string>& key);
/// Rows of {name, type} of the columns the table has.
std::string types_sql(const Table& table);

}  // namespace weir::postgres
