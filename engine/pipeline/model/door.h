#pragma once
/// The guards of a source as semantics F1 and F9 have them: who is refused at the door, for what reason, and what is
/// under way.
///
///   rate        at most `rate` in any time of `window`; observed: it decides and counts, and refuses nobody
///   inner rate  a second one that must agree too, asked after the first
///   under way   at most so many that were let in and have not ended
///   refused     what an earlier one gave is given back
///
/// Thread: one. Cost: tests only.
#include <weir/base/reason.h>
#include <weir/base/units.h>

#include <deque>
#include <optional>

namespace weir::model {

/// 0: there is no such limit.
struct DoorRules {
  std::uint64_t rate = 0;
  Duration window{1'000'000'000};
  bool rate_observed = false;
  std::uint64_t inner_rate = 0;
  std::uint64_t under_way = 0;
};

class Door {
 public:
  explicit Door(const DoorRules& rules) : rules_(rules) {}

  /// Nothing: it is let in.
  std::optional<Reason> arrive(TimePoint now) {
    for (auto* taken : {&taken_, &inner_taken_})
      while (!taken->empty() && now - taken->front() >= rules_.window) taken->pop_front();
    const bool over = rules_.rate > 0 && taken_.size() >= rules_.rate;
    if (over && !rules_.rate_observed) return Reason::rate_limited;
    if (rules_.inner_rate > 0 && inner_taken_.size() >= rules_.inner_rate) return Reason::rate_limited;
    if (rules_.under_way > 0 && under_way_ >= rules_.under_way) return Reason::concurrency_limited;
    if (rules_.rate > 0 && !over) taken_.push_back(now);
    if (rules_.inner_rate > 0) inner_taken_.push_back(now);
    ++under_way_;
    return std::nullopt;
  }
  void ended() { --under_way_; }
  std::uint64_t under_way() const { return rules_.under_way > 0 ? under_way_ : 0; }

 private:
  DoorRules rules_;
  std::deque<TimePoint> taken_, inner_taken_;
  std::uint64_t under_way_ = 0;
};

}  // namespace weir::model
