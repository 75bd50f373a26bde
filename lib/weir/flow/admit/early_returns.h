#pragma once
/// Refuses clients that come back before the time they were told, without asking the door (semantics F2).
///
/// The door's promises hold because each refused request takes a place in its calendar (door.h). A client that asks
/// again at once would take a place for each try, and be let in with others' places. So who was told a time is
/// remembered until then, by a key (its connection, its address, or what names it):
///
///   came back                               answer
///   at its time or later                    asked anew; forgotten
///   before it                               the rest of its time: its place stays, and it takes no other
///   before it, hastily, more than           too_early; its time begins anew: it has to keep away once
///   `patience` times in a row
///
/// Hastily is before half of the time that it was last told: a client that waits for at most 30 s, told 60 s, comes
/// twice and is in.
///
/// The table is bounded: each key has eight places it can be in, and a new one takes the place whose time is nearest.
/// Somebody who is pushed out is asked anew, as without this policy. Times are exact; `tolerance` is for clocks and
/// timers of clients that run a little fast.
///
/// When to choose it: in front of a Door. Behind a proxy that mixes its clients on one connection the key has to come
/// from a header.
///
/// Thread: a value; its owner guards it. Cost: about 20 ns; 40 bytes a place.
#include <weir/base/checked.h>
#include <weir/base/reason.h>
#include <weir/base/result.h>

#include <cstdint>
#include <vector>

namespace weir::flow {

struct EarlyReturnsConfig {
  std::size_t clients = 4096;  ///< remembered at most; rounded up to a power of two
  std::uint32_t patience = 5;
  Duration tolerance = std::chrono::milliseconds(50);
  bool operator==(const EarlyReturnsConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h); a tolerance of 0 takes nobody for punctual who is early.
[[nodiscard]] std::optional<Unfit> check(const EarlyReturnsConfig& config);

class EarlyReturns {
 public:
  explicit EarlyReturns(const EarlyReturnsConfig& config);
  static Bytes footprint(const EarlyReturnsConfig& config);

  /// An arrival. The rejection has the reason the client was given before, or too_early above `patience`, and the time
  /// that is left.
  [[nodiscard]] Admitted<void> arrive(std::uint64_t key, TimePoint now);
  /// It was refused and told when to come.
  void told(std::uint64_t key, const Rejection& rejection, TimePoint now);
  std::uint64_t early() const { return early_; }  ///< arrivals refused here so far

 private:
  struct Entry {
    std::uint64_t key = 0;
    TimePoint due{};   // in the past: the place is free
    TimePoint last{};  // when it was last told
    std::uint32_t wait_ms = 0;
    std::uint16_t early = 0;
    Reason reason{};
  };
  static constexpr std::size_t ways = 8;
  std::size_t bucket(std::uint64_t key) const;

  EarlyReturnsConfig config_;
  std::vector<Entry> entries_;
  std::uint64_t early_ = 0;
};

}  // namespace weir::flow
