#pragma once
/// Events on their way to be rows: for INSERT one binary array a column, for COPY one binary stream. A value has the
/// same bytes in both, so only what stands around it differs.
///
///   array   int32 1 (dimensions) | int32 0 or 1 (holds NULL) | int32 type | int32 count | int32 1 | values
///   COPY    "PGCOPY\n\377\r\n\0" | int32 0 | int32 0 | { int16 columns | values } ... | int16 -1
///
/// Thread: one owner. Cost: about 90 ns to find an event's members, then 20 to 60 ns a column. Bound: `most` bytes of
/// values; their buffers take up to twice as much, and reading an event five times the largest one.
/// Ref: array_recv in PostgreSQL 15, src/backend/utils/adt/arrayfuncs.c; docs/15/sql-copy.html, "Binary Format".
#include <weir/component/batch.h>

#include <span>

#include "columns.h"

namespace weir::postgres {

class Rows {
 public:
  enum class Form : std::uint8_t { arrays, stream };
  /// Both live at least as long as this.
  Rows(const std::vector<Column>& columns, Bytes most);

  /// The largest event one may take.
  static Bytes largest_event(Bytes most) { return Bytes(most.count() / 4); }

  void begin(Form form);
  Form form() const { return form_; }
  std::size_t count() const { return count_; }
  /// Of those, how many have an id that Weir gave them, and to nobody before (event_id.h).
  std::size_t new_ids() const { return new_ids_; }
  /// True: it is a row. False: it is none yet, because what is there must go first. Error: it can never be one, and
  /// why, naming the column.
  std::expected<bool, std::string> add(const Batch& batch, std::uint32_t event);
  /// Ends them; what it gives is valid until begin(). Form::arrays: one a column; Form::stream: a single one.
  std::span<const std::string_view> finish();

 private:
  std::string append_row(const Batch& batch, std::uint32_t event);
  std::string append_column(const Column& column, const Batch& batch, std::uint32_t event, std::string& out);
  std::string append_event(std::string& out);
  std::string append_path(const Column& column, std::string& out);
  std::string& target(std::size_t column) { return buffers_[form_ == Form::stream ? 0 : column]; }

  const std::vector<Column>& columns_;
  const std::size_t most_;
  Form form_ = Form::arrays;
  JsonEvent json_;
  std::string unescaped_;
  std::vector<std::string> buffers_;
  std::vector<std::size_t> before_;  // where each buffer ended before this row
  std::vector<char> holds_null_;
  std::vector<std::string_view> values_;
  std::size_t count_ = 0, bytes_ = 0, new_ids_ = 0;
  bool new_id_ = false;  // the row that is being made has one
};

}  // namespace weir::postgres
