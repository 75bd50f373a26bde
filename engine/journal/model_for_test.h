#pragma once
/// What a journal promises (semantics B1 to B3 and B6), written out as a program that keeps everything: the reference
/// model that lockstep_for_test.h runs beside the log.
///
/// The model has batches with the sequences of their events, a first event that has not been given up, and for each
/// consumer what it has read, what of that has settled and what its saved cursor says at least. It knows no segments:
/// where those decide (how much goes at once, when the log is full) it says what may be and what must not be. What is
/// lost with power is the same kind of thing: it says what must be there, what may be, and takes over what it is told.
///
///   may be given up      by a tick: what every consumer has settled; with `keep` what holders have settled and is
///                        older than that
///                        by a write that finds no room: what holders have settled; drop_oldest: anything
///   comes back for sure  commit: what was accepted; interval: what was there at a tick at least `interval` after the
///                        one before; none: what was there at a close. After a kill without loss of power: all of it
///   may come back        what was accepted since, and the batches of a write that failed, until another one succeeds
///   a cursor is          at a place its consumer had settled, not before the one of the last tick
///
/// Every call that judges answers with what is wrong, for people; empty: nothing is.
///
/// Thread: one. Cost: tests only.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "journal/log.h"

namespace weir::journal {

/// A batch as it was offered.
struct Sent {
  std::vector<std::string> events;
  Priority priority = Priority::normal;
  std::uint64_t first_id = 0;
  WallTime wall{};
  bool operator==(const Sent&) const = default;
};
struct Seen {
  std::uint64_t sequence = 0;
  Sent sent;
};

class JournalModel {
 public:
  struct Reading {
    bool configured = true, holds = true;
    std::uint64_t read = 1, settled = 1, saved = 1;  ///< sequences of what comes next; saved: at least
    std::uint64_t guarded = 1;                       ///< events it had missed before it existed are not kept for it
    std::uint64_t skipped = 0, damaged = 0;          ///< of this life
    std::set<std::uint64_t> places{1};               ///< where it has stood since `saved`
    struct ReadRange {
      std::uint64_t end;
      bool settled;
    };
    std::vector<ReadRange> ranges{};  ///< read, and something in or before it has not settled
  };
  /// Why something may be given up just now.
  enum class Cause : std::uint8_t { none, tick, no_room };
  enum class Crash : std::uint8_t { kill, power };

  JournalModel(const LogConfig& config, TimePoint now) : config_(config), synced_at_(now) {}

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return batches_.empty() ? 1 : batches_.back().end(); }
  std::uint64_t dropped() const { return dropped_; }  ///< given up unread by drop_oldest, in this life
  /// With `none` nothing says for sure that what was lost once does not count any more.
  bool is_over() const { return has_lost_ && config_.durability == Durability::none; }
  const std::map<std::string, Reading>& readings() const { return readings_; }
  std::uint64_t may_go_before(Cause cause, WallTime now) const;

  void offer(std::vector<Sent> group) { doubtful_.push_back(std::move(group)); }
  void accept();  ///< the last that was offered; one that was refused is just not accepted

  /// What a consumer got from its reader: the next record, or nothing, and how many events it was told it has missed.
  std::string read(const std::string& who, const std::optional<Seen>& got, std::uint64_t gone, std::uint64_t damaged);
  void settle(const std::string& who, std::size_t piece);
  void tick(TimePoint now);
  void close(TimePoint now);
  std::string give_up(std::uint64_t first, Cause cause, WallTime now);

  /// The end of a life; `cause` is why what was just under way may have given something up.
  void crash(Crash how, Cause cause);
  std::string come_back(const std::vector<Seen>& all, std::uint64_t first, std::uint64_t end, TimePoint now,
                        WallTime wall);
  std::string join(const std::string& who, bool holds, bool from_newest, std::uint64_t position);
  std::string stay_away(const std::string& who, std::uint64_t position);

 private:
  struct Kept {
    std::uint64_t first;
    Sent sent;
    bool accepted = false, firm = false, lost = false;
    std::uint64_t end() const { return first + sent.events.size(); }
  };
  void append(const std::vector<Sent>& group);
  std::uint64_t held() const;
  std::uint64_t unread() const;
  bool is_read() const;
  bool adopt_doubtful(const std::vector<Seen>& all, std::uint64_t end);
  std::string judge_presence(const std::vector<Seen>& all, std::uint64_t first, std::uint64_t end,
                             std::uint64_t given_up);
  std::string judge_place(const std::string& who, const Reading& reading, std::uint64_t position) const;

  const LogConfig config_;
  std::vector<Kept> batches_;  ///< all there have ever been, by sequence
  std::vector<std::vector<Sent>> doubtful_;
  std::uint64_t first_ = 1, dropped_ = 0;
  std::map<std::string, Reading> readings_;
  TimePoint synced_at_;
  bool has_lost_ = false;
  Crash crash_ = Crash::kill;
  Cause cause_ = Cause::none;
};

}  // namespace weir::journal
