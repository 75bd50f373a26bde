#pragma once
/// One random case, run through the log with its readers and through the reference model at the same time: the same
/// writes, reads, settlements in any order, ticks, clock, failing syncs, closes, kills, losses of power and consumers
/// that come, go and change. After every step both must agree on all the model speaks of.
///
/// What is left to the log, because segments decide it, is bounded from both sides:
///   given up for room      only when a segment for each batch would not have fitted; and no more than needed: with the
///                          largest segment that went the log would be above max_bytes, and none waits to be used again
///   refused for room       only when the segments that hold unsettled events, the newest one, twice what the write
///                          takes, and one for each life so far (which may have left one empty) are more than
///                          max_bytes
///   kept though all read   the newest segment, and what a write that failed has left
///
/// Thread: one. Cost: about a millisecond a case; tests only.
#include <fmt/format.h>

#include "journal/harness_for_test.h"
#include "journal/model_for_test.h"

namespace weir::journal {

class Lockstep {
 public:
  explicit Lockstep(std::uint64_t seed);
  /// Empty: they agreed to the end. Else where they first differed, and the steps up to there.
  std::string run();
  std::uint64_t events() const { return next_event_; }

 private:
  struct Side {
    Consumer* consumer;
    std::optional<Reader> reader;
    struct ReadRange {
      Position end;
      bool settled;
    };
    std::vector<ReadRange> ranges;
  };
  bool chance(std::uint64_t percent) { return rng_.below(100) < percent; }
  void step();
  void write();
  void judge_written(const std::vector<Sent>& group, const Result<void>& written, std::uint64_t bytes_before);
  void judge_refusal(const std::vector<Sent>& group);
  /// Was what consumers may miss given up for nothing?
  void judge_need(const std::vector<Log::Extent>& before, bool only_usual_sizes);
  void read();
  void settle();
  void tick();
  void advance();
  void reopen();
  void crash(JournalModel::Crash how, JournalModel::Cause cause);
  void open();
  void open_consumers();
  void arm();
  void disarm();
  bool lost() const { return disk_->steps() >= crash_at_; }
  void end_of_step(JournalModel::Cause cause);
  void compare();
  std::vector<Sent> draw_group();
  std::optional<Seen> seen(const std::optional<RecordView>& record) const;
  std::vector<Seen> all();
  std::uint64_t segment_for(const Sent& sent) const;
  std::uint64_t segments_for(const std::vector<Sent>& group) const;
  std::uint64_t bytes_held() const;
  std::vector<Log::Extent> extents() const;
  std::uint64_t size_of(const Log::Extent& extent) const;
  void note(std::string what) { steps_.push_back(std::move(what)); }
  void differ(const std::string& what);
  template <typename A, typename B>
  void same(std::string_view what, const A& log, const B& model) {
    if (difference_.empty() && log != static_cast<A>(model))
      differ(fmt::format("{}: the log says {}, the model {}", what, log, model));
  }

  Rng rng_;
  LogConfig config_;
  ManualClock clock_;
  Context context_;
  std::unique_ptr<PowerDisk> disk_ = std::make_unique<PowerDisk>();
  std::unique_ptr<Log> log_;
  std::map<std::string, Side> sides_;
  JournalModel model_;
  std::uint64_t crash_at_ = UINT64_MAX;
  bool has_failed_ = false, has_refused_ = false;
  std::uint64_t lives_ = 0, found_bytes_ = 0;
  std::uint64_t next_event_ = 1;
  std::vector<std::string> steps_;
  std::string difference_;
};

}  // namespace weir::journal
