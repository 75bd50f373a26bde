#pragma once
/// What a floor server stores with: groups of bodies, each made durable at once by a thread of its own.
///
/// One group is written while the next one fills: the largest groups, so the fewest syncs and wake-ups, that a closed
/// loop of clients allows. That is what makes it a floor.
///
/// Thread: Committer is used by the event thread; a Store only by the Committer's own thread. Cost: a mutex, one
/// wake-up each way a group. On cancel: destroying a Committer finishes the group it has.
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace weir::bench {

class Store {
 public:
  virtual ~Store() = default;
  /// Durable when it returns.
  virtual void write(std::string_view lines) = 0;
};

/// Appends and calls fdatasync.
class FileStore : public Store {
 public:
  explicit FileStore(const std::string& path);
  ~FileStore() override;
  void write(std::string_view lines) override;

 private:
  int fd_;
};

/// One transaction a call, one prepared INSERT a line; WAL, synchronous=FULL.
class SqliteStore : public Store {
 public:
  explicit SqliteStore(const std::string& path);
  ~SqliteStore() override;
  void write(std::string_view lines) override;

 private:
  void insert(std::string_view event, std::int64_t now_ms);
  sqlite3* db_ = nullptr;
  sqlite3_stmt *begin_ = nullptr, *insert_ = nullptr, *commit_ = nullptr;
};

/// No HTTP and no hand-off, only the insert loop over prepared lines. Each line of standard input, "ROWS EVENTS", is
/// one slice, answered with one line of JSON: the CPU of this thread, in which SQLite does all its work. The database
/// goes on growing, as the one it is compared with does.
void bare_loop(const std::string& path);

struct Group {
  std::string lines;
  std::vector<void*> waiting;  ///< who is answered once it is stored
  std::uint64_t events = 0;
};

class Committer {
 public:
  /// `wake_fd` is an eventfd, signalled when a group is done.
  Committer(std::unique_ptr<Store> store, int wake_fd);
  ~Committer();
  bool idle() const { return !busy_; }
  /// Only while idle. `group` comes back empty, with the storage of an earlier one.
  void hand(Group& group);
  /// After the wake-up: who can be answered.
  const std::vector<void*>& done();
  std::uint64_t groups() const { return groups_; }
  std::uint64_t events() const { return events_; }

 private:
  void run();
  std::unique_ptr<Store> store_;
  const int wake_fd_;
  bool busy_ = false;  // the event thread's view
  std::uint64_t groups_ = 0, events_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_;
  bool full_ = false, stop_ = false;
  Group group_;
  std::thread thread_;
};

}  // namespace weir::bench
