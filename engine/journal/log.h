#pragma once
/// The durable log: one writer, any number of readers, a folder of segments.
///
/// `write` appends batches and commits them: with Durability::commit one fdatasync covers all of them, and when it
/// returns they are on the disk. Commits group themselves: what arrives during one sync is the next group, so a slow
/// disk makes larger groups and no timer is needed. Readers see what is committed and nothing else.
///
///   what may be lost      kill -9        power loss
///   commit                nothing        nothing that was answered
///   interval              nothing        at most what was written since the last sync, `interval` ago
///   none                  nothing        whatever the kernel had not written yet (about 30 s)
///
/// After any failure the segment is left and what was not committed is void: the next write begins a new segment, whose
/// header says from which event on older ones do not count. After a failed sync the content of the disk is unknown.
///
/// A segment is given up only when every holder's *saved* cursor is behind it (semantics B2), one after the other, each
/// on the disk before the next, so no crash leaves a hole. Spare segments are used again: their blocks are written.
///
/// Before a write is answered the folder must still have our lock, and the segments our names (held_file.h). A segment
/// that somebody took away is left as after any failure. Without its folder the log does nothing but say so: when the
/// folder comes back it goes on.
///
/// Thread: `write` one; everything else any. Cost: one copy, one CRC, one pwrite per MiB, one fdatasync per write. On
/// cancel: a write is finished or void.
#include <weir/base/context.h>
#include <weir/base/wall_age.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "journal/recovery.h"

namespace weir::journal {

enum class Durability : std::uint8_t { commit, interval, none };

struct LogConfig {
  std::string path;
  Bytes segment = 64_MiB;
  Bytes max_bytes = 10_GiB;
  std::optional<Duration> keep{};  ///< what all consumers have read is kept so long, while there is room
  Durability durability = Durability::commit;
  Duration interval = std::chrono::seconds(1);
  bool drop_oldest = false;  ///< full: the oldest segment is given up, read or not
  std::size_t spares = 2;    ///< at most so many segments wait to be used again
  Bytes read_ahead = 256_KiB;
  Bytes largest_record = 20_MiB;
};

/// A sixteenth of it, between 1 MiB and 64 MiB: what has been read is given back in small pieces.
Bytes usual_segment(Bytes max_bytes);

struct ConsumerConfig {
  std::string name;
  bool holds = true;         ///< nothing it has not read is given up
  bool from_newest = false;  ///< when it has no cursor yet: it begins behind what is there now
};

/// What is told of a consumer. One that is not configured may still hold what it has not read.
struct ConsumerStats {
  std::string name;
  bool holds = true, configured = true;
  Position settled;
  std::uint64_t lag_events = 0, lag_bytes = 0;
  std::uint64_t skipped = 0;  ///< events that were given up before it read them
  std::uint64_t damaged = 0;  ///< events it could not be given because the disk had lost them
};

struct LogStats {
  std::uint64_t first = 1, end = 1;  ///< sequences: oldest event that is there, and behind the newest
  std::uint64_t segments = 0, bytes = 0, spare_bytes = 0;
  std::uint64_t records = 0, commits = 0, written_bytes = 0;
  std::uint64_t torn_bytes = 0, damaged_places = 0, dropped_events = 0;
  std::string error;  ///< the last one, while it lasts
};

/// A consumer of a log. Its position moves when everything before it is settled; `save` makes it durable.
class Consumer {
 public:
  explicit Consumer(ConsumerConfig config) : config(std::move(config)) {}
  const ConsumerConfig config;
  std::atomic<std::uint64_t> skipped{0}, damaged{0};
  std::function<void()> on_more;  ///< called by the writer after each commit; set before the first write

 private:
  friend class Log;
  Position settled_, saved_;
  std::optional<CursorFile> cursor_;
};

class Log {
 public:
  /// Takes the folder's lock, recovers what is there, and reports in notes() what people should know about it.
  static Result<std::unique_ptr<Log>> open(Disk& disk, LogConfig config, const Context& context);
  ~Log();
  const std::vector<std::string>& notes() const { return notes_; }
  const LogConfig& config() const { return config_; }

  // ---- the writer ----
  /// All of them, or none. Kind overloaded: there is no room now.
  Result<void> write(std::span<const Batch> batches);

  // ---- consumers ----
  /// Before the first write. Its name is a file name. A consumer that held what it had not read and is not added again
  /// goes on holding it, until it is forgotten.
  Result<Consumer*> add_consumer(ConsumerConfig config);
  /// A consumer that nobody reads by any more: what it has not read is no longer kept for it. False: it has no cursor.
  Result<bool> forget(const std::string& consumer);
  Position position(const Consumer& consumer) const;
  void settle(Consumer& consumer, const Position& to);
  Position end() const;

