#include "floor_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <utility>

#include "support.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t max_bare_events = 1'000'000;

void must(int code, int wanted, sqlite3* db) {
  if (code == wanted) return;
  fail(std::string("the floor's SQLite: ") + sqlite3_errmsg(db));
}

sqlite3_stmt* prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr), SQLITE_OK, db);
  return statement;
}

void step(sqlite3* db, sqlite3_stmt* statement) {
  must(sqlite3_step(statement), SQLITE_DONE, db);
  sqlite3_reset(statement);
}

// A bare loop knows its own events: the id is the first member. Nothing is parsed.
std::string_view id_of(std::string_view event) {
  constexpr std::string_view before = R"({"id":")";
  const auto end = event.find('"', before.size());
  return event.starts_with(before) && end != std::string_view::npos ? event.substr(before.size(), end - before.size())
                                                                    : event;
}

}  // namespace

FileStore::FileStore(const std::string& path)
    : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (fd_ < 0) fail_errno("cannot open " + path);
}
FileStore::~FileStore() { close(fd_); }

void FileStore::write(std::string_view lines) {
  while (!lines.empty()) {
    const auto n = ::write(fd_, lines.data(), lines.size());
    if (n < 0) fail_errno("cannot append to the floor's file");
    lines.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fdatasync(fd_) != 0) fail_errno("cannot sync the floor's file");
}

SqliteStore::SqliteStore(const std::string& path) {
  must(sqlite3_open(path.c_str(), &db_), SQLITE_OK, db_);
  must(sqlite3_exec(
           db_,
           "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
           "CREATE TABLE IF NOT EXISTS events(id TEXT PRIMARY KEY, received_at INTEGER, class TEXT, event TEXT)",
           nullptr, nullptr, nullptr),
       SQLITE_OK, db_);
  begin_ = prepare(db_, "BEGIN IMMEDIATE");
  insert_ = prepare(db_, "INSERT INTO events VALUES(?1, ?2, ?3, ?4)");
  commit_ = prepare(db_, "COMMIT");
}

SqliteStore::~SqliteStore() {
  for (auto* statement : {begin_, insert_, commit_}) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

void SqliteStore::insert(std::string_view event, std::int64_t now_ms) {
  const auto id = id_of(event);
  sqlite3_bind_text(insert_, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
  sqlite3_bind_int64(insert_, 2, now_ms);
  sqlite3_bind_text(insert_, 3, "normal", 6, SQLITE_STATIC);
  sqlite3_bind_text(insert_, 4, event.data(), static_cast<int>(event.size()), SQLITE_STATIC);
  step(db_, insert_);
}

void SqliteStore::write(std::string_view lines) {
  using namespace std::chrono;
  const auto now_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  step(db_, begin_);
  while (!lines.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(lines.data(), '\n', lines.size()));
    const auto size = newline ? static_cast<std::size_t>(newline - lines.data()) : lines.size();
    insert(lines.substr(0, size), now_ms);
    lines.remove_prefix(newline ? size + 1 : size);
  }
  step(db_, commit_);
}

Committer::Committer(std::unique_ptr<Store> store, int wake_fd)
    : store_(std::move(store)), wake_fd_(wake_fd), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void Committer::hand(Group& group) {
  groups_ += 1;
  events_ += group.events;
  busy_ = true;
  {
    const std::lock_guard lock(mutex_);
    std::swap(group_, group);
    full_ = true;
  }
  ready_.notify_one();
  group.lines.clear();
  group.waiting.clear();
  group.events = 0;
}

const std::vector<void*>& Committer::done() {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  return group_.waiting;  // the thread does not touch it again before hand()
}

void Committer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return full_ || stop_; });
    if (!full_) return;
    lock.unlock();  // the event thread does not touch the group before it is told
    store_->write(group_.lines);
    lock.lock();
    full_ = false;
    const std::uint64_t one = 1;
    if (::write(wake_fd_, &one, sizeof one) != sizeof one) fail_errno("cannot wake the event thread");
  }
}

void bare_loop(const std::string& path) {
  SqliteStore store(path);
  std::uint64_t rows = 0, events = 0, next_id = 0;
  while (std::cin >> rows >> events) {
    if (rows < 1 || rows > 10'000 || events > max_bare_events) fail("bare: ROWS is 1 to 10000, EVENTS at most 1000000");
    const auto batches = std::max<std::uint64_t>(1, events / rows);
    EventText text("bare", static_cast<std::uint32_t>(rows));
    std::vector<std::string> prepared;
    for (std::uint64_t i = 0; i < batches; ++i, next_id += rows) prepared.emplace_back(text.with_ids(next_id));
    const auto cpu = thread_cpu_ns();
    for (const auto& lines : prepared) store.write(lines);
    fmt::print("{{\"rows\":{},\"events\":{},\"cpu_us\":{:.1f}}}\n", rows, batches * rows,
               static_cast<double>(thread_cpu_ns() - cpu) / 1e3);
    std::fflush(stdout);
  }
}

}  // namespace weir::bench
