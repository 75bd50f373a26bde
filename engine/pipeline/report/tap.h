#pragma once
/// Copies of the events that pass a node of a running flow, for `weir tap`. It must not slow the flow: off, it costs
/// one relaxed load a batch; on, it copies at most `per_second` events into a bounded ring and never waits: an event
/// that finds no room, or a reader that holds the lock, is counted as missed and not copied.
///
/// A tap is on for as long as it is read: each `read` lends it for `lease`; then the first event that passes turns it
/// off. Readers hold no session: each says which number it has seen, so there may be any number of them.
///
/// Thread: `on` and `offer` from any reactor or worker, `read` from any other. Cost: see above; a copied event is about
/// 100 ns. Memory: at most `memory` for each tap while it is on, and TapBoard allows `most_taps` of them at a time.
#include <weir/base/units.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::pipeline {

struct TapLimits {
  std::uint32_t per_second = 1000;  ///< events copied
  Bytes memory = 256_KiB;           ///< of copies that have not been read yet
  Bytes largest = 64_KiB;           ///< a longer event is cut
  Duration lease = std::chrono::seconds(5);
};

class Tap {
 public:
  explicit Tap(TapLimits limits = {}) : limits_(limits) {}

  bool on() const { return on_.load(std::memory_order_relaxed); }
  /// Only worth calling while on().
  void offer(std::string_view event, TimePoint now) {
    offer(1, now, [event](std::uint32_t) { return event; });
  }
  /// The same for n events at once; event(i) is asked for those only that may be copied.
  template <typename F>
  void offer(std::uint32_t n, TimePoint now, F&& event) {
    const auto every = every_.load(std::memory_order_relaxed);
    const auto first = passed_.fetch_add(n, std::memory_order_relaxed) % every;
    for (std::uint64_t i = first == 0 ? 0 : every - first; i < n; i += every)
      if (!copy(event(static_cast<std::uint32_t>(i)), now)) {
        missed_.fetch_add(1 + (n - 1 - i) / every, std::memory_order_relaxed);
        return;
      }
  }

  struct Seen {
    std::uint64_t number;  ///< 1 for the first event that was ever copied
    std::string event;
    bool cut = false;
  };
  struct Page {
    std::uint64_t next = 0;                ///< what to say next time
    std::uint64_t passed = 0, missed = 0;  ///< since it was turned on: went by, and were not copied though wanted
    std::vector<Seen> events;
  };
  /// Turns it on, or keeps it on, with one event of `every` copied, and takes what came after number `after`.
  Page read(std::uint64_t after, std::size_t most, std::uint64_t every, TimePoint now);

 private:
  bool copy(std::string_view event, TimePoint now);
  void turn_off();

  const TapLimits limits_;
  std::atomic<bool> on_{false};
  std::atomic<std::uint64_t> passed_{0}, missed_{0}, every_{1};
  std::mutex mutex_;
  std::deque<Seen> ring_;
  std::uint64_t held_ = 0, number_ = 0;
  std::uint32_t copied_ = 0;  // in the slice of time that began at slice_
  TimePoint slice_{}, until_{};
};

/// All taps of a flow by the name of what they look at; made with the graph, then fixed.
class TapBoard {
 public:
  static constexpr std::size_t most_taps = 4;

  Tap& add(const std::string& name);
  Tap* find(std::string_view name) const;
  /// Whether this one may be turned on: it is already, or fewer than most_taps are.
  bool may_turn_on(const Tap& tap) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, std::unique_ptr<Tap>, std::less<>> taps_;
};

}  // namespace weir::pipeline
