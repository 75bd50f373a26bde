#pragma once
/// What one receiver still has to be told of alerts. A receiver that cannot be reached must not cost memory without
/// bound, nor get an old state after a new one: of each alert the last change alone is kept.
///
///   due            what it has not been told, and what fires and was told `repeat` ago
///   delivered      what was over is forgotten; what changed meanwhile is due at once
///   failed         nothing is due for a while (flow/recover/backoff.h, 1 s to 1 min), or so long as it asked for
///
/// An alert that began and ended while the receiver could not be reached is told once, as over, with both times.
///
/// Thread: a value; its owner guards it. Cost: 200 bytes for each alert that fires or is not told; at most one for each
/// rule and part of the configuration.
#include <weir/flow/recover/backoff.h>

#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "observe/alert_news.h"

namespace weir::observe {

class AlertOutbox {
 public:
  explicit AlertOutbox(Duration repeat);

  void take(std::span<const AlertNews> news);
  /// At most `most`; until `delivered` or `failed` says what became of it, it is on its way.
  std::vector<AlertNews> due(TimePoint now, std::size_t most);
  void delivered(TimePoint now);
  void failed(TimePoint now, Duration asked, Rng& rng);
  /// When something is due that is not now; never: nothing is.
  TimePoint next() const;
  /// Alerts whose last change it has not been told.
  std::size_t waiting() const;

 private:
  using Key = std::tuple<AlertRule, std::string, std::string>;
  enum class Told : std::uint8_t { no, on_its_way, yes };
  struct Entry {
    AlertNews news;
    Told told = Told::no;
    bool repeats = false;  ///< on its way though it was told before
    TimePoint again = never;
  };
  TimePoint due_at(const Entry& entry) const;

  const Duration repeat_;
  const flow::Backoff backoff_;
  std::map<Key, Entry> entries_;
  TimePoint not_before_ = TimePoint::min();
  int failures_ = 0;  // in a row
};

}  // namespace weir::observe
