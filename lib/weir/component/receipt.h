#pragma once
/// A receipt stands for one unit its sender can repeat: an HTTP request, a range of a file (semantics A1, A9).
///
/// `pending` counts what is still owed: one for each event on each required path, plus one that the source holds while
/// it is still reading. The part that ends an event settles it with its fate; the last settlement hands the receipt to
/// its owner. Nothing here can be full and nothing here waits, so acknowledgements cannot deadlock with data.
///
/// Thread: any thread settles; `tally()` is for the owner, after `on_settled`. Cost: one atomic add and one atomic
/// subtraction for a whole run of events. On cancel: a receipt cannot be cancelled, only abandoned by its owner, which
/// must stay alive until `on_settled`.
#include <weir/base/reason.h>
#include <weir/base/result.h>
#include <weir/flow/demand/fate.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace weir {

class Receipt;

class ReceiptOwner {
 public:
  virtual ~ReceiptOwner() = default;
  /// Called once, by whichever thread settled last. Must not block: link it and wake the owning thread.
  virtual void on_settled(Receipt& receipt) noexcept = 0;
};

struct Tally {
  std::array<std::uint32_t, fate_count> events{};
  Reason reason = Reason::sink_failed;  ///< of the worst fate, when that is dropped, failed or abandoned
  std::uint32_t of(Fate fate) const { return events[static_cast<std::size_t>(fate)]; }
  Fate worst() const {
    for (int i = fate_count; i-- > 0;)
      if (events[static_cast<std::size_t>(i)]) return static_cast<Fate>(i);
    return Fate::stored;
  }
};

class Receipt {
 public:
  /// What one slot is charged at admission, so that settling never needs memory.
  static constexpr Bytes charge = 64_B;

  explicit Receipt(ReceiptOwner& owner) : owner_(&owner) {}
  Receipt(const Receipt&) = delete;
  Receipt& operator=(const Receipt&) = delete;

  /// More is owed: events admitted, or paths added by a fan-out. Only while something is already owed.
  void owe(std::uint32_t n) { pending_.fetch_add(n, std::memory_order_relaxed); }

  void settle(std::uint32_t n, Fate fate, Reason reason = Reason::sink_failed) {
    if (n == 0) return;
    events_[static_cast<std::size_t>(fate)].fetch_add(n, std::memory_order_relaxed);
    if (!counts_as_stored(fate)) because(fate, reason);
    release(n);
  }
  /// The source has read the whole unit: gives up the hold it started with.
  void done_reading() { release(1); }

  Tally tally() const {
    Tally t;
    for (int i = 0; i < fate_count; ++i)
      t.events[static_cast<std::size_t>(i)] = events_[static_cast<std::size_t>(i)].load(std::memory_order_relaxed);
    t.reason = static_cast<Reason>(reason_.load(std::memory_order_relaxed) & 0xff);
    return t;
  }
  std::uint32_t pending() const { return pending_.load(std::memory_order_relaxed); }

  Receipt* next = nullptr;  ///< the owner's wake list
  void* waiter = nullptr;   ///< for the owner: what waits for it, if anything still does

 private:
  /// The reason told is the worst fate's: fate in the high byte, so the larger value wins.
  void because(Fate fate, Reason reason) {
    const auto mine = static_cast<std::uint16_t>((static_cast<unsigned>(fate) << 8) | static_cast<unsigned>(reason));
    auto before = reason_.load(std::memory_order_relaxed);
    while (before < mine && !reason_.compare_exchange_weak(before, mine, std::memory_order_relaxed)) {
    }
  }
  void release(std::uint32_t n) {
    const auto before = pending_.fetch_sub(n, std::memory_order_acq_rel);
    WEIR_CHECK(before >= n);
    if (before == n) owner_->on_settled(*this);
  }
  std::atomic<std::uint32_t> pending_{1};
  std::array<std::atomic<std::uint32_t>, fate_count> events_{};
  std::atomic<std::uint16_t> reason_{0};
  ReceiptOwner* owner_;
};

}  // namespace weir
