#include "pipeline/route/merge_node.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

constexpr Duration retry_after = std::chrono::milliseconds(10);

}  // namespace

Duration MergeNode::wait_for_room() const {
  std::lock_guard lock(mutex_);
  return owed_ < most_owed ? Duration{0} : retry_after;
}

MergeNode::Window& MergeNode::window(std::uint64_t id) {
  auto& slot = windows_[id];
  if (!slot) slot = std::make_unique<Window>(*this);
  return *slot;
}

void MergeNode::owe(std::uint64_t id, Receipt* receipt, std::uint32_t n) {
  Receipt* complete = nullptr;
  {
    std::lock_guard lock(mutex_);
    Window& w = window(id);
    w.attached += n;
    if (!receipt) {
      w.unanswered += n;
    } else if (!w.owed.empty() && w.owed.back().receipt == receipt) {
      w.owed.back().events += n;
    } else {
      w.owed.push_back({receipt, n});
      ++owed_;
    }
    if (w.complete()) complete = &w.receipt;
  }
  if (complete) complete->done_reading();  // may end the window, which takes the lock
}

Receipt* MergeNode::receipt_for_output(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  Receipt& receipt = window(id).receipt;
  receipt.owe(1);
  return &receipt;
}

void MergeNode::ended(std::uint64_t id, std::uint64_t merged) {
  Receipt* complete = nullptr;
  {
    std::lock_guard lock(mutex_);
    Window& w = window(id);
    w.merged = merged;
    if (w.complete()) complete = &w.receipt;
  }
  if (complete) complete->done_reading();
}

bool MergeNode::empty() const {
  std::lock_guard lock(mutex_);
  return windows_.empty();
}

std::unique_ptr<MergeNode::Window> MergeNode::take(const Receipt& receipt) {
  std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(windows_, [&](const auto& entry) { return &entry.second->receipt == &receipt; });
  WEIR_CHECK(at != windows_.end());
  auto window = std::move(at->second);
  windows_.erase(at);
  owed_ -= window->owed.size();
  return window;
}

void MergeNode::on_settled(Receipt& receipt) noexcept {
  const auto window = take(receipt);
  const Tally tally = window->receipt.tally();
  for (const auto& owed : window->owed) owed.receipt->settle(owed.events, tally.worst(), tally.reason);
  if (tally.worst() != Fate::abandoned || window->unanswered == 0) return;
  lost_.fetch_add(window->unanswered);
  lost_outputs_.fetch_add(tally.of(Fate::abandoned));
}

Left MergeNode::abandon() {
  Left left;
  std::vector<Window::Owed> owed;
  std::vector<Receipt*> complete;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, w] : windows_) {
      if (w->complete()) continue;  // its end is with its outputs
      left.events += w->attached;
      left.unanswered += w->unanswered;
      left.merged += w->attached - w->unanswered;
      w->unanswered = 0;
      owed.insert(owed.end(), w->owed.begin(), w->owed.end());
      owed_ -= w->owed.size();
      w->owed.clear();
      w->merged = w->attached;
      complete.push_back(&w->receipt);  // outputs that are on their way still point to it
    }
  }
  for (const auto& o : owed) o.receipt->settle(o.events, Fate::abandoned, Reason::shutdown);
  for (Receipt* receipt : complete) receipt->done_reading();
  return left;
}

}  // namespace weir::pipeline
