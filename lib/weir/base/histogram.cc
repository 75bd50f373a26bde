#include <weir/base/histogram.h>
#include <weir/base/result.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir {
namespace {

constexpr int bits = 6;  // 64 buckets per power of two
constexpr std::uint64_t per_octave = 1u << bits;

std::size_t bucket_of(Duration value) {
  const auto v = static_cast<std::uint64_t>(std::max(value, Duration{0}).count());
  if (v < per_octave) return v;
  const int shift = std::bit_width(v) - 1 - bits;
  return static_cast<std::size_t>(shift) * per_octave + (v >> shift);
}

Duration middle_of(std::size_t bucket) {
  if (bucket < 2 * per_octave) return Duration(static_cast<Duration::rep>(bucket));
  const auto shift = bucket / per_octave - 1;
  const std::uint64_t low = (per_octave + bucket % per_octave) << shift;
  return Duration(static_cast<Duration::rep>(low + (1ull << shift) / 2));
}

}  // namespace

Histogram::Histogram(Duration most) : buckets_(bucket_of(most) + 1) {}

void Histogram::record(Duration value, std::uint64_t times) {
  if (times == 0) return;
  value = std::max(value, Duration{0});
  buckets_[std::min(bucket_of(value), buckets_.size() - 1)] += times;
  count_ += times;
  sum_ += seconds(value) * static_cast<double>(times);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  WEIR_CHECK(buckets_.size() == other.buckets_.size());
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
  std::ranges::fill(buckets_, 0);
  count_ = 0;
  sum_ = 0;
  max_ = Duration{0};
  min_ = Duration::max();
}

Duration Histogram::mean() const { return count_ ? from_seconds(sum_ / static_cast<double>(count_)) : Duration{0}; }

Duration Histogram::quantile(double q) const {
  if (count_ == 0) return Duration{0};
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp(static_cast<std::uint64_t>(wanted), std::uint64_t{1}, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while ((seen += buckets_[bucket]) < rank) ++bucket;
  // The last bucket also holds everything above `most`: all that is known of it is its end.
  if (bucket + 1 == buckets_.size()) return max_;
  return std::clamp(middle_of(bucket), min_, max_);
}

}  // namespace weir
