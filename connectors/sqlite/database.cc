#include "database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace weir::sqlite {
namespace {

// About 40 MB of log. Checkpoints then come rarer and bigger, which cuts the worst transaction to a sixth.
constexpr int checkpoint_pages = 10'000;

void share_heap(std::int64_t change) {
  static std::mutex mutex;
  static std::int64_t sum = 0;
  const std::lock_guard lock(mutex);
  sum += change;
  sqlite3_hard_heap_limit64(sum);  // 0, when no database is open, means no limit
}

std::int64_t in_ms(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }

std::string_view advice(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another process holds it: end its transaction (an open sqlite3 shell?)";
    case SQLITE_FULL: return "free some space; nothing is lost, it is tried again";
    case SQLITE_IOERR: return "look at the disk and its mount; nothing acknowledged is affected";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "it is not a SQLite database or is damaged: move it away, or save what can be saved with sqlite3 FILE "
             ".recover";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return "give this user write permission to the file and its folder";
    case SQLITE_CANTOPEN: return "its folder must exist and be writable, and the path must be a file";
    case SQLITE_NOMEM: return "raise this sink's `memory`";
    default: return "nothing is lost, it is tried again";
  }
}

/// Absent: waiting does not help.
std::optional<Reason> reason_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Reason::destination_locked;
    case SQLITE_FULL: return Reason::disk_full;
    default: return std::nullopt;
  }
}

// SQLite syncs the folder for its log, but not for a database file that is new.
void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Error Database::error(std::string_view doing) const {
  const int code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
  const auto reason = reason_of(code);
  return {reason ? Error::Kind::overloaded : Error::Kind::failed,
          fmt::format("{}: {}: {}: {}", config_.path, doing, handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code),
                      advice(code)),
          Duration{0}, reason};
}

Result<void> Database::open() {
  const auto folder = std::filesystem::path(config_.path).parent_path();
  if (const int made = folder.empty() ? 0 : make_folders(folder); made < 0)
    return failure(fmt::format("{}: cannot create its folder: {}: create it, or choose another path", config_.path,
                               std::generic_category().message(-made)));
  (void)make_file(config_.path, config_.mode);  // what stands in the way, SQLite says as well
  share_heap(static_cast<std::int64_t>(config_.memory.count()));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const bool opened = sqlite3_open_v2(config_.path.c_str(), &handle_, flags, nullptr) == SQLITE_OK;
  auto configured = opened ? configure() : std::unexpected(error("cannot open it"));
  if (configured) configured = hold();
  if (configured) configured = be_whole();
  if (!configured) {
    drop();
    return configured;
  }
  sync_folder(folder.empty() ? "." : folder);
  return {};
}

Result<void> Database::configure() {
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_handler(handle_, &Database::wait_for_lock, this);
  for (const auto& pragma : {std::string("PRAGMA journal_mode = WAL"), "PRAGMA synchronous = " + config_.synchronous,
                             fmt::format("PRAGMA cache_size = -{}", config_.memory.count() / 4 / 1024),
                             fmt::format("PRAGMA wal_autocheckpoint = {}", checkpoint_pages),
                             fmt::format("PRAGMA journal_size_limit = {}", checkpoint_pages * 4096L),
                             std::string("PRAGMA mmap_size = 0"), std::string("PRAGMA temp_store = FILE")})
    if (auto done = run(pragma); !done) return done;
  return {};
}

/// In place of sqlite3_busy_timeout, which nobody can end: waits of 1, 2, 4 ... 64 ms, for busy_timeout in all.
int Database::wait_for_lock(void* self, int waits) {
  constexpr int doublings = 6;
  const auto& database = *static_cast<const Database*>(self);
  const std::int64_t n = waits, before = n <= doublings ? (1 << n) - 1 : (n - doublings + 1) * (1 << doublings) - 1;
  const auto left = in_ms(database.config_.busy_timeout) - before;
  if (left <= 0 || database.cancelled_.load(std::memory_order_relaxed)) return 0;
  sqlite3_sleep(static_cast<int>(std::min<std::int64_t>(left, 1 << std::min(waits, doublings))));
  return 1;
}

/// Which files are open. The log is there from the first transaction on, and reading waits for nobody.
Result<void> Database::hold() {
  if (auto read = run("SELECT 1 FROM sqlite_master LIMIT 1"); !read) return read;
  const auto file = look_at(config_.path), log = look_at(log_path()), index = look_at(index_path());
  int moved = 1;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (!file || !*file || !log || !*log || !index || !*index || moved)
    return failure(config_.path + ": it was moved or deleted while it was opened: let others leave it alone");
  file_ = HeldFile(**file);
  log_ = HeldFile(**log);
  index_ = HeldFile(**index);
  return {};
}

/// One that was cut has pages missing unless its log had them. Cost: reads all of it, once.
Result<void> Database::be_whole() {
  if (!was_cut_) return {};
  auto checked = prepare("PRAGMA quick_check(1)");
  if (!checked) return std::unexpected(checked.error());
  const bool read = sqlite3_step(checked->get()) == SQLITE_ROW;
  const auto* const said = read ? reinterpret_cast<const char*>(sqlite3_column_text(checked->get(), 0)) : nullptr;
  if (!said || std::string_view(said) != "ok")
    return failure(
        config_.path +
        ": it was emptied or cut while it was in use, and is damaged: move it away, or save what can be saved "
        "with sqlite3 FILE .recover");
  was_cut_ = false;
  return {};
}

Error Database::cannot_look(int error) const {
  return {Error::Kind::failed,
          fmt::format("{}: cannot look whether it is still there: {}: look at its folder's permissions", config_.path,
                      std::generic_category().message(error)),
          Duration{0}, std::nullopt};
}

Result<bool> Database::is_named() {
  const auto file = look_at(config_.path), log = look_at(log_path()), index = look_at(index_path());
  for (const auto* const look : {&file, &log, &index})
    if (!*look) return std::unexpected(cannot_look(look->error()));
  if (!file_.is_named_by(*file) || !log_.is_named_by(*log) || !index_.is_named_by(*index)) return false;
  was_cut_ = was_cut_ || file_.state(*file) == HeldFile::State::shorter;
  file_.leave((*file)->length);  // checkpoints, of others as well, make it longer
  return !was_cut_;
}

/// Others that found no index have made one of their own, and by that write over our end of the log.
std::expected<bool, int> Database::others_write_its_log() const {
  const auto log = look_at(log_path()), index = look_at(index_path());
  if (!log || !index) return std::unexpected(!log ? log.error() : index.error());
  return log_.is_named_by(*log) && !index_.is_named_by(*index);
}

Result<void> Database::let_go() {
  if (!handle_) return {};
  const auto shared = others_write_its_log();
  if (!shared) return std::unexpected(cannot_look(shared.error()));
  if (!*shared &&
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(error("it was moved or cut, and what its log holds cannot be written back to it"));
  int keep = 1;  // what has the log's name now is not ours to remove
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  close();
  return {};
}

void Database::close() {
  if (!handle_) return;
  if (others_write_its_log().value_or(false))
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  else
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  drop();
}

void Database::drop() {
  sqlite3_close(std::exchange(handle_, nullptr));
  share_heap(-static_cast<std::int64_t>(config_.memory.count()));
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(error("cannot run \"" + sql.substr(0, 60) + "\""));
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK)
    return std::unexpected(error("cannot prepare \"" + sql.substr(0, 60) + "\""));
  return Statement(statement);
}

}  // namespace weir::sqlite
