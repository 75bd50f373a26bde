#pragma once
/// What a generator makes, and when: plain values that take the time as a parameter.
///
///   events owed since the last turn = integral of rate(t) over the time that passed, at most 100 ms of it
///
/// Time in which the generator was held up is not made up for: a source that is paused makes fewer events.
///
/// Thread: values. Cost: about 100 ns an event of 200 bytes.
#include <weir/base/result.h>
#include <weir/base/rng.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace weir::generator {

/// "10s:1000/s": this rate for so long. The last step's rate goes on for ever.
struct Step {
  Duration length;
  PerSecond rate;
};
Result<std::vector<Step>> parse_steps(const std::vector<std::string>& texts);

/// "critical=1,normal=8,batch=1": shares of the priorities.
using Mix = std::array<std::uint32_t, priority_count>;
Result<Mix> parse_mix(std::string_view text);

class Schedule {
 public:
  explicit Schedule(std::vector<Step> steps) : steps_(std::move(steps)) {}
  /// How many events are due now, since the last call.
  std::uint64_t due(TimePoint now);
  /// What was due and could not be made was not due.
  void forget_until(TimePoint now);

 private:
  PerSecond rate_at(TimePoint now) const;
  std::vector<Step> steps_;
  std::optional<TimePoint> began_{};
  TimePoint last_{};
  double owed_ = 0;
};

/// {"id":"g-SEED-N","n":N,"priority":"normal","pad":"..."}, about `size` bytes each.
class Maker {
 public:
  Maker(Bytes size, const Mix& mix, std::uint64_t seed);
  /// Makes the next event; text() and priority() are it.
  void next();
  std::string_view text() const { return text_; }
  Priority priority() const { return priority_; }
  std::uint64_t made() const { return number_; }

 private:
  std::size_t size_;
  Mix mix_;
  std::uint64_t weight_ = 0;
  std::uint64_t seed_;
  Rng rng_;
  std::string text_;
  Priority priority_ = Priority::normal;
  std::uint64_t number_ = 0;
};

}  // namespace weir::generator
