#include "pipeline/queue/spill_receipts.h"

#include <algorithm>

namespace weir::pipeline {

SpillReceipts::SpillReceipts(std::function<void()> wake)
    : inbox_(std::move(wake)), lent_(std::make_unique<Lent[]>(most_lent)), lent_ranges_(most_lent_ranges) {
  for (std::uint32_t i = most_lent; i > 0; --i) free_.push_back(i - 1);
}

bool SpillReceipts::has_room_for(std::span<const Batch> batches) const {
  std::size_t runs = line_.size();
  for (const Batch& batch : batches) batch.for_each_run([&](Receipt*, std::uint32_t) { ++runs; });
  return runs <= most_runs;
}

void SpillReceipts::put(const Batch& batch) {
  batch.for_each_run([&](Receipt* receipt, std::uint32_t n) { append(receipt, n); });
}

void SpillReceipts::append(Receipt* receipt, std::uint64_t events) {
  if (events == 0) return;
  if (!line_.empty() && line_.back().receipt == receipt)
    line_.back().events += events;
  else
    line_.push_back({receipt, events});
}

SpillReceipts::Owed SpillReceipts::take(std::uint64_t n) {
  WEIR_CHECK(!line_.empty());
  Owed& front = line_.front();
  const Owed taken{front.receipt, std::min(n, front.events)};
  front.events -= taken.events;
  if (front.events == 0) line_.pop_front();
  return taken;
}

bool SpillReceipts::can_lend(std::uint32_t events) const {
  if (used_ == most_lent_ranges) return false;
  std::uint64_t left = events;
  std::size_t runs = 0;
  for (auto at = line_.begin(); left > 0 && at != line_.end() && runs <= free_.size(); ++at, ++runs)
    left -= std::min(left, at->events);
  return runs <= free_.size();
}

void SpillReceipts::lend(std::uint32_t events, const journal::Position& end, std::vector<Batch::Run>& runs) {
  const auto number = static_cast<std::uint32_t>((head_ + used_++) % most_lent_ranges);
  LentRange& piece = lent_ranges_[number];
  piece = {end, 0, false};
  for (std::uint64_t left = events; left > 0;) {
    const Owed owed = take(left);
    left -= owed.events;
    Lent& lent = lent_[free_.back()];
    free_.pop_back();
    lent.original = owed.receipt;
    lent.piece = number;
    lent.receipt.emplace(*this);
    lent.receipt->waiter = &lent;
    const auto n = static_cast<std::uint32_t>(owed.events);
    lent.receipt->owe(n);
    lent.receipt->done_reading();
    ++piece.open;
    runs.push_back({&*lent.receipt, n});
  }
}

void SpillReceipts::lose(std::uint64_t events) {
  while (events > 0) {
    const Owed owed = take(events);
    events -= owed.events;
    if (owed.receipt) owed.receipt->settle(static_cast<std::uint32_t>(owed.events), Fate::failed, Reason::sink_failed);
  }
}

bool SpillReceipts::has_lent(const Batch& batch) const {
  if (!batch.carries_receipts() || batch.empty()) return false;
  const auto* receipt = reinterpret_cast<const char*>(batch.receipt_of(0));
  const auto* begin = reinterpret_cast<const char*>(lent_.get());
  return std::less_equal<>{}(begin, receipt) && std::less<>{}(receipt, begin + most_lent * sizeof(Lent));
}

void SpillReceipts::on_settled(Receipt& receipt) noexcept {
  const auto& lent = *static_cast<Lent*>(receipt.waiter);
  const Tally tally = receipt.tally();
  if (lent.original)
    for (int f = 0; f < fate_count; ++f) {
      const auto fate = static_cast<Fate>(f);
      lent.original->settle(tally.of(fate), fate, tally.reason);
    }
  inbox_.on_settled(receipt);
}

SpillReceipts::Collected SpillReceipts::collect() {
  Collected found;
  found.any = inbox_.collect([this](Receipt& receipt) {
    Lent& lent = *static_cast<Lent*>(receipt.waiter);
    LentRange& piece = lent_ranges_[lent.piece];
    piece.lost = piece.lost || receipt.tally().of(Fate::abandoned) > 0;
    --piece.open;
    lent.receipt.reset();
    free_.push_back(static_cast<std::uint32_t>(&lent - lent_.get()));
  }) > 0;
  while (used_ > 0 && lent_ranges_[head_].open == 0) {
    stuck_ = stuck_ || lent_ranges_[head_].lost;
    if (!stuck_) found.to = lent_ranges_[head_].end;
    head_ = (head_ + 1) % most_lent_ranges;
    --used_;
  }
  return found;
}

void SpillReceipts::abandon() {
  for (const Owed& owed : std::exchange(line_, {}))
    if (owed.receipt) owed.receipt->settle(static_cast<std::uint32_t>(owed.events), Fate::abandoned, Reason::shutdown);
}

}  // namespace weir::pipeline
