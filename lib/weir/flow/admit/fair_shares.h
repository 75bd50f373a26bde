#pragma once
/// Whose turn it is: start-time fair queueing. Those who have work waiting get turns in the ratio of their weights,
/// whatever they send; what one does not use goes to the others in the same ratio (weighted max-min).
///
///   an item that joins an empty share:  start = max(virtual time, end of the share's last item)
///   behind others of its share:         start = end of the item before it
///   end = start + unit / weight;        next = the share whose first item has the least start
///   virtual time = start of the item that was last served
///
/// An item that leaves unserved costs its share nothing. Who was idle does not save up turns, and nobody waits for more
/// than one turn of each other share. Virtual times are whole numbers that may wrap around: only differences count, and
/// those of items that wait are small.
///
/// When to choose it: several tenants wait for the same places. Which item of a share is its first is the owner's
/// business (WaitingRoom keeps them in order of arrival). More tenants than shares: tenant_shares.h.
///
/// Thread: a value; its owner guards it. Cost: O(shares / 64 + shares that wait) for `next` and `longest`, otherwise a
/// few ns; 24 bytes a share.
/// Ref: Goyal, Vin, Cheng, "Start-time fair queueing", SIGCOMM 1996.
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::flow {

class FairShares {
 public:
  using Tag = std::uint64_t;
  static constexpr std::uint32_t most_weight = 1000, most_shares = 65'536;

  /// From 1 to most_shares; throws std::invalid_argument otherwise. `begin`: where virtual time begins.
  explicit FairShares(std::uint32_t shares, Tag begin = 0);

  /// An item of a share, behind the others of it. A weight is from 1 to most_weight; what is not is taken for the
  /// nearest. The same weight is given when the item is served or leaves.
  void joined(std::uint32_t share, std::uint32_t weight);
  /// The first item of a share.
  void served(std::uint32_t share, std::uint32_t weight);
  /// Any item of a share, unserved.
  void left(std::uint32_t share, std::uint32_t weight);

  std::optional<std::uint32_t> next() const;
  /// The first of those that wait for which `wanted(share)` holds.
  template <typename Wanted>
  std::optional<std::uint32_t> find(Wanted wanted) const {
    for (std::size_t word = 0; word < busy_.size(); ++word)
      for (std::uint64_t bits = busy_[word]; bits != 0; bits &= bits - 1) {
        const auto share = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(bits));
        if (wanted(share)) return share;
      }
    return std::nullopt;
  }
  /// The share with the most items.
  std::optional<std::uint32_t> longest() const;
  std::uint32_t waiting(std::uint32_t share) const { return shares_[share].waiting; }
  std::uint32_t waiting() const { return waiting_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(shares_.size()); }

 private:
  struct Share {
    Tag start = 0, end = 0;  // of the first item, of the last
    std::uint32_t waiting = 0;
  };
  void less(std::uint32_t share);
  template <typename Better>
  std::optional<std::uint32_t> best(Better better) const;

  std::vector<Share> shares_;
  std::vector<std::uint64_t> busy_;  // a bit for each share that waits
  Tag virtual_time_;
  std::uint32_t waiting_ = 0;
};

}  // namespace weir::flow
