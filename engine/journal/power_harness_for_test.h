#pragma once
/// A journal at work on a disk that loses power, and the oracle that judges what is left.
///
/// A World is one disk, one log and a Ledger of what was promised. It writes, reads, settles, ticks, is killed and is
/// opened again by chance; after any step of its disk it may branch: the disk as it could look after losing power
/// there, and a copy of the Ledger, make another World that must be opened, judged and worked with, and that may lose
/// power itself.
///
/// What is judged (semantics B1, B2): every event of a write that returned success is read exactly once by every
/// consumer that had not settled it; nothing else is read that was not offered, byte by byte; order is kept; a cursor
/// is at a place where its consumer was, not before what was saved and not behind what was settled; nobody is told of a
/// loss; what has been shown to a reader stays; people are told of nothing but a torn tail.
///
/// Thread: one. Cost: about 1 ms a history.
#include <chrono>
#include <functional>

#include "journal/harness_for_test.h"
#include "journal/step_disk_for_test.h"

namespace weir::journal {

/// What was promised so far.
struct Ledger {
  struct Event {
    std::uint32_t length = 0;
    bool firm = false;  ///< it may not be lost any more
  };
  struct Reading {
    std::string name;
    bool from_newest = false, exists = false;
    std::map<std::uint64_t, std::uint64_t> places;  ///< where it may stand: sequence, newest event before it
    std::uint64_t saved = 0, settled = 0;           ///< sequences
  };
  std::vector<Event> events{1};  ///< by number, from 1
  std::vector<Reading> readings;
};

/// How a run is played and judged; one for all its branches.
struct Trial {
  explicit Trial(std::uint64_t seed)
      : rng(seed), latecomers(rng.below(2) == 0), kill_one_in(3 + static_cast<unsigned>(rng.below(10))) {}
  Rng rng;
  LogConfig config = small_log();
  unsigned actions = 60;
  bool kills = true;       ///< kill -9 at any step, and the same disk opened again
  bool faults = false;     ///< syncs that fail; instead of kills
  bool latecomers;         ///< consumers are added at later openings; they hold segments for long
  unsigned kill_one_in;    ///< of so many actions one is killed
  unsigned one_in = 1;     ///< so many of the steps branch
  bool ack_early = false;  ///< a mutant: the promise is made before the write returns
  std::string put_off;     ///< a mutant: see StepDisk
  std::string ignored;     ///< a mutant: see PowerDisk::ignore
  std::uint64_t histories = 0;
  std::uint64_t enough = ~0ull;
  std::string problem;  ///< the first that was found
  std::chrono::steady_clock::time_point until{};
  std::set<std::string> barriers;
  bool over() const;
};

class World {
 public:
  World(Trial& trial, std::unique_ptr<PowerDisk> disk, Ledger ledger, unsigned depth);
  void play();     ///< a whole run, branching
  void survive();  ///< what a branch does: opens, judges, works a little, is opened and judged again

 private:
  struct Found {
    std::vector<std::uint64_t> events;
    Reader::Losses losses;
  };
  void found(const std::string& what);
  void branch();
  bool lost() const { return disk_->steps() >= crash_at_; }
  void open();
  void reopen();
  void judge();
  void judge_notes();
  void judge_reading(Ledger::Reading& reading, const Found& all);
  void judge_events(const std::string& who, std::uint64_t after, const Found& got);
  std::optional<Found> read(const Position& from);
  std::optional<std::uint64_t> number_of_event(std::string_view text) const;
  void act();
  void write();
  void consume();
  void tick();
  void close();
  void kill_in_next_action();
  void firm_up();

  Trial& trial_;
  std::unique_ptr<PowerDisk> disk_;
  StepDisk steps_;
  Ledger ledger_;
  const unsigned depth_;
  std::uint64_t crash_at_ = UINT64_MAX;
  ManualClock clock_;
  Context context_{clock_};
  std::unique_ptr<Log> log_;
  std::vector<Consumer*> consumers_;
};

/// Plays runs with seeds from `seed` on until the time is up, `enough` histories were judged or a problem was found.
/// `set_up` makes each trial.
struct Verdict {
  std::uint64_t histories = 0, runs = 0;
  std::string problem;
  std::set<std::string> barriers;
};
Verdict play(std::chrono::milliseconds time, std::uint64_t enough, const std::function<void(Trial&)>& set_up);

/// From the environment: WEIR_POWER_SECONDS.
std::optional<std::chrono::milliseconds> power_time();

}  // namespace weir::journal
