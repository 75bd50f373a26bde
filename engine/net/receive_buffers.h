#pragma once
/// How large the kernel's receive buffer of each connection is: small from the start, larger for whoever fills it.
///
/// A buffer is what a sender can be ahead of the flow, and how much one wake-up can read: senders in full flow cost
/// half as much CPU with 256 KiB as with 32 KiB. Reserved for every connection that may exist it would cost 512 MiB,
/// and nearly all of these send little or are not there. So each has `least` for certain, and what is above that comes
/// from one pool, which is the bound for all connections of a source:
///
///   grows     doubles, when a read brought at least half of it, or all that was asked for, and the pool has the rest
///   shrinks   to `least`, when its sender has gone, or has sent nothing for a while and half of the pool is taken
///
/// While the pool is empty buffers stay as they are. The kernel takes up to twice the size that is set, so the pool
/// counts twice the difference.
///
/// A window above 64 KiB has to be agreed on with the first packet, so a listener then has `most`, and `least` is
/// 32 KiB: who has once seen a window waits 0.2 s before it uses one of less than half. Up to 64 KiB the listener has
/// `least` as well, and that may be as small as a request.
///
/// Thread: any; the number of doublings belongs to one connection. Cost: some comparisons a read; an atomic and two
/// system calls when a size changes. Ref: RFC 7323 section 2, RFC 1122 section 4.2.3.4.
#include <weir/base/units.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace weir::net {

class ReceiveBuffers {
 public:
  /// How often the buffer of a connection has doubled: below 16.
  using Doublings = std::uint8_t;
  static constexpr Bytes largest_unscaled = 64_KiB, least_scaled = 32_KiB;

  ReceiveBuffers(Bytes least, Bytes most, Bytes pool)
      : least_(std::min(most > largest_unscaled ? std::max(least, least_scaled) : least, most)),
        most_(most),
        pool_(pool) {}

  Bytes least() const { return least_; }
  Bytes of_listener() const { return most_ > largest_unscaled ? most_ : least_; }
  Bytes size(Doublings grown) const;
  /// The most that the buffers of so many connections can have grown by together.
  Bytes most_grown(std::uint64_t connections) const;
  Bytes in_use() const { return Bytes(used_.load(std::memory_order_relaxed)); }

  /// Of a socket that was accepted just now.
  void begin(int socket) const;
  /// A read brought `bytes` of `asked`. The doublings from now on.
  Doublings after_read(int socket, Doublings grown, std::size_t bytes, std::size_t asked);
  /// Nobody has filled it for a while: it may be of use to others. The doublings from now on.
  Doublings rest(int socket, Doublings grown);
  /// Its connection has ended.
  void give_back(Doublings grown);

 private:
  bool take(std::uint64_t bytes);

  Bytes least_, most_, pool_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace weir::net
