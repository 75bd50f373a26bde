#pragma once
/// Conservation of events (promise P3, semantics G): every event that came in went out, ended, or is still here.
///
///   node:  in + created = emitted + consumed + pending
///   edge:  offered = delivered + refused + dropped + pending
///   difference = left side - right side: above 0 something is missing, below 0 there is more than there can be
///
/// pending is counted from the structures that hold the events. It is never derived from the other counters, because
/// then the equation would always hold. While running, counters are read from the sinks to the sources, so what moves
/// in between can only show as surplus in: at most what is in flight, and not for long. At rest the difference is
/// exactly 0. Attempts and duplicates are counted elsewhere.
///
/// Thread: values. Cost: additions. Ref: semantics G1, G2.
#include <weir/base/units.h>

#include <cstdint>
#include <string_view>

namespace weir::flow {

/// Events a node made itself.
struct Created {
  std::uint64_t recovered = 0;  ///< found on disk at start
  std::uint64_t aggregate = 0;  ///< one made of several
  std::uint64_t split = 0;      ///< more out of one
  std::uint64_t sum() const { return recovered + aggregate + split; }
};

/// Events that ended in a node, by their fate; `merged` went into an aggregate.
struct Consumed {
  std::uint64_t stored = 0, filtered = 0, merged = 0, dead_lettered = 0, dropped = 0, failed = 0, abandoned = 0;
  std::uint64_t sum() const { return stored + filtered + merged + dead_lettered + dropped + failed + abandoned; }
};

struct NodeAccount {
  std::uint64_t in = 0;
  Created created;
  std::uint64_t emitted = 0;  ///< once per event, to however many edges
  Consumed consumed;
  std::uint64_t pending = 0;
  std::int64_t difference() const;
};

struct EdgeAccount {
  std::uint64_t offered = 0, delivered = 0, refused = 0, dropped = 0, pending = 0;
  std::int64_t difference() const;
};

enum class Verdict : std::uint8_t { ok, surplus_in_flight, violation };
std::string_view name(Verdict verdict);

inline constexpr Duration oldest_difference = std::chrono::seconds(10);

/// While running. `age` is how long the difference has not been 0.
Verdict judge(std::int64_t difference, std::uint64_t in_flight_limit, Duration age);
/// At rest and at exit: ok or violation.
Verdict judge_at_rest(std::int64_t difference);

/// Judges one account again and again and knows how old its difference is. A busy account balances only between two
/// moves: judge it a few times a second, so that at least one look in ten seconds finds it balanced.
class LedgerWatch {
 public:
  Verdict judge(std::int64_t difference, std::uint64_t in_flight_limit, TimePoint now);

 private:
  TimePoint balanced_at_ = never;  // never: not yet looked at
};

}  // namespace weir::flow
