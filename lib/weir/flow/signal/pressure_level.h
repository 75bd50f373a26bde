#pragma once
/// How serious is a queue? Judged by where it will be, not only by where it is: 90 % full and stable is fine; 30 % full
/// and growing by 5 % of its bound a second is full in 14 s.
///
///   critical   full in at most 15 s, or full (fill >= 0.99): producers are held or refused
///   warning    full in at most 60 s, or readers are paused
///   normal     all else
///
/// Growth below 0.5 % of the bound a second counts as none: the time that follows from it is an accident of the moment
/// it was measured at.
///
/// Thread: pure. Cost: some comparisons. Ref: the queue-depth levels of the articles, from depth and trend.
#include <weir/flow/queue/pressure.h>

#include <cstdint>
#include <string_view>

namespace weir::flow {

enum class PressureLevel : std::uint8_t { normal, warning, critical };

PressureLevel level_of(const Pressure& pressure);
std::string_view name(PressureLevel level);

/// Until the queue is full; absent where it does not grow, or so slowly that this says nothing.
std::optional<Duration> soon_full(const Pressure& pressure);

}  // namespace weir::flow
