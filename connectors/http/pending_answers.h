#pragma once
/// The receipts of requests that are not answered yet, and those of answered ones that have not settled.
///
/// issue -> the request's events go -> wait -> done. A receipt is freed when its request is answered and it has
/// settled, whichever comes last.
///
/// Thread: the reactor's; receipts settle on any. Cost: one allocation a receipt, one wake-up a burst. On cancel: a
/// request that is answered before (ack_timeout) is waited for no longer, and its receipt freed when it settles.
#include <weir/async/permit.h>
#include <weir/async/reactor_task.h>
#include <weir/async/signal.h>
#include <weir/component/receipt_inbox.h>

#include <cstdint>

namespace weir::http {

class PendingAnswers {
 public:
  explicit PendingAnswers(boost::asio::io_context& reactor);
  ~PendingAnswers();

  Receipt* issue();
  /// True when it is settled; then tally() is final.
  boost::asio::awaitable<bool> wait(Receipt& receipt, Duration most);
  /// The request has been answered. Where that is not all (ack_timeout), its work goes on: the permit is kept until it
  /// has ended, and then told that it failed.
  void done(Receipt& receipt, async::Permit permit);
  std::uint64_t outstanding() const { return outstanding_; }

 private:
  struct Slot;
  void collect();
  void free(Slot& slot);

  boost::asio::io_context& reactor_;
  std::uint64_t outstanding_ = 0;
  async::ReactorTask collecting_;
  ReceiptInbox inbox_;
};

}  // namespace weir::http
