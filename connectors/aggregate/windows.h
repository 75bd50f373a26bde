#pragma once
/// The windows of an aggregate, shared by all reactors: events are merged in, and each window that is over comes out as
/// one event for each of its groups.
///
///   window of an event   floor(time / length)
///   arrival clock        max(what it was + what the steady clock has gone since, the wall clock): a step of the wall
///                        clock back moves nothing, a step forward is followed
///   time                 of the event itself, or its arrival
///   watermark            the latest time seen (never beyond the arrival clock), less `lateness`; without times of
///                        their own the arrival clock, less `lateness`
///   over                 its end <= watermark; or nothing came for `idle`
///   late                 an event whose own time is in a window that is over. One that goes by its arrival is never
///                        late: where another reactor's clock has ended its window meanwhile, the next one takes it
///
/// Windows are numbered as they open; of at most `most` windows those that are over leave in the order of time. A
/// window that ended because nothing came may be opened again only while the arrival clock is still inside it.
///
/// Thread: any; one lock. Cost: about 50 ns an event besides the cache misses of its group.
/// Ref: Akidau and others, "The Dataflow Model", VLDB 2015 (watermarks, lateness).
#include <weir/component/stage.h>

#include <limits>
#include <mutex>

#include "groups.h"

namespace weir::aggregate {

struct Shape {
  Duration length;
  Duration lateness{0};
  Duration idle;
  bool own_times = false;  ///< events bring their time
  bool drop_late = true;
  std::size_t max_keys = 10'000;
  std::size_t most = 4;
  std::vector<std::string> labels;  ///< `"name":` of each key field
};

class Windows final : public Merger {
 public:
  Windows(Shape shape, Folds folds) : shape_(std::move(shape)), folds_(std::move(folds)) {}

  struct Entry {
    std::optional<WallTime> time;  ///< its own; none: that of its arrival
    const KeyReader& key;
    const KeyHash& hash;
    const std::vector<long double>& numbers;
  };
  Verdict merge(const Entry& entry, TimePoint now, WallTime wall);

  std::optional<Duration> next(TimePoint now) override;
  std::optional<Output> take(TimePoint now, WallTime wall, bool finish, std::string& out) override;
  /// Events that were folded into the overflow because there were too many keys.
  std::uint64_t overflowed() const;

 private:
  struct Window {
    std::int64_t number = 0;  ///< of its time
    std::uint64_t id = 0;     ///< 0: free
    std::uint64_t merged = 0;
    std::size_t written = 0;  ///< groups that have come out
    std::unique_ptr<Groups> groups;
  };
  std::int64_t number_of(WallTime time) const;
  WallTime start_of(std::int64_t number) const { return WallTime(shape_.length * number); }
  WallTime arrival(TimePoint now, WallTime wall);
  void observe(WallTime time, WallTime arrival);
  Window* open(std::int64_t number);
  Window* earliest();
  void end_if_idle(TimePoint now, WallTime arrival);
  void write(Window& window, std::size_t group, std::string& out);

  Shape shape_;
  Folds folds_;
  mutable std::mutex lock_;  // guards what follows
  std::vector<Window> windows_;
  std::int64_t open_from_ = std::numeric_limits<std::int64_t>::min();  // windows before it are over
  std::uint64_t last_id_ = 0, overflowed_ = 0;
  TimePoint last_event_, arrival_at_ = TimePoint::min();
  WallTime arrival_{Duration::min()};  // the arrival clock at arrival_at_
};

}  // namespace weir::aggregate
