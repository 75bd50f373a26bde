#pragma once
/// How an event ends, and what may be said about it (semantics A1 to A3).
///
/// On each required path an event ends in exactly one Fate. A receipt reports the worst of them. What may be answered
/// before that is the source's Level; what a sink's confirmation is worth is its SinkAck.
///
///   level        answered when                                    a path needs
///   accepted     the event was taken into the flow                nothing
///   processed    every event has its fate                         nothing
///   stored       every event is stored, filtered, dead-lettered   SinkAck received or durable, no interior drop
///
/// Thread: values. Cost: none.
#include <weir/base/units.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace weir {

/// Ordered from best to worst: "the worst of" is the maximum.
enum class Fate : std::uint8_t { stored, filtered, dead_lettered, dropped, failed, abandoned };
inline constexpr int fate_count = 6;

enum class Level : std::uint8_t { accepted, processed, stored };
enum class SinkAck : std::uint8_t { sent, received, durable };

constexpr Fate worst(Fate a, Fate b) { return std::max(a, b); }
constexpr Level weakest(Level a, Level b) { return std::min(a, b); }

/// `stored` may be answered only if nothing ended worse than in a dead letter.
constexpr bool counts_as_stored(Fate fate) { return fate <= Fate::dead_lettered; }
constexpr Level level_of(SinkAck ack) { return ack == SinkAck::sent ? Level::processed : Level::stored; }

constexpr std::string_view name(Fate fate) {
  constexpr std::array<std::string_view, fate_count> names{"stored",  "filtered", "dead_lettered",
                                                           "dropped", "failed",   "abandoned"};
  return names[static_cast<std::size_t>(fate)];
}
constexpr std::string_view name(Level level) {
  constexpr std::array<std::string_view, 3> names{"accepted", "processed", "stored"};
  return names[static_cast<std::size_t>(level)];
}
constexpr std::string_view name(SinkAck ack) {
  constexpr std::array<std::string_view, 3> names{"sent", "received", "durable"};
  return names[static_cast<std::size_t>(ack)];
}

}  // namespace weir