  /// What a reader needs to know of the segment in which this event lies, or of the next one that has events.
  struct Extent {
    std::uint64_t number, first, end;  ///< sequences
    std::uint64_t limit;               ///< nothing behind this offset may be looked at
    bool is_last;
  };
  std::optional<Extent> extent_of(std::uint64_t sequence) const;
  /// The newest segment that was given up, and with it all before it; 0: none in this life.
  std::uint64_t given_up() const { return given_up_.load(std::memory_order_acquire); }
  /// Whether a segment that ought to be there is certainly not, in a folder that is certainly ours.
  bool has_lost(std::uint64_t segment) const;
  Result<SegmentScan> scan(std::uint64_t segment) const;
  /// Keeps a copy of bytes that cannot be read as records, for people; within bounds, once for each place.
  void quarantine(SegmentScan& scan, std::uint64_t from, std::uint64_t to);

  // ---- housekeeping, about once a second ----
  /// Saves cursors, syncs what is due, gives up segments that are not needed any more.
  void tick();
  /// tick(), and everything that was written is on the disk. With Durability::none it syncs each segment that is there.
  Result<void> close();
  LogStats stats() const;
  std::vector<ConsumerStats> consumers() const;

 private:
  Log(Disk& disk, LogConfig config, const Context& context);
  Result<void> append(const Batch& batch, std::uint64_t durable);
  Result<void> roll(std::size_t record);
  Result<void> still_named(std::uint64_t number, const HeldFile& segment) const;
  Result<void> still_ours() const;
  Result<void> confirm() const;
  bool is_kept(std::uint64_t number) const;
  Result<void> flush();
  Result<void> commit();
  void give_up();
  Result<void> make_segment(std::uint64_t size);
  Result<void> make_room(std::uint64_t size);
  Result<std::unique_ptr<File>> blank(std::uint64_t number, std::uint64_t size, std::string& name);
  Result<void> read_folder();
  Result<void> make_sure(const Recovered& found);
  Result<void> name_it();
  void save_cursors();
  Result<void> retire_what_is_done(std::uint64_t wanted);
  bool may_go(const Segment& segment, std::uint64_t wanted) const;
  std::string waits_for() const;
  Result<void> retire_oldest();
  Result<void> finish_retiring();
  Result<void> remove_void();
  void drop_useless_spares();
  Result<void> sync_interval();
  void free_reserve();
  void keep_reserve();
  std::uint64_t used() const;
  std::uint64_t oldest() const;
  std::uint64_t lag_bytes(const Position& from) const;
  std::string path(std::string_view name) const { return config_.path + "/" + std::string(name); }
  void remember(const Error& error);

  Disk& disk_;
  const LogConfig config_;
  const Context& context_;
  const WallAge age_;
  std::unique_ptr<Disk::Lock> lock_;
  HeldFile locked_;  // the folder is ours as long as this is the file `lock` in it
  JournalId id_{};
  std::vector<std::string> notes_;

  // The writer's.
  std::shared_ptr<File> current_;
  HeldFile held_;  // the current segment
  std::uint64_t current_number_ = 0, current_epoch_ = 0, current_size_ = 0;
  std::uint64_t offset_ = 0;  // where the buffer goes
  std::vector<char> buffer_;
  std::size_t buffered_ = 0;
  std::uint64_t next_sequence_ = 1;  // of what is appended next
  struct Lost {
    std::uint64_t from = 1, to = 1;
  };
  Lost lost_;  // sequences that a cursor knows and the disk does not; what is left of them must not come back
  std::int64_t newest_wall_ = 0;
  std::uint64_t appended_ = 0;  // records since the last commit
  struct Sealed {
    std::uint64_t number, end, limit;
    HeldFile file;
  };
  std::vector<Sealed> sealed_;      // segments that the group at hand has filled
  std::atomic<bool> leave_{false};  // a sync of the current segment has failed
  std::atomic<std::uint64_t> given_up_{0};

  std::mutex folder_;  // held while files are made, renamed or removed; taken before mutex_
  bool has_reserve_ = false;

  mutable std::mutex mutex_;  // everything below
  std::vector<Segment> segments_;
  std::vector<Spare> spares_;
  std::optional<Spare>
      retiring_;  // its old name is removed, but the removal may not be durable yet; no name: the file was removed
  Position committed_;
  std::uint64_t synced_sequence_ = 1;
  std::shared_ptr<File> unsynced_;  // interval: what a tick must sync
  TimePoint synced_at_{};
  std::uint64_t next_number_ = 1;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  struct Orphan {
    Position at;
    bool holds = true;
  };
  std::map<std::string, Orphan> orphans_;  // cursors that nobody reads by
  LogStats counts_;
};

}  // namespace weir::journal
