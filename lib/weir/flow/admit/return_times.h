#pragma once
/// When those come back who were refused because a limit on requests in flight was reached: spread over the seconds to
/// come, so that no more are told the same second than are answered in one.
///
///   answered in a second   1 s / `each`, at least 1
///   told                   the first whole second from now on, 1 to 60, for which fewer than that many were told
///                          already; 60 when all are full
///
/// It is an estimate: who is told nothing (a new client) is not kept out for those who were. Where the time has to
/// hold, a Door keeps places (door.h), or those who come back are known and go first (returners.h).
///
/// Thread: a value; its owner guards it. Cost: up to 60 sums of 15 numbers; 2 KiB.
#include <weir/flow/admit/promises.h>

#include <optional>

namespace weir::flow {

class ReturnTimes {
 public:
  static constexpr Duration longest = std::chrono::seconds(60);

  /// `each`: the time from one answer to the next, lately; 0: not known. A whole number of seconds.
  Duration tell(Duration each, TimePoint now);
  /// The first second for which fewer than `in_a_second` were told already, and fewer than `at_once` of these in its
  /// fifteenth; that one more is told is written down. Nothing: all are full.
  std::optional<Duration> take(std::uint64_t in_a_second, std::uint64_t at_once, TimePoint now);

 private:
  Promises told_{longest};
};

}  // namespace weir::flow
