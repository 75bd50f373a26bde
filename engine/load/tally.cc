#include "load/tally.h"

#include <algorithm>

namespace weir::load {
namespace {

template <typename T>
T& entry(std::map<std::string, T>& map, const std::string& key) {
  if (const auto found = map.find(key); found != map.end()) return found->second;
  return map[map.size() < Tally::most_labels ? key : "other"];
}

}  // namespace

Tally::Tally(Duration length, std::size_t slices)
    : length_(length), slice_(std::max<Duration>(length / static_cast<int>(slices), std::chrono::milliseconds(10))) {
  slices_.resize(static_cast<std::size_t>((length + slice_ - Duration{1}) / slice_));
}

void Tally::record(const Attempt& attempt, const Outcome& outcome, bool call_over, const std::string& label,
                   TimePoint began, TimePoint now) {
  ++attempts_;
  ++entry(by_end_,
          outcome.end == Outcome::End::answered ? std::to_string(outcome.status) : std::string(name(outcome.end)));
  if (!outcome.reason.empty()) ++entry(by_reason_, std::string(outcome.reason.substr(0, 64)));
  not_sent_ += outcome.end == Outcome::End::no_room;
  late_ += attempt.lag > late_above;
  lags_.record(attempt.lag);
  if (!call_over) return;
  const bool good = outcome.good();
  const Duration took = now - attempt.first_due;
  for (Group* group : {&all_, &entry(by_label_, label)}) {
    ++group->calls;
    group->good += good;
    if (good) group->times.record(took);
  }
  const auto at = static_cast<std::size_t>(std::max(Duration{0}, attempt.first_due - began) / slice_);
  Slice& slice = slices_[std::min(at, slices_.size() - 1)];
  ++slice.due;
  ++(good ? slice.good : slice.failed);
  if (!good) return;
  slice.times.record(took);
  slice.stood_in += outcome.stood_in;
  stood_in_ += outcome.stood_in;
}

double Tally::goodput() const {
  return length_ > Duration{0} ? static_cast<double>(all_.good) / seconds(length_) : 0.0;
}

double Tally::success() const {
  return all_.calls ? static_cast<double>(all_.good) / static_cast<double>(all_.calls) : 0.0;
}

double Tally::errors() const {
  return all_.calls ? static_cast<double>(all_.failed()) / static_cast<double>(all_.calls) : 0.0;
}

double Tally::late() const { return attempts_ ? static_cast<double>(late_) / static_cast<double>(attempts_) : 0.0; }

}  // namespace weir::load
