#include "desk.h"

#include <boost/asio/post.hpp>

namespace weir::http {

struct Desk::Slot : Receipt {
  using Receipt::Receipt;
  bool settled = false, answered = false;
};

Desk::~Desk() {
  // The flow has settled everything before it ends; the last receipts may still be in the list.
  collect();
}

Receipt* Desk::issue() {
  ++outstanding_;
  return new Slot(*this);
}

void Desk::on_settled(Receipt& receipt) noexcept {
  Receipt* head = settled_.load(std::memory_order_relaxed);
  do {
    receipt.next = head;
  } while (!settled_.compare_exchange_weak(head, &receipt, std::memory_order_release, std::memory_order_relaxed));
  if (!head) boost::asio::post(io_, [this] { collect(); });
}

void Desk::collect() {
  Receipt* list = settled_.exchange(nullptr, std::memory_order_acquire);
  while (list) {
    auto* slot = static_cast<Slot*>(list);
    list = list->next;
    slot->settled = true;
    if (slot->waiter) static_cast<async::Signal*>(slot->waiter)->set();
    if (slot->answered) {
      --outstanding_;
      delete slot;
    }
  }
}

boost::asio::awaitable<bool> Desk::wait(Receipt& receipt, Duration most) {
  auto& slot = static_cast<Slot&>(receipt);
  if (slot.settled) co_return true;
  async::Signal signal(io_);
  slot.waiter = &signal;
  co_await signal.wait(most);
  slot.waiter = nullptr;
  co_return slot.settled;
}

void Desk::done(Receipt& receipt) {
  auto& slot = static_cast<Slot&>(receipt);
  slot.answered = true;
  if (!slot.settled) return;
  --outstanding_;
  delete &slot;
}

}  // namespace weir::http
