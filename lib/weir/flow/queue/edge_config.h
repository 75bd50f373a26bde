#pragma once
/// How one place where work waits is bounded and what it does when full. There is no policy that does nothing.
///
/// Thread: values. Cost: none.
#include <weir/base/checked.h>
#include <weir/base/units.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::flow {

/// The three answers to overload: signal (block, reject), buffer (spill), drop.
enum class WhenFull : std::uint8_t { block, reject, drop_newest, drop_oldest, drop_lowest, drop_random, spill };
inline constexpr int when_full_count = 7;

constexpr std::string_view name(WhenFull policy) {
  constexpr std::array<std::string_view, when_full_count> names{
      "block", "reject", "drop_newest", "drop_oldest", "drop_lowest", "drop_random", "spill"};
  return names[static_cast<std::size_t>(policy)];
}
/// Which of the items of one priority leaves first. adaptive_lifo: the newest while the edge is overloaded, else the
/// oldest.
enum class Order : std::uint8_t { fifo, adaptive_lifo };
constexpr std::string_view name(Order order) { return order == Order::fifo ? "fifo" : "adaptive_lifo"; }

constexpr bool may_drop(WhenFull policy) { return policy >= WhenFull::drop_newest && policy <= WhenFull::drop_random; }

/// Linux's CoDel: when the time waited has been above `target` for an `interval`, drop items at a rising rate.
struct CodelConfig {
  Duration target = std::chrono::milliseconds(5);
  Duration interval = std::chrono::milliseconds(100);
  bool operator==(const CodelConfig&) const = default;
};

struct EdgeConfig {
  Load bound{10'000, 32_MiB};
  /// Sizes the bound by time: events <= service rate x max_wait, once a rate is known. Expires nothing.
  std::optional<Duration> max_wait{};
  double pause_at = 0.8;   ///< of the bound: readers pause
  double resume_at = 0.2;  ///< of the bound: readers resume
  WhenFull when_full = WhenFull::block;
  Order order = Order::fifo;  ///< adaptive_lifo does not go with spill, which keeps the order
  /// The part of the bound that only high and critical work may enter; 0 where work has no priorities.
  double reserved_for_high = 0.0;
  /// Work that waited longer than this may be served before its priority's turn (at most 1 of 10 dequeues).
  Duration age_boost = std::chrono::seconds(5);
  std::optional<CodelConfig> codel{};
  std::optional<Duration> expire_after{};
  /// The share of its dropped items that the owner of the edge keeps copies of; the edge itself only hands them out.
  double dead_letter_shed = 0.0;
  bool operator==(const EdgeConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const CodelConfig& config);
[[nodiscard]] std::optional<Unfit> check(const EdgeConfig& config);

}  // namespace weir::flow
