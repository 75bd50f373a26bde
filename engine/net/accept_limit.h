#pragma once
/// Whether a listener is at a limit: it finds no file descriptor for new connections, or has as many as it may. Without
/// a descriptor accept fails again and again while clients wait in the kernel's backlog, and neither they nor the flow
/// would say why.
///
/// One of a kind for all reactors of a source: each tells every connection that found no place. Accept tries again
/// within `lasts`.
///
/// Thread: any. Cost: two atomics a failed accept.
#include <weir/base/units.h>

#include <atomic>
#include <string>
#include <string_view>

namespace weir::net {

class AcceptLimit {
 public:
  static constexpr Duration lasts = std::chrono::seconds(1);
  static constexpr std::string_view sentence =
      "no file descriptor is left for new connections, which wait: raise the limit of open files (ulimit -n), or lower "
      "max_connections";

  void reached(TimePoint now) {
    times_.fetch_add(1, std::memory_order_relaxed);
    last_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  std::uint64_t times() const { return times_.load(std::memory_order_relaxed); }
  bool is_reached(TimePoint now) const {
    return times() > 0 && now - TimePoint(Duration(last_.load(std::memory_order_relaxed))) < lasts;
  }

 private:
  std::atomic<std::uint64_t> times_{0};
  std::atomic<Duration::rep> last_{0};
};

/// For the log and `weir why` when max_connections is reached. `end`: what becomes of a new one.
inline std::string full_sentence(std::uint64_t max_connections, std::string_view end) {
  return "max_connections (" + std::to_string(max_connections) + ") is reached: new connections are " +
         std::string(end) + "; raise it, each one counts in the memory table";
}

}  // namespace weir::net
