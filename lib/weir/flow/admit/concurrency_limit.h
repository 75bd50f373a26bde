#pragma once
/// What every limit on requests in flight is told and answers, so that one face (InFlight, a guard, a sink) serves all
/// of them. A rate says how fast requests may come; such a limit says how many may be at the service at once, and needs
/// no number from the operator where it finds the service's capacity by itself.
///
///   limit             judges by                                            needs to be told
///   FixedLimit        nothing                                              the right number
///   AimdLimit         failures, and answers slower than a bound            what is too slow
///   VegasLimit        the least response time it has seen                  nothing; ratchets up under lasting load
///   Gradient2Limit    the average response time over hundreds of answers   nothing; what lasts becomes usual
///   AdaptiveLimit     what overtakes in the service's queue, and the       nothing; the default
///                     typical time with and without contention
///
/// WindowedLimit gives Vegas and Gradient2 the averages of windows.
///
/// All but FixedLimit learn from answers: a service that answers less than about twenty times a second is learned
/// slowly, and a fixed limit is the better choice there. All of them move between `least` and `most`. The published
/// AIMD and Gradient2 have a floor of 20, which cannot protect a service whose right limit is 4; here it is 1.
///
/// One limit for each service and kind of request: a slow route raises what is usual for all that share its limit.
///
/// Thread: values; their owner guards them. Cost: O(1) an answer, no allocation; 0 to 40 ns, 4 to 400 bytes.
/// Ref: Netflix concurrency-limits (AIMD, Vegas, Gradient2); Brakmo, Peterson, "TCP Vegas", IEEE JSAC 13(8), 1995.
#include <weir/base/units.h>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace weir::flow {

/// How a request ended, as far as the limit is concerned.
enum class CallEnd : std::uint8_t {
  answered,  ///< whatever the answer says: its time tells how busy the service is
  failed,    ///< no answer in time, or a refusal because of load (429, 503): not a time, but a sign of overload
  ignored,   ///< tells nothing about the service: it was never sent, or given up for another reason
};

/// A request that came to its end. `ignored` ones are not told to a limit.
struct Answer {
  CallEnd end = CallEnd::answered;
  Duration time{0};              ///< from its dispatch to its end
  std::uint32_t in_flight = 0;   ///< when it was dispatched, itself included
  std::uint64_t followers = 0;   ///< dispatched after it and before its end
  bool full = false;             ///< the limit is reached now, and somebody waits
  bool full_throughout = false;  ///< reached without a gap since its dispatch, and not lowered since
};

/// Why a limit last moved.
enum class LimitMove : std::uint8_t {
  none,        ///< it is where it began, or where the operator put it
  room,        ///< up: no contention seen
  contention,  ///< down, or to its place: requests wait or slow each other down
  failures,    ///< down: too many failed
  dip,         ///< down for a moment, to see the service without contention
  baseline,    ///< what is usual without contention was found anew
  unused,      ///< down: it was raised and not needed
};
std::string_view name(LimitMove move);

/// One moment of a limit, as plain data.
struct LimitFacts {
  std::uint32_t limit = 0;
  LimitMove moved = LimitMove::none;
  std::string_view signal;  ///< what `seen` is: "queue", "slowdown", "none"
  double seen = 0;          ///< lately
  double tolerated = 0;     ///< above it the limit goes down
};

template <typename L>
concept ConcurrencyLimit = requires(L limit, const L looked_at, const Answer& answer, TimePoint now) {
  { looked_at.limit() } -> std::same_as<std::uint32_t>;
  limit.answered(answer, now);
  { looked_at.facts() } -> std::same_as<LimitFacts>;
  /// How long a request that is sent while the limit is reached waits inside the service; 0: not known.
  { looked_at.wait_inside() } -> std::same_as<Duration>;
};

}  // namespace weir::flow
