#include <weir/flow/admit/sliding_log.h>

#include <algorithm>

namespace weir::flow {

SlidingLog::SlidingLog(const WindowConfig& config, std::size_t most_entries)
    : config_(checked(config, "sliding log")), most_entries_(most_entries) {
  if (most_entries == 0) refuse(Unfit{"most_entries", "is 0: write 1 or more"}, "sliding log");
}

Bytes SlidingLog::footprint(const WindowConfig& config, std::size_t most_entries) {
  // A deque keeps blocks of 512 bytes, and one more than it needs at either end.
  return Bytes(sizeof(SlidingLog) + 3 * 512 + std::min<std::uint64_t>(config.limit, most_entries) * sizeof(Entry));
}

std::uint64_t SlidingLog::counted(TimePoint now) const {
  std::uint64_t sum = sum_;
  for (const Entry& entry : log_) {
    if (now - entry.at < config_.length) break;
    sum -= entry.n;
  }
  return sum;
}

Duration SlidingLog::ready_in(std::uint64_t n, TimePoint now) const {
  if (n > config_.limit) return Duration::max();
  std::uint64_t sum = sum_;
  if (sum + n <= config_.limit) return Duration{0};
  for (const Entry& entry : log_) {
    sum -= entry.n;
    if (sum + n <= config_.limit) return std::max(entry.at + config_.length - now, Duration{0});
  }
  return Duration{0};
}

void SlidingLog::forget(TimePoint now) {
  while (!log_.empty() && now - log_.front().at >= config_.length) {
    sum_ -= log_.front().n;
    log_.pop_front();
  }
}

Duration SlidingLog::take(std::uint64_t n, TimePoint now) {
  forget(now);
  sum_ += n;
  if (!log_.empty() && (log_.size() == most_entries_ || log_.back().at >= now)) {
    log_.back().at = std::max(log_.back().at, now);
    log_.back().n += n;
  } else if (n > 0) {
    log_.push_back({now, n});
  }
  return Duration{0};
}

/// From the newest on: it was taken a moment ago.
void SlidingLog::give_back(std::uint64_t n, TimePoint now) {
  forget(now);
  while (n > 0 && !log_.empty()) {
    Entry& newest = log_.back();
    const auto part = std::min(n, newest.n);
    newest.n -= part;
    sum_ -= part;
    n -= part;
    if (newest.n == 0) log_.pop_back();
  }
}

RateFacts SlidingLog::facts(TimePoint now) const {
  const std::uint64_t sum = counted(now);
  const Duration reset = sum == 0 ? Duration{0} : log_.back().at + config_.length - now;
  return {config_.limit, sum < config_.limit ? config_.limit - sum : 0, reset};
}

}  // namespace weir::flow
