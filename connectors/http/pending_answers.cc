#include "pending_answers.h"

namespace weir::http {

struct PendingAnswers::Slot : Receipt {
  using Receipt::Receipt;
  bool settled = false, answered = false;
  async::Permit work{};  // of an answered one that has not settled
};

PendingAnswers::PendingAnswers(boost::asio::io_context& reactor)
    : reactor_(reactor), collecting_(reactor, [this] { collect(); }), inbox_([this] { collecting_.schedule(); }) {}

PendingAnswers::~PendingAnswers() {
  // The flow has settled everything before it ends; what came last may still lie in the inbox.
  collect();
}

Receipt* PendingAnswers::issue() {
  ++outstanding_;
  return new Slot(inbox_);
}

void PendingAnswers::free(Slot& slot) {
  --outstanding_;
  slot.work.failed();
  delete &slot;
}

void PendingAnswers::collect() {
  inbox_.collect([this](Receipt& receipt) {
    auto& slot = static_cast<Slot&>(receipt);
    slot.settled = true;
    if (slot.waiter) static_cast<async::Signal*>(slot.waiter)->set();
    if (slot.answered) free(slot);
  });
}

boost::asio::awaitable<bool> PendingAnswers::wait(Receipt& receipt, Duration most) {
  auto& slot = static_cast<Slot&>(receipt);
  if (slot.settled) co_return true;
  async::Signal signal(reactor_);
  slot.waiter = &signal;
  co_await signal.wait(most);
  slot.waiter = nullptr;
  co_return slot.settled;
}

void PendingAnswers::done(Receipt& receipt, async::Permit permit) {
  auto& slot = static_cast<Slot&>(receipt);
  slot.answered = true;
  slot.work = std::move(permit);
  if (slot.settled) free(slot);
}

}  // namespace weir::http
