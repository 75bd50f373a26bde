#pragma once
/// When a consumer stops taking messages from the library, and when it makes the library stop fetching.
///
/// librdkafka throws away what it has fetched when partitions are paused, and fetches it again on resume. So polling is
/// stopped first: the library's own bound ends the fetching, and nothing is thrown away. Only when there has been no
/// room for `patience` are the partitions paused, because a consumer that does not poll leaves its group. The gap to
/// resume is wide: partitions are resumed when the waiting messages are nearly used up.
///
///   below high                          -> poll
///   above high, for less than patience  -> wait
///   above high for patience             -> pause: from here on polling brings no messages
///   paused, and at most low             -> resume
///
/// Thread: a value. Cost: none. Ref: librdkafka issue 2703 (pause purges the prefetched messages).
#include <weir/base/units.h>

namespace weir::kafka {

class PausePolicy {
 public:
  struct Watermarks {
    Load high, low;
    Duration patience;
  };
  enum class Step : std::uint8_t { poll, wait, pause, resume };

  explicit PausePolicy(Watermarks watermarks) : watermarks_(watermarks) {}

  /// `waiting`: what has been taken from the library and not yet by the reactor.
  Step next(Load waiting, TimePoint now);
  bool paused() const { return paused_; }

 private:
  Watermarks watermarks_;
  bool paused_ = false;
  TimePoint full_since_ = never;
};

}  // namespace weir::kafka
