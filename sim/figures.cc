#include "figures.h"

#include <algorithm>
#include <cmath>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

Duration quantile(const std::vector<Duration>& sorted, double q) {
  if (sorted.empty()) return Duration{0};
  const double rank = std::ceil(q * static_cast<double>(sorted.size())) - 1;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(std::max(0.0, rank)))];
}

}  // namespace

Figures figures(const Run& run, Duration from, Duration until, Only only) {
  Figures sum;
  std::vector<Duration> times;
  for (const Ended& one : run.ended) {
    if (one.came < from || one.came >= until) continue;
    if (only.priority && one.priority != *only.priority) continue;
    if (only.tenant && one.tenant != *only.tenant) continue;
    ++sum.offered;
    sum.tries += one.tries;
    sum.refused += one.outcome == Outcome::refused;
    sum.timed_out += one.outcome == Outcome::timed_out;
    if (one.outcome != Outcome::ok) continue;
    times.push_back(one.took);
    sum.good += one.took <= 1s;
  }
  std::ranges::sort(times);
  sum.p99 = quantile(times, 0.99);
  sum.p995 = quantile(times, 0.995);
  return sum;
}

std::optional<Duration> recovery(const Run& run, Duration since, Duration until, const Figures& before) {
  for (Duration after{0}; since + after + 1s <= until; after += 100ms) {
    const Figures now = figures(run, since + after, since + after + 1s);
    const bool as_good = now.offered > 0 && now.share_good() >= 0.95 * before.share_good();
    if (as_good && now.p99 > Duration{0} && now.p99 < 2 * before.p99) return after;
  }
  return std::nullopt;
}

}  // namespace weir::sim
