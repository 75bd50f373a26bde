#pragma once
/// Which share of FairShares a tenant uses when there are more tenants than shares: each is dealt a hand of shares by
/// its key, and an item joins the one of them in which least waits. A tenant that floods fills its own hand; another
/// one is held up only if all of its hand lies within that.
///
///   the chance of that for two tenants = 1 / C(shares, hand): 64 shares and a hand of 4: 1 in 635 376
///
/// Thread: a pure function. Cost: about 5 ns a card.
/// Ref: Kubernetes API priority and fairness (shuffle sharding); AWS, "Workload isolation using shuffle-sharding".
#include <weir/flow/admit/fair_shares.h>

#include <algorithm>
#include <array>

namespace weir::flow {

inline constexpr std::uint32_t most_hand = 8;

/// `key` is a hash of 64 bits, with a seed that clients do not know. A hand is at least 1 and at most most_hand and
/// `shares`.
inline std::array<std::uint32_t, most_hand> deal(std::uint64_t key, std::uint32_t shares, std::uint32_t hand) {
  std::array<std::uint32_t, most_hand> cards{};
  for (std::uint32_t i = 0; i < hand; ++i) {
    const std::uint32_t left = shares - i;
    auto card = static_cast<std::uint32_t>(key % left);
    key /= left;
    // the card-th of those that are not dealt yet; cards[0, i) are sorted
    std::uint32_t place = 0;
    for (; place < i && cards[place] <= card; ++place) ++card;
    std::copy_backward(cards.begin() + place, cards.begin() + i, cards.begin() + i + 1);
    cards[place] = card;
  }
  return cards;
}

inline std::uint32_t shuffle_shard(std::uint64_t key, const FairShares& shares, std::uint32_t hand = 4) {
  hand = std::clamp(hand, 1u, std::min(most_hand, shares.size()));
  const auto cards = deal(key, shares.size(), hand);
  return *std::min_element(cards.begin(), cards.begin() + hand,
                           [&](std::uint32_t a, std::uint32_t b) { return shares.waiting(a) < shares.waiting(b); });
}

}  // namespace weir::flow
