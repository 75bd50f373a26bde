#pragma once
/// How large the kernel's receive buffer of each connection is: small from the start, larger for whoever fills it.
///
/// A buffer is what a sender can be ahead of the flow, and how much one wake-up can read: senders in full flow cost
/// half as much CPU with 256 KiB as with 32 KiB. Reserved for every connection that may exist it would cost 512 MiB,
/// and nearly all of these send little or are not there. So each has `least` for certain, and what is above that comes
/// from one pool, which is the bound for all connections of a source:
///
///   grows     doubles, when a read brought at least half of it, or all that was asked for, and the pool has the rest
///   shrinks   to `least`, when its sender has sent nothing for a while or has gone
///
/// While the pool is empty buffers stay as they are. The kernel takes up to twice the size that is set, so the pool
/// counts twice the difference.
///
/// Thread: any; a Size belongs to one connection. Cost: some comparisons a read; an atomic and two system calls when a
/// size changes.
#include <weir/base/units.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace weir::tcp {

class ReceiveBuffers {
 public:
  using Size = Bytes;

  ReceiveBuffers(Bytes least, Bytes most, Bytes pool) : least_(std::min(least, most)), most_(most), pool_(pool) {}

  Size least() const { return least_; }
  bool grow_at_all() const { return least_ < most_; }
  /// A read brought `bytes` of `asked`. True: `size` has become larger.
  bool after_read(Size& size, std::size_t bytes, std::size_t asked);
  /// True: `size` has become `least`, and the pool has the rest.
  bool give_back(Size& size);
  Bytes in_use() const { return Bytes(used_.load(std::memory_order_relaxed)); }

 private:
  bool take(std::uint64_t bytes);

  Bytes least_, most_, pool_;
  std::atomic<std::uint64_t> used_{0};
};

/// Sets it for a connected socket, with the window that TCP may offer.
void set_receive_buffer(int socket, Bytes size);

}  // namespace weir::tcp
