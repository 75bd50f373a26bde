#pragma once
/// Where settled receipts come back to their owner: a lock-free stack, emptied in one go by the owner's thread.
///
///   any thread   settles last -> pushes the receipt; the first one since the last `collect` calls `wake`
///   owner        `collect` takes all of them, the latest first
///
/// `wake` is therefore called once for all that arrive before the owner looks, and must make it call `collect` soon.
///
/// Thread: `on_settled` any; `collect` the owner's. Cost: one compare-and-swap a receipt, one wake-up a burst; nothing
/// is allocated. On cancel: an inbox outlives its receipts, each until it is settled.
#include <weir/component/receipt.h>

#include <functional>

namespace weir {

class ReceiptInbox final : public ReceiptOwner {
 public:
  explicit ReceiptInbox(std::function<void()> wake) : wake_(std::move(wake)) {}
  ReceiptInbox(const ReceiptInbox&) = delete;
  ReceiptInbox& operator=(const ReceiptInbox&) = delete;

  void on_settled(Receipt& receipt) noexcept override {
    Receipt* top = settled_.load(std::memory_order_relaxed);
    do receipt.next = top;
    while (!settled_.compare_exchange_weak(top, &receipt, std::memory_order_release, std::memory_order_relaxed));
    if (!top) wake_();  // otherwise somebody has called it already
  }

  /// Calls f(receipt) for each that has settled since; f may destroy it. How many there were.
  template <typename F>
  std::size_t collect(F&& f) {
    std::size_t n = 0;
    for (Receipt* receipt = settled_.exchange(nullptr, std::memory_order_acquire); receipt; ++n) {
      Receipt* const next = receipt->next;
      f(*receipt);
      receipt = next;
    }
    return n;
  }

 private:
  const std::function<void()> wake_;
  std::atomic<Receipt*> settled_{nullptr};
};

}  // namespace weir
