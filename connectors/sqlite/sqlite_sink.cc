#include "sqlite_sink.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <weir/base/terminal_text.h>
#include <weir/component/event_id.h>
#include <weir/component/mode_option.h>

#include <algorithm>

#include "log/log.h"

namespace weir::sqlite {
namespace {

constexpr int columns = 4;
constexpr int most_tries = 3;  // of one delivery, while somebody takes its file away

std::string in_quotes(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

DatabaseConfig database_config(const Options& options) {
  return {.path = options.text("path"),
          .synchronous = options.get_or<std::string>("synchronous", "full"),
          .busy_timeout = options.get_or<Duration>("busy_timeout", std::chrono::seconds(5)),
          .mode = mode_of(options),
          .memory = options.get_or<Bytes>("memory", 8_MiB)};
}

/// An event takes up to three times its size of SQLite's heap, and reading its id another seven times.
Bytes largest_event(const DatabaseConfig& config) { return Bytes(config.memory.count() / 8); }

}  // namespace

SqliteSink::SqliteSink(const SinkSetup& setup)
    : name_(setup.name),
      table_(in_quotes(setup.options.get_or<std::string>("table", "events"))),
      largest_event_(largest_event(database_config(setup.options))),
      database_(database_config(setup.options)),
      id_(FieldReader::compile(setup.options.get_or<std::string>("id", ".id"), largest_event_)) {
  rows_.reserve(rows_at_once);
}

Result<void> SqliteSink::check() const {
  if (!id_) return failure(fmt::format("sink {}: id: {}", name_, id_.error().message));
  return {};
}

Result<void> SqliteSink::open() {
  if (auto fit = check(); !fit) return fit;
  auto opened = open_database();
  if (opened) return {};
  return std::unexpected(
      Error{opened.error().kind, fmt::format("sink {}: {}", name_, opened.error().message), Duration{0}});
}

Result<void> SqliteSink::open_database() {
  auto opened = database_.open();
  if (opened) opened = open_table();
  if (!opened) close();
  return opened;
}

void SqliteSink::close() {
  insert_many_.reset();
  insert_one_.reset();
  database_.close();
}

Result<void> SqliteSink::open_table() {
  auto made = database_.run(
      "CREATE TABLE IF NOT EXISTS " + table_ +
      " (id TEXT PRIMARY KEY NOT NULL, received_at INTEGER NOT NULL, priority TEXT NOT NULL, event TEXT NOT NULL)");
  if (!made) return made;
  if (auto checked = check_columns(); !checked) return checked;
  auto many = prepare_insert(rows_at_once);
  if (!many) return std::unexpected(many.error());
  auto one = prepare_insert(1);
  if (!one) return std::unexpected(one.error());
  insert_many_ = std::move(*many);
  insert_one_ = std::move(*one);
  return {};
}

Result<void> SqliteSink::check_columns() {
  auto listed = database_.prepare("PRAGMA table_info(" + table_ + ")");
  if (!listed) return std::unexpected(listed.error());
  std::string found;
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(listed->get())) == SQLITE_ROW) {
    if (!found.empty()) found += ", ";
    found += reinterpret_cast<const char*>(sqlite3_column_text(listed->get(), 1));
    if (sqlite3_column_int(listed->get(), 5)) found += " key";
  }
  if (step != SQLITE_DONE) return std::unexpected(database_.error("cannot read its schema"));
  if (found == "id key, received_at, priority, event") return {};
  return failure(
      fmt::format("{}: table {} has columns ({}) and this sink needs (id key, received_at, priority, event): "
                  "choose another `table`, or rename that one",
                  database_.path(), table_, found));
}

Result<Statement> SqliteSink::prepare_insert(std::size_t rows) {
  std::string sql = "INSERT INTO " + table_ + " (id, received_at, priority, event) VALUES ";
  for (std::size_t i = 0; i < rows; ++i) sql += i ? ",(?,?,?,?)" : "(?,?,?,?)";
  return database_.prepare(sql + " ON CONFLICT(id) DO NOTHING");
}

