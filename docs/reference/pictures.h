#pragma once
/// What the runs behind the pictures share: an item that can wait, given time, and how a point is printed.
///
/// Thread: one. Cost: a line of output a point.
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <cstdio>
#include <utility>

namespace weir::pictures {

using namespace std::chrono_literals;

inline constexpr TimePoint start{1s};

/// One event, which cannot be cut.
struct Item {
  std::uint32_t events = 0;
  TimePoint born{};
  Priority of = Priority::normal;
  Load load() const { return events ? Load{1, 100_B} : Load{}; }
  Priority priority() const { return of; }
  TimePoint since() const { return born; }
  std::uint32_t prefix(Load room) const { return events && load().fits_in(room) ? 1 : 0; }
  Item split(std::uint32_t n) { return n ? std::exchange(*this, Item{}) : Item{}; }
};

inline void point(const char* picture, const char* series, double x, double y) {
  std::printf("%s\t%s\t%.5g\t%.5g\n", picture, series, x, y);
}

/// What happened in each `width` of time, as a series.
class Rate {
 public:
  Rate(const char* picture, const char* series, Duration width) : picture_(picture), series_(series), width_(width) {}
  void count(TimePoint now) {
    advance(now);
    ++count_;
  }
  void advance(TimePoint now) {
    for (; now - from_ >= width_; from_ += width_) {
      point(picture_, series_, seconds(from_ + width_ - start), static_cast<double>(count_));
      count_ = 0;
    }
  }

 private:
  const char* picture_;
  const char* series_;
  Duration width_;
  TimePoint from_ = start;
  std::uint64_t count_ = 0;
};

void limits();
void queues();
void theory();

}  // namespace weir::pictures
