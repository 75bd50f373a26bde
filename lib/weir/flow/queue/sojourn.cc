#include <weir/flow/queue/sojourn.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr Duration slice_time = 10s;
constexpr Duration memory_of_usual = 1h;
constexpr double times_usual = 3;
constexpr Duration least_difference = 10ms;
constexpr std::uint64_t enough = 20, enough_for_p99 = 100;
constexpr double patience_times = 10;
constexpr Duration least_patience = 1s, patience_without_figures = 30s;

bool up(Duration now, Duration usual) {
  return seconds(now) >= times_usual * seconds(usual) && now - usual >= least_difference;
}

std::int64_t slice_at(TimePoint t) { return t.time_since_epoch() / slice_time; }

double ln(Duration d) { return std::log(std::max(1e-9, seconds(d))); }

}  // namespace

Duration patience_of(const Sojourn& s) {
  Duration known = s.batches > 0 ? s.now.p99 : Duration{0};
  if (s.usual) known = std::max(known, s.usual->p99);
  if (known == Duration{0}) return patience_without_figures;
  return std::max(least_patience, from_seconds(patience_times * seconds(known)));
}

SojournVerdict judge(const Sojourn& s) {
  const Duration patience = patience_of(s);
  if (std::max(s.oldest, s.under_way) >= patience && s.quiet >= patience) return SojournVerdict::stalled;
  if (s.batches < enough) return SojournVerdict::too_few;
  if (s.usual && up(s.now.p50, s.usual->p50)) return SojournVerdict::systemic;
  if (s.under_way >= patience && s.quiet < s.under_way / 2) return SojournVerdict::subset;
  if (!s.usual) return SojournVerdict::usual_unknown;
  if (!up(s.now.p99, s.usual->p99)) return SojournVerdict::as_usual;
  return s.batches < enough_for_p99 ? SojournVerdict::too_few : SojournVerdict::subset;
}

std::string_view name(SojournVerdict verdict) {
  constexpr std::array<std::string_view, 6> names{"too_few", "usual_unknown", "as_usual",
                                                  "subset",  "systemic",      "stalled"};
  return names[static_cast<std::size_t>(verdict)];
}

SojournMeter::SojournMeter(TimePoint start)
    : current_(slice_at(start)), p50_(memory_of_usual), p99_(memory_of_usual), last_end_(start) {}

void SojournMeter::ended(Duration time, std::uint64_t events, TimePoint now) {
  if (events == 0) return;
  advance(now);
  Slice& slice = slices_[static_cast<std::size_t>(current_) % slices_.size()];
  slice.times.record(time, events);
  ++slice.batches;
  last_end_ = std::max(last_end_, now);
  events_ += events;
  buckets_[static_cast<std::size_t>(std::ranges::lower_bound(sojourn_bounds, seconds(time)) -
                                    sojourn_bounds.begin())] += events;
  total_ += seconds(std::max(time, Duration{0})) * static_cast<double>(events);
}

Sojourn SojournMeter::stats(TimePoint now) {
  advance(now);
  Sojourn s{.events = events_, .total = total_, .buckets = buckets_, .quiet = std::max(Duration{0}, now - last_end_)};
  Histogram all;
  for (const Slice& slice : slices_) {
    all.merge(slice.times);
    s.batches += slice.batches;
  }
  s.now = {all.quantile(0.5), all.quantile(0.99)};
  if (p50_.weight(now) >= enough)
    s.usual = {from_seconds(std::exp(*p50_.value())), from_seconds(std::exp(*p99_.value()))};
  return s;
}

/// A slice that is reused is first added to what is usual; after a long pause that applies to all slices.
void SojournMeter::advance(TimePoint now) {
  const std::int64_t target = slice_at(now);
  const auto count = static_cast<std::int64_t>(slices_.size());
  if (target <= current_) return;
  for (std::int64_t i = current_ + 1; i <= std::min(target, current_ + count); ++i)
    retire(slices_[static_cast<std::size_t>(i) % slices_.size()], now);
  current_ = target;
}

void SojournMeter::retire(Slice& slice, TimePoint now) {
  // The weight of a busy slice is limited: beyond this many batches its quantiles do not get more exact.
  const auto weight = static_cast<double>(std::min(slice.batches, enough_for_p99));
  p50_.add(ln(slice.times.quantile(0.5)), weight, now);
  p99_.add(ln(slice.times.quantile(0.99)), weight, now);
  slice.times.clear();
  slice.batches = 0;
}

}  // namespace weir::flow