Delivery SqliteSink::again(const Error& error) const {
  return Delivery::again(
      Error{error.kind, fmt::format("sink {}: {}", name_, error.message), Duration{0}, error.reason});
}

Delivery SqliteSink::deliver(std::span<const Batch> batches) {
  if (std::ranges::all_of(batches, [](const Batch& batch) { return batch.empty(); })) return {};
  for (int tries = 1;; ++tries) {
    if (auto found = find(); !found) return again(found.error());
    Delivery delivery;
    if (auto done = insert(batches, delivery); !done) {
      if (std::exchange(lacks_table_, false)) close();  // whoever took the table away gets another one
      return again(done.error());
    }
    const auto named = database_.is_named();
    if (!named) return again(named.error());
    if (*named) return delivery;
    // Nobody would find it. Ids make it harmless that it may stand in the old file as well.
    if (auto gone = let_go(); !gone) return again(gone.error());
    if (tries == most_tries)
      return again(Error{Error::Kind::failed, database_.path() + ": it was taken away again", Duration{0}});
  }
}

/// The database that the path names is open.
Result<void> SqliteSink::find() {
  if (database_.is_open()) {
    const auto named = database_.is_named();
    if (!named) return std::unexpected(named.error());
    if (*named) return {};
    if (auto gone = let_go(); !gone) return gone;
  }
  return open_database();
}

Result<void> SqliteSink::let_go() {
  log::warn(
      {"sink", name_},
      "{}: it was deleted, renamed, replaced or emptied, or its -wal or -shm was: it is opened again, and what was "
      "not confirmed goes to what is there now, or to a new one",
      terminal_text(database_.path()));
  insert_many_.reset();
  insert_one_.reset();
  return database_.let_go();
}

