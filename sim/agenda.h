#pragma once
/// What happens when, in virtual time. Events of one instant happen in the order in which they were put down, so that a
/// seed gives the same run every time.
///
/// Thread: one owner. Cost: O(log events).
#include <weir/base/units.h>

#include <cstdint>
#include <queue>
#include <vector>

namespace weir::sim {

enum class What : std::uint8_t { arrival, at_service, served, answer, deadline, retry, tick, change };

struct Event {
  TimePoint at;
  std::uint64_t order = 0;
  What what{};
  std::uint32_t id = 0;          // a request, a stream of traffic, a change
  std::uint32_t generation = 0;  // of the request, of the service's jobs
};

class Agenda {
 public:
  void put(TimePoint at, What what, std::uint32_t id = 0, std::uint32_t generation = 0) {
    events_.push({at, order_++, what, id, generation});
  }
  bool empty() const { return events_.empty(); }
  Event take() {
    const Event event = events_.top();
    events_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t order_ = 0;
};

}  // namespace weir::sim
