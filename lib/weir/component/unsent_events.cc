#include <weir/component/unsent_events.h>

#include <algorithm>

namespace weir {

void UnsentEvents::begin(std::span<const Batch> batches) {
  indexes_.clear();
  left_.clear();
  why_.clear();
  for (std::uint32_t b = 0; b < batches.size(); ++b)
    for (std::uint32_t e = 0; e < batches[b].size(); ++e) indexes_.push_back({b, e});
  refused_.assign(indexes_.size(), 0);
  if (!indexes_.empty()) left_.push_back({0, static_cast<Number>(indexes_.size())});
}

void UnsentEvents::halve() {
  WEIR_CHECK(part_.size() > 1);
  const Range range = left_.back();
  const Number middle = part_[part_.size() / 2];
  left_.back() = {middle, range.to};
  left_.push_back({range.from, middle});
}

void UnsentEvents::refuse(Number number, std::string why) {
  refused_[number] = 1;
  why_.push_back({indexes_[number].batch, indexes_[number].event, std::move(why)});
}

std::vector<Delivery::Refused> UnsentEvents::take_refused() {
  std::ranges::sort(why_, {}, [](const Delivery::Refused& r) { return std::pair(r.batch, r.event); });
  return std::exchange(why_, {});
}

}  // namespace weir
