#include <weir/flow/admit/tenant_shares.h>

#include <algorithm>
#include <stdexcept>

namespace weir::flow {
namespace {

constexpr std::uint32_t most_counted = 1024;  // in a set
constexpr std::uint32_t fewest_shares = 16;

}  // namespace

TenantShares::TenantShares(std::uint32_t shares) : shares_(shares), places_(shares * 3 / 4 / ways * ways) {
  if (shares < fewest_shares || shares > FairShares::most_shares)
    throw std::invalid_argument("tenant shares: the number of shares is not from 16 to 65536");
}

std::uint32_t TenantShares::shares_for(std::uint32_t tenants) {
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(std::uint64_t{tenants} * 2, fewest_shares, FairShares::most_shares));
}

std::uint32_t TenantShares::share_of(std::uint64_t key, const FairShares& shares) {
  const std::uint64_t sets = places_.size() / ways;
  Entry* const set = &places_[key % sets * ways];
  if (const Entry* place = place_of(set, key, shares)) {
    age(set);
    return static_cast<std::uint32_t>(place - places_.data());
  }
  // A hand of what is left, by the rest of the key.
  const std::uint32_t rest = shares_ - own(), hand = std::min(4u, rest);
  const auto cards = deal(key / sets, rest, hand);
  return own() + *std::min_element(cards.begin(), cards.begin() + hand, [&](std::uint32_t a, std::uint32_t b) {
           return shares.waiting(own() + a) < shares.waiting(own() + b);
         });
}

/// Its own place, counted; nullptr: it has none.
TenantShares::Entry* TenantShares::place_of(Entry* set, std::uint64_t key, const FairShares& shares) {
  Entry* const end = set + ways;
  Entry* place = std::find_if(set, end, [&](const Entry& entry) { return entry.count > 0 && entry.key == key; });
  if (place == end) {
    place = std::min_element(set, end, [](const Entry& a, const Entry& b) { return a.count < b.count; });
    const bool idle = shares.waiting(static_cast<std::uint32_t>(place - places_.data())) == 0;
    if (place->count > 0 && (--place->count > 0 || !idle)) {
      place->count = std::max(place->count, 1u);
      return nullptr;
    }
    place->key = key;
  }
  ++place->count;
  return place;
}

void TenantShares::age(Entry* set) const {
  std::uint32_t counted = 0;
  for (std::uint32_t i = 0; i < ways; ++i) counted += set[i].count;
  if (counted < most_counted) return;
  for (std::uint32_t i = 0; i < ways; ++i) set[i].count /= 2;
}

}  // namespace weir::flow
