#pragma once
/// How long the other side has been waited for in one direction, since the last 4 KiB of progress: a deadline that a
/// byte now and then does not renew.
///
/// Thread: a value. Cost: none.
#include <weir/base/units.h>

#include <cstddef>
#include <cstdint>

namespace weir::net {

class Waited {
 public:
  static constexpr std::size_t worth_waiting = 4 << 10;

  void restart() { *this = {}; }
  void moved(std::size_t bytes) {
    if (bytes_ + bytes >= worth_waiting) return restart();
    bytes_ += static_cast<std::uint32_t>(bytes);
  }
  /// So much longer; the whole.
  Duration add(Duration passed) {
    ms_ += static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
    return std::chrono::milliseconds(ms_);
  }

 private:
  std::uint32_t ms_ = 0, bytes_ = 0;  // small: each connection has two
};

}  // namespace weir::net