/// One transaction.
Result<void> SqliteSink::insert(std::span<const Batch> batches, Delivery& delivery) {
  crash_point("sqlite.before_begin");
  if (auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = insert_all(batches, delivery);
  if (done) {
    crash_point("sqlite.before_commit");
    done = database_.run("COMMIT");
  }
  if (done) {
    crash_point("sqlite.after_commit");
    return {};
  }
  // Everything goes again, and ids make that harmless, even when it was only the answer of a commit that failed.
  if (!sqlite3_get_autocommit(database_.handle()))
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

Result<void> SqliteSink::insert_all(std::span<const Batch> batches, Delivery& delivery) {
  rows_.clear();
  ids_.clear();
  there_ = {};
  for (std::uint32_t b = 0; b < batches.size(); ++b)
    for (std::uint32_t i = 0; i < batches[b].size(); ++i) {
      if (auto why = take(batches[b], i); !why.empty()) delivery.refused.push_back({b, i, std::move(why)});
      if (rows_.size() < rows_at_once) continue;
      if (auto inserted = insert_rows(); !inserted) return inserted;
    }
  auto inserted = insert_rows();
  there_.tell(delivery);
  return inserted;
}

std::string SqliteSink::take(const Batch& batch, std::uint32_t i) {
  const auto event = batch[i];
  if (Bytes(event.size()) > largest_event_)
    return fmt::format("it has {} bytes and this sink takes at most {}: raise its `memory`", event.size(),
                       largest_event_.count());
  if (event.find('\0') != event.npos) return "it holds a zero byte, and SQLite's text cannot";
  if (!simdjson::validate_utf8(event.data(), event.size())) return "it is not valid UTF-8, and SQLite's text must be";
  const auto offset = static_cast<std::uint32_t>(ids_.size());
  const auto id = id_->value(event);
  if (is_id(id)) {
    if (id.text.find('\0') != id.text.npos) return "its id holds a zero character, and SQLite's text cannot";
    ids_ += id.text;
  } else {
    append_own_id(ids_, batch, i);
    there_.new_id(batch);
  }
  rows_.push_back({offset, static_cast<std::uint32_t>(ids_.size()) - offset, &batch, event});
  return {};
}

void SqliteSink::bind(sqlite3_stmt* statement, int at, const Row& row) const {
  const auto& info = row.batch->info();
  const auto received =
      std::chrono::duration_cast<std::chrono::milliseconds>(info.received_wall.time_since_epoch()).count();
  sqlite3_bind_text(statement, at + 1, ids_.data() + row.id_offset, static_cast<int>(row.id_length), SQLITE_STATIC);
  sqlite3_bind_int64(statement, at + 2, received);
  sqlite3_bind_text(statement, at + 3, name(info.priority).data(), -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, at + 4, row.event.data(), static_cast<int>(row.event.size()), SQLITE_STATIC);
}

Result<void> SqliteSink::insert_rows() {
  const bool full = rows_.size() == rows_at_once;
  auto* const statement = full ? insert_many_.get() : insert_one_.get();
  Result<void> result;
  for (std::size_t i = 0; i < rows_.size() && result; i += full ? rows_at_once : 1) {
    for (std::size_t k = 0; k < (full ? rows_at_once : 1); ++k)
      bind(statement, static_cast<int>(k) * columns, rows_[i + k]);
    if (const int step = sqlite3_step(statement); step != SQLITE_DONE) {
      lacks_table_ = step == SQLITE_ERROR;
      result = std::unexpected(database_.error("cannot insert"));
    } else {
      there_.sent(full ? rows_at_once : 1, static_cast<std::uint64_t>(sqlite3_changes(database_.handle())));
    }
    sqlite3_reset(statement);
  }
  rows_.clear();
  ids_.clear();
  return result;
}

void add_to(Catalog& catalog) {
  SinkType type;
  type.name = "sqlite";
  type.summary = "inserts each event once, by its id, into a table of a SQLite database";
  type.options = {
      {.name = "path",
       .kind = OptionKind::path,
       .required = true,
       .help = "The database; it and its folder are created."},
      {.name = "table", .fallback = "events", .help = "The table; it is created."},
      {.name = "id",
       .kind = OptionKind::expression,
       .fallback = ".id",
       .help = "The path of an event's id; without one, or with an empty one, it gets a number."},
      {.name = "synchronous",
       .kind = OptionKind::choice,
       .fallback = "full",
       .help = "full: on the disk before it is confirmed. normal, off: a power loss may undo the last seconds.",
       .choices = {"full", "normal", "off"}},
      {.name = "busy_timeout",
       .kind = OptionKind::duration,
       .fallback = "5s",
       .help = "How long it waits for a lock of another process."},
      {.name = "memory",
       .kind = OptionKind::size,
       .fallback = "8MiB",
       .help = "SQLite's memory: a quarter is page cache, an eighth the largest event; less where memory is small.",
       .shrinks = Shrinks{.least = "2MiB", .events = 8}},
      mode_option(
          "Who may read and write a database that it makes, with its -wal and -shm; one that is there keeps its own."),
  };
  type.ack = [](const Options& options) {
    return options.get_or<std::string>("synchronous", "full") == "full" ? SinkAck::durable : SinkAck::received;
  };
  type.max_workers = [](const Options&) { return 1; };
  type.idempotent = true;
  type.footprint = [](const Options& options, Load) {
    const auto config = database_config(options);
    return std::vector{
        Footprint{.fixed = config.memory, .per_unit = {}, .unit = "database"},
        Footprint{.fixed = 256_KiB, .per_unit = largest_event(config) * 7, .max_units = 1, .unit = "event being read"}};
  };
  type.make = [](const SinkSetup& setup) { return std::make_unique<SqliteSink>(setup); };
  catalog.add(std::move(type));
}

}  // namespace weir::sqlite
