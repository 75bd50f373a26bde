#include "receive_buffers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weir::tcp {

bool ReceiveBuffers::take(std::uint64_t bytes) {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > pool_.count() - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

bool ReceiveBuffers::after_read(Size& size, std::size_t bytes, std::size_t asked) {
  if (size >= most_ || (bytes < asked && bytes < size.count() / 2)) return false;
  const Size larger = std::min(most_, Bytes(size.count() * 2));
  if (!take(2 * (larger - size).count())) return false;
  size = larger;
  return true;
}

bool ReceiveBuffers::give_back(Size& size) {
  if (size <= least_) return false;
  used_.fetch_sub(2 * (size - least_).count(), std::memory_order_relaxed);
  size = least_;
  return true;
}

void set_receive_buffer(int socket, Bytes size) {
  const int bytes = static_cast<int>(size.count());
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  // Linux lowers the largest window with the buffer, and does not raise it again by itself.
  setsockopt(socket, IPPROTO_TCP, TCP_WINDOW_CLAMP, &bytes, sizeof bytes);
}

}  // namespace weir::tcp
