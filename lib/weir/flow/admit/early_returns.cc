#include <weir/flow/admit/early_returns.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

namespace weir::flow {
namespace {

using std::chrono::milliseconds;

}  // namespace

std::optional<Unfit> check(const EarlyReturnsConfig& config) {
  return check_duration("tolerance", config.tolerance, Zero::allowed);
}

EarlyReturns::EarlyReturns(const EarlyReturnsConfig& config)
    : config_(checked(config, "early returns")), entries_(std::bit_ceil(std::max(config.clients, ways))) {}

Bytes EarlyReturns::footprint(const EarlyReturnsConfig& config) {
  return Bytes(std::bit_ceil(std::max(config.clients, ways)) * sizeof(Entry));
}

/// Keys may be small numbers: the multiplication spreads them over the table.
std::size_t EarlyReturns::bucket(std::uint64_t key) const {
  const std::uint64_t spread = (key ^ (key >> 32)) * 0x9e3779b97f4a7c15u;
  return static_cast<std::size_t>(spread >> 32) & (entries_.size() - 1) & ~(ways - 1);
}

Admitted<void> EarlyReturns::arrive(std::uint64_t key, TimePoint now) {
  for (Entry& entry : std::span(entries_).subspan(bucket(key), ways)) {
    if (entry.key != key || entry.due <= now) continue;
    if (entry.due - now <= config_.tolerance) {
      entry.due = now;
      return {};
    }
    ++early_;
    const bool hasty = now - entry.last < (entry.due - entry.last) / 2;
    entry.last = now;
    entry.early = hasty ? static_cast<std::uint16_t>(entry.early + 1) : std::uint16_t{0};
    if (entry.early <= config_.patience) return rejected(entry.reason, entry.due - now);
    entry.early = static_cast<std::uint16_t>(config_.patience);
    entry.due = now + milliseconds(entry.wait_ms);
    return rejected(Reason::too_early, entry.due - now);
  }
  return {};
}

void EarlyReturns::told(std::uint64_t key, const Rejection& rejection, TimePoint now) {
  if (rejection.retry_after <= Duration{0}) return;
  const auto places = std::span(entries_).subspan(bucket(key), ways);
  auto place = std::ranges::find(places, key, &Entry::key);
  if (place == places.end()) place = std::ranges::min_element(places, {}, &Entry::due);
  const auto ms = std::chrono::ceil<milliseconds>(rejection.retry_after).count();
  const auto most = static_cast<long>(std::numeric_limits<std::uint32_t>::max());
  *place = {.key = key,
            .due = now + rejection.retry_after,
            .last = now,
            .wait_ms = static_cast<std::uint32_t>(std::min<long>(ms, most)),
            .early = 0,
            .reason = rejection.reason};
}

}  // namespace weir::flow
