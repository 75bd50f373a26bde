#pragma once
/// Who was refused because a limit was reached, when each was told to come back, and who is back at that time: so that
/// the time that was told is a promise, without a place that is kept free for anybody.
///
/// A promise is no reservation. Who is back when told goes first in the WaitingRoom (Arrival::returns), and no more are
/// told the same time than the service can take then; so nearly all of them are admitted. When somebody does not come,
/// the place is anybody's, and nothing stays idle.
///
///   promised   to a client that is known by `key`, one time each: one that asks before its time is asked like anybody,
///              keeps its promise, and when it is refused is told a time of another calendar and promised nothing. So
///              asking often, or as often as one likes, books one place; and clients that are taken for one (behind a
///              proxy that mixes them on its connections) are spread, although only one of them is promised a time
///   told       the first whole second, 1 to 60, for which fewer are promised than  part x dispatches a second, and in
///              its fifteenth fewer than 1.1 times their share; dispatches: their mean over two seconds, since a second
///              that is filled up to what each moment says is filled up to the highest of them
///   part       0.8 at first, so that a fifth is left for who is new; times 0.98 for each that was back when told and
///              refused, 0.001 more for each that was admitted, from 0.05 to 0.8: one in twenty is refused at most in
///              the long run, whatever else takes places (priorities above theirs)
///   back       from `tolerance` before its time to `grace` after it; then the promise is used up
///
/// When all 60 seconds are full, or the table has no place for the key, it is told 60 s and nothing is promised. The
/// table is bounded: each key has sixteen places it can be in, and a promise that holds is never pushed out.
///
/// Measured by returners_test.cc, eight slots and clients that all come back when told: 0.98 to 0.99 of those are
/// admitted on that try at 2 C, 0.91 to 0.96 at 10 C, 0.92 to 0.97 at 2 C with 0.5 C of critical ones above them;
/// without it 0.4. No slot is idle. Fewer of those who are new are admitted at once instead (0.15 of them at 2 C, where
/// it is 0.37 without).
///
/// What its owner does:
///
///   an arrival         back = came_back(key, now); room.enter({.., .returns = back})
///   refused            Retry-After = tell(key, dispatches, now)
///   decided, and back  kept(admitted)
///
/// When to choose it: before a WaitingRoom whose clients can be told apart (by connection, address or key). Where
/// nothing waits there is no first, and ReturnTimes spreads who comes back.
///
/// Thread: a value; its owner guards it. Cost: nothing while no promise holds; else a look at sixteen places, and what
/// ReturnTimes costs; 16 bytes for each of `clients`.
#include <weir/base/checked.h>
#include <weir/flow/admit/return_times.h>

#include <cstdint>
#include <span>
#include <vector>

namespace weir::flow {

struct ReturnersConfig {
  std::size_t clients = 16384;  ///< promises at the same time; rounded up to a power of two, at least 16
  Duration tolerance = std::chrono::milliseconds(50);
  Duration grace = std::chrono::seconds(5);
  bool operator==(const ReturnersConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h): a tolerance or a grace of 0 is none.
[[nodiscard]] std::optional<Unfit> check(const ReturnersConfig& config);

class Returners {
 public:
  static constexpr double most_part = 0.8, least_part = 0.05;

  explicit Returners(const ReturnersConfig& config = {});
  static Bytes footprint(const ReturnersConfig& config = {});

  /// It was promised a time, and that is now. Asked once an arrival: the promise is used up.
  [[nodiscard]] bool came_back(std::uint64_t key, TimePoint now);
  /// What became of one that was back when told.
  void kept(bool admitted);
  /// It is refused; `dispatches`: what the service can take for such as it, 0: not known. A whole number of seconds.
  Duration tell(std::uint64_t key, PerSecond dispatches, TimePoint now);

  struct Stats {
    std::uint64_t promised = 0, unpromised = 0;
    std::uint64_t back = 0, admitted = 0;  ///< back when told, and of them
    double part = most_part;
  };
  Stats stats() const { return stats_; }

 private:
  struct Entry {
    std::uint64_t key = 0;
    TimePoint due{};
  };
  static constexpr std::size_t ways = 16;
  std::span<Entry> places(std::uint64_t key);
  bool is_over(const Entry& entry, TimePoint now) const { return now - entry.due > config_.grace; }

  ReturnersConfig config_;
  double smoothed(PerSecond dispatches, TimePoint now);

  std::vector<Entry> entries_;
  ReturnTimes times_, others_;  // promised; and without a promise
  double dispatches_ = 0;
  TimePoint learned_{}, latest_{};  // latest: of all times that were promised
  Stats stats_;
};

}  // namespace weir::flow
