#pragma once
/// What goes into which column: one line of text for each in the configuration.
///
///   columns:
///     id:      .order.id text required
///     amount:  .amount numeric
///     source:  .source text default unknown
///     at:      received                      # when the event came in, timestamptz
///     raw:     event                         # the whole event, jsonb
///
/// FROM [TYPE] [required | default TEXT]. FROM is a path, `event` or `received`; TYPE is text if it is not said.
/// A missing value and JSON's null are NULL, unless the column has a default; `required` refuses the event instead.
///
/// Thread: values. Cost: parsed once at start. Bound: 256 columns.
#include <weir/component/expression/path.h>
#include <weir/component/options.h>

#include "values.h"

namespace weir::postgres {

struct Column {
  enum class From : std::uint8_t {
    path,
    id,  ///< the path; without a number or a text that is not empty there the event's own number
    event,
    received,
  };
  std::string name;
  From from = From::path;
  Path path{};
  const Type* type = nullptr;
  bool required = false;
  bool is_key = false;     ///< all of it: an empty text there is refused
  std::string fallback{};  ///< its default as append_value wrote it; empty: NULL
};

/// What a sink without `columns` stores: the event, and its id before it.
Result<std::vector<Column>> event_columns(bool with_id, std::string_view id_path);
/// The error names the column.
Result<std::vector<Column>> parse_columns(const Options::Table& table);

}  // namespace weir::postgres
