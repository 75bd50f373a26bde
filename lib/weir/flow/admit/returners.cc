#include <weir/flow/admit/returners.h>

#include <algorithm>
#include <bit>

namespace weir::flow {
namespace {

constexpr double less = 0.98, more = 0.001, over_seconds = 2, at_once_part = 1.1;
constexpr TimePoint long_ago{std::chrono::hours(-24 * 365)};  // and its differences to any time are no overflow

}  // namespace

std::optional<Unfit> check(const ReturnersConfig& config) {
  return first_unfit({check_duration("tolerance", config.tolerance), check_duration("grace", config.grace)});
}

Returners::Returners(const ReturnersConfig& config)
    : config_(checked(config, "returners")),
      entries_(std::bit_ceil(std::max(config.clients, ways)), Entry{0, long_ago}) {}

Bytes Returners::footprint(const ReturnersConfig& config) {
  return Bytes(sizeof(Returners) + std::bit_ceil(std::max(config.clients, ways)) * sizeof(Entry));
}

/// Keys may be small numbers: the multiplication spreads them over the table.
std::span<Returners::Entry> Returners::places(std::uint64_t key) {
  const std::uint64_t spread = (key ^ (key >> 32)) * 0x9e3779b97f4a7c15u;
  return std::span(entries_).subspan(static_cast<std::size_t>(spread >> 32) & (entries_.size() - 1) & ~(ways - 1),
                                     ways);
}

bool Returners::came_back(std::uint64_t key, TimePoint now) {
  if (now - latest_ > config_.grace) return false;
  for (Entry& entry : places(key)) {
    if (entry.key != key || is_over(entry, now) || entry.due - now > config_.tolerance) continue;
    entry.due = long_ago;
    ++stats_.back;
    return true;
  }
  return false;
}

void Returners::kept(bool admitted) {
  stats_.admitted += admitted;
  stats_.part = admitted ? std::min(most_part, stats_.part + more) : std::max(least_part, stats_.part * less);
}

double Returners::smoothed(PerSecond dispatches, TimePoint now) {
  const double part = dispatches_ > 0 ? std::clamp(seconds(now - learned_) / over_seconds, 0.0, 1.0) : 1;
  dispatches_ += part * (dispatches.value - dispatches_);
  learned_ = now;
  return dispatches_;
}

Duration Returners::tell(std::uint64_t key, PerSecond dispatches, TimePoint now) {
  const double each_second = smoothed(dispatches, now);
  const auto all = places(key);
  const auto has_one = [&](const Entry& entry) { return entry.key == key && !is_over(entry, now); };
  if (std::ranges::any_of(all, has_one)) {
    ++stats_.unpromised;
    return others_.tell(each_second > 0 ? from_seconds(1 / each_second) : Duration{0}, now);
  }
  const auto free = std::ranges::find_if(all, [&](const Entry& entry) { return is_over(entry, now); });
  const double promised = std::max(1.0, stats_.part * each_second);
  const double at_once = std::max(1.0, at_once_part * promised / Promises::slots_per_second);
  const auto told = free == all.end()
                        ? std::nullopt
                        : times_.take(static_cast<std::uint64_t>(promised), static_cast<std::uint64_t>(at_once), now);
  ++(told ? stats_.promised : stats_.unpromised);
  if (!told) return ReturnTimes::longest;
  *free = {key, now + *told};
  latest_ = std::max(latest_, now + *told);
  return *told;
}

}  // namespace weir::flow
