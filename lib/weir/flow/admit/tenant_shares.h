#pragma once
/// Gives the tenants that send most a share of their own, and deals the others hands of the rest (shuffle_shard.h), in
/// a table that never grows. Fairness between shares is fairness between tenants only where a share has one tenant; and
/// it matters for those that send much.
///
///   a tenant has eight places it can be in, each of them a share of its own; its count there goes up with each arrival
///   in none of them         a free one is taken; else the least count of the eight goes down by one, and at 0, when
///                           nothing waits in that share, the place changes its tenant
///   counts of a set halve   when they are 1024 together: who sends nothing any more loses its place
///
/// So a tenant that sends more than a ninth of what comes to its eight places has one of them for sure (Misra, Gries).
/// A tenant that has just lost its place may have items waiting there: they are served in their turn.
///
/// When to choose it: more tenants than shares. With fewer, each tenant's number is its share.
///
/// Thread: a value; its owner guards it. Cost: eight comparisons, then shuffle_shard's; 16 bytes a share.
/// Ref: Misra, Gries, "Finding repeated elements", Science of Computer Programming 2, 1982.
#include <weir/flow/admit/shuffle_shard.h>

#include <vector>

namespace weir::flow {

class TenantShares {
 public:
  static constexpr std::uint32_t ways = 8;

  /// Of `shares` shares three quarters, down to a multiple of eight, are for tenants of their own. At least 16; throws
  /// std::invalid_argument otherwise.
  explicit TenantShares(std::uint32_t shares);
  /// So many for these tenants: twice as many, so that few sets of eight are too small for those that are dealt them.
  static std::uint32_t shares_for(std::uint32_t tenants);

  /// An arrival. `key` is a hash of 64 bits, with a seed that clients do not know; `shares` are those it will join.
  std::uint32_t share_of(std::uint64_t key, const FairShares& shares);
  /// How many shares are for tenants of their own; the first ones.
  std::uint32_t own() const { return static_cast<std::uint32_t>(places_.size()); }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t count = 0;  // 0: the place is free
  };
  Entry* place_of(Entry* set, std::uint64_t key, const FairShares& shares);
  void age(Entry* set) const;

  std::uint32_t shares_;
  std::vector<Entry> places_;
};

}  // namespace weir::flow
