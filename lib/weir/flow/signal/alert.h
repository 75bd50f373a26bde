#pragma once
/// One condition that an operator is told of: once when it has lasted, once when it is over.
///
///   crossed for `hold` without a break     -> fires
///   not crossed for `clear` without a break -> is over
///
/// A value around its threshold thus makes one alert, not many. A look that comes late counts as what it finds: what
/// was between two looks is not known.
///
/// Thread: one owner. Cost: some comparisons; 40 bytes.
#include <weir/base/units.h>

#include <optional>

namespace weir::flow {

class Alert {
 public:
  enum class Change : std::uint8_t { none, fires, ends };

  Alert(Duration hold, Duration clear) : hold_(hold), clear_(clear) {}

  Change look(bool crossed, TimePoint now) {
    if (crossed == firing_) {
      turned_.reset();
      return Change::none;
    }
    if (!turned_) turned_ = now;
    if (now - *turned_ < (crossed ? hold_ : clear_)) return Change::none;
    firing_ = crossed;
    since_ = *turned_;
    turned_.reset();
    return crossed ? Change::fires : Change::ends;
  }
  bool firing() const { return firing_; }
  /// Since when it is crossed while it fires, since when it is not after that.
  TimePoint since() const { return since_; }

 private:
  Duration hold_, clear_;
  bool firing_ = false;
  TimePoint since_{};
  std::optional<TimePoint> turned_;  ///< since when it is not what it was
};

}  // namespace weir::flow
