#pragma once
/// Collects settled receipts for one reactor. Sinks settle on their own threads; the last settlement links the receipt
/// into this list and wakes the reactor once for all that arrive before it looks.
///
/// Thread: `on_settled` any; everything else the reactor. Cost: one compare-and-swap a receipt, one wake-up a burst. On
/// cancel: a receipt whose request has been answered (ack_timeout) is not waited for any more, and is freed when it
/// settles.
#include <weir/async/signal.h>
#include <weir/component/receipt.h>

#include <atomic>
#include <cstdint>

namespace weir::http {

class Desk final : public ReceiptOwner {
 public:
  explicit Desk(boost::asio::io_context& io) : io_(io) {}
  ~Desk() override;

  /// A receipt of this desk; given back by `wait` or `forget`.
  Receipt* issue();
  /// True when it is settled; then tally() is final and the receipt is freed after `done`.
  boost::asio::awaitable<bool> wait(Receipt& receipt, Duration most);
  /// The request has been answered: frees the receipt now or when it is settled.
  void done(Receipt& receipt);
  void on_settled(Receipt& receipt) noexcept override;
  std::uint64_t outstanding() const { return outstanding_; }

 private:
  struct Slot;
  void collect();

  boost::asio::io_context& io_;
  std::atomic<Receipt*> settled_{nullptr};
  std::uint64_t outstanding_ = 0;
};

}  // namespace weir::http
