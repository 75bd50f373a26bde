#pragma once
/// One SQLite connection with limited memory, and errors that a person can act on.
///
/// SQLite's hard heap limit is one number for the whole process, so each open Database adds its share to it and takes
/// it away again: sinks side by side keep to the sum of what they declare (semantics C6).
///
/// SQLite writes on to a file that was deleted, renamed, replaced or emptied, and to a log (-wal) or an index (-shm)
/// that was; `is_named` looks. An index of their own is how other processes write over our transactions: it is left
/// without writing anything back, and what the log holds is read again. A file that was cut is whole again if the log
/// holds all of it, which is checked before it is used.
///
/// Thread: one at a time (it may move between threads), but `cancel` any. Cost: that of SQLite. On cancel: whoever
/// waits for a lock gives up within 0.1 s. Ref: sqlite.org/wal.html, c3ref/hard_heap_limit64, c3ref/busy_handler.
#include <sqlite3.h>
#include <weir/base/file_mode.h>
#include <weir/base/held_file.h>
#include <weir/base/result.h>

#include <atomic>
#include <memory>
#include <string>

namespace weir::sqlite {

struct DatabaseConfig {
  std::string path;
  std::string synchronous = "full";
  Duration busy_timeout = std::chrono::seconds(5);
  FileMode mode{};       ///< of a file that is made; its log and index take the mode of the file
  Bytes memory = 8_MiB;  ///< its share of the heap limit; a quarter of it is page cache
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

class Database {
 public:
  explicit Database(DatabaseConfig config) : config_(std::move(config)) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { close(); }

  /// Opens or creates the file and its folder, in WAL mode.
  Result<void> open();
  bool is_open() const { return handle_ != nullptr; }
  /// Whether the paths of database, log and index still name the files that are open, and nobody has cut the database;
  /// an error: they could not be looked at.
  Result<bool> is_named();
  /// Writes the log back into the database file and closes it. All statements must be gone.
  void close();
  /// The same for files that have other names by now, or none. An error: the log holds what is not in the database yet,
  /// and somebody reads it: it stays open.
  Result<void> let_go();
  /// For good: nothing waits for the lock of another process any more.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  Result<void> run(const std::string& sql);
  Result<Statement> prepare(const std::string& sql);
  /// The last error, in words; `overloaded` when waiting may cure it.
  Error error(std::string_view doing) const;
  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return config_.path; }

 private:
  Result<void> configure();
  void drop();
  static int wait_for_lock(void* self, int waits);
  Result<void> hold();
  Result<void> be_whole();
  Error cannot_look(int error) const;
  std::expected<bool, int> others_write_its_log() const;
  std::string log_path() const { return config_.path + "-wal"; }
  std::string index_path() const { return config_.path + "-shm"; }

  DatabaseConfig config_;
  sqlite3* handle_ = nullptr;
  std::atomic<bool> cancelled_{false};
  HeldFile file_, log_, index_;
  bool was_cut_ = false;  // and is not known to be whole
};

}  // namespace weir::sqlite
