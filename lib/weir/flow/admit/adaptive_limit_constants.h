#pragma once
/// The constants of AdaptiveLimit and why they are what they are.
///
/// Thread: constants. Cost: none.
#include <weir/base/units.h>

namespace weir::flow::adaptive {

/// Times below are taken for this: a clock that stands still must not divide by zero.
inline constexpr double least_time = 1e-6;

/// Answers of a window at least, or so many turns of the limit: 16 while learning, since doubling from 4 to 512 costs
/// seven windows; 64 later, for an error of 0.1 to 0.15.
inline constexpr int short_window = 16, long_window = 64;

/// The typical time must rise by this and by two errors before it counts as sharing: up to 1.25 x the cores costs
/// little, and one error less takes varying times of a queue for sharing.
inline constexpr double rise = 0.2;

/// Below this part of the knee even one that was taken for a third too large is uncontended. A dip costs a quarter of
/// the goodput for three to five turns: 0.3 % at one in 30 s.
inline constexpr double dip = 0.75;
inline constexpr Duration dip_every = std::chrono::seconds(1), dip_longest = std::chrono::seconds(30);
inline constexpr int dip_windows = 8;     // between two dips at least
inline constexpr int light_enough = 100;  // answers at light load that make a dip needless
inline constexpr TimePoint unplanned = TimePoint::min();

/// L - q with a small q can also be a floor below all times of a service whose requests do not overtake; so above this
/// part of L it is asked, by an eighth more, whether q grows with L. Asked rarely, since each question costs latency.
inline constexpr double broad = 0.75, probe = 1.125;
inline constexpr Duration probe_every = std::chrono::seconds(2), probe_longest = std::chrono::seconds(60);

inline constexpr double learning_ramp = 2, first_ramp = 1.25;

/// A level that is older belongs to another service.
inline constexpr int reference_windows = 20;

/// No queue shows that cores idle: 15 % more buys 2 to 3 % of throughput.
inline constexpr double sharing_room = 0.15;

/// q is a whole number, and each move costs 1.5 turns that are not looked at.
inline constexpr double least_move = 0.3;

/// A step down by more than 26 % is judged as soon as it can be: ln(L / L') above this.
inline constexpr double large_step = 0.3;

}  // namespace weir::flow::adaptive
