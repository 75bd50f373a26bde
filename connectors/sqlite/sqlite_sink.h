#pragma once
/// Sink `sqlite`: one row an event, one transaction a delivery, keyed by the event's id so that delivering again
/// doubles nothing. README.md has its guarantees.
///
/// Rows go in 50 to a statement (+30 to 55 % over one). The table keeps its rowid: measured with 200-byte events and a
/// 2 MiB cache, WITHOUT ROWID is as fast for ascending ids and five times slower for random ones (11 k against 60 k
/// rows/s), because it then moves whole events about instead of index entries.
///
/// Thread: one worker. Cost: about 2 us an event with ascending ids. On cancel: a delivery that
/// waits for a lock (busy_timeout at most) reports `again` within 0.1 s.
#include <weir/component/already_there.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>

#include <optional>

#include "database.h"

namespace weir::sqlite {

class SqliteSink final : public Sink {
 public:
  explicit SqliteSink(const SinkSetup& setup);
  ~SqliteSink() override { close(); }

  Result<void> check() const override;
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override { database_.cancel(); }
  void close() override;

 private:
  static constexpr std::size_t rows_at_once = 50;
  struct Row {
    std::uint32_t id_offset, id_length;  // in ids_
    const Batch* batch;
    std::string_view event;
  };

  Result<void> open_database();
  Result<void> find();
  Result<void> let_go();
  Result<void> insert(std::span<const Batch> batches, Delivery& delivery);
  Result<void> open_table();
  Result<void> check_columns();
  Result<Statement> prepare_insert(std::size_t rows);
  Result<void> insert_all(std::span<const Batch> batches, Delivery& delivery);
  /// Why this event can never be stored; empty when it was added to rows_.
  std::string take(const Batch& batch, std::uint32_t i);
  Result<void> insert_rows();
  void bind(sqlite3_stmt* statement, int at, const Row& row) const;
  Delivery again(const Error& error) const;

  std::string name_;
  std::string table_;  // quoted
  Bytes largest_event_;
  Database database_;
  Result<FieldReader> id_;
  Statement insert_many_, insert_one_;
  std::string ids_;
  std::vector<Row> rows_;
  AlreadyThere there_;
  bool lacks_table_ = false;  // the last insert found no such table, or one with other columns
};

void add_to(Catalog& catalog);

}  // namespace weir::sqlite
