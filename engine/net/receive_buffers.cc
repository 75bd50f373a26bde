#include "net/receive_buffers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weir::net {
namespace {

void set(int socket, Bytes size) {
  const int bytes = static_cast<int>(size.count());
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  // Linux lowers the largest window with the buffer, and does not raise it again by itself.
  setsockopt(socket, IPPROTO_TCP, TCP_WINDOW_CLAMP, &bytes, sizeof bytes);
}

}  // namespace

Bytes ReceiveBuffers::size(Doublings grown) const { return std::min(most_, Bytes(least_.count() << grown)); }

Bytes ReceiveBuffers::most_grown(std::uint64_t connections) const {
  return std::min(pool_, Bytes((most_ - least_).count() * 2 * connections));
}

bool ReceiveBuffers::take(std::uint64_t bytes) {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > pool_.count() - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

void ReceiveBuffers::begin(int socket) const {
  if (of_listener() > least_) set(socket, least_);
}

ReceiveBuffers::Doublings ReceiveBuffers::after_read(int socket, Doublings grown, std::size_t bytes,
                                                     std::size_t asked) {
  const Bytes now = size(grown);
  if (now >= most_ || (bytes < asked && bytes < now.count() / 2)) return grown;
  const auto more = static_cast<Doublings>(grown + 1);
  if (!take(2 * (size(more) - now).count())) return grown;
  set(socket, size(more));
  return more;
}

ReceiveBuffers::Doublings ReceiveBuffers::rest(int socket, Doublings grown) {
  if (grown == 0 || in_use().count() <= pool_.count() / 2) return grown;
  give_back(grown);
  set(socket, least_);
  return 0;
}

void ReceiveBuffers::give_back(Doublings grown) {
  used_.fetch_sub(2 * (size(grown) - least_).count(), std::memory_order_relaxed);
}

}  // namespace weir::net
