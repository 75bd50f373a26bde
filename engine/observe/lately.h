#pragma once
/// How much a number that is looked at again and again has grown during the last `window`.
///
/// Thread: one owner. Cost: 16 bytes a look within the window, at most `most` of them: more frequent looks make the
/// window shorter, never the memory larger.
#include <weir/base/units.h>

#include <cstdint>
#include <deque>

namespace weir::observe {

class Lately {
 public:
  explicit Lately(Duration window) : window_(window) {}

  void look(std::uint64_t value, TimePoint now) {
    if (!looks_.empty() && (now < looks_.back().at || value < looks_.back().value)) looks_.clear();  // begun anew
    looks_.push_back({now, value});
    while (looks_.size() > most || (looks_.size() > 1 && looks_[1].at <= now - window_)) looks_.pop_front();
  }
  /// Since the oldest look that counts: the whole window, as soon as it was watched for so long.
  std::uint64_t growth() const { return looks_.empty() ? 0 : looks_.back().value - looks_.front().value; }
  Duration watched() const { return looks_.empty() ? Duration{0} : looks_.back().at - looks_.front().at; }

 private:
  static constexpr std::size_t most = 64;
  struct Look {
    TimePoint at;
    std::uint64_t value;
  };
  Duration window_;
  std::deque<Look> looks_;
};

}  // namespace weir::observe
