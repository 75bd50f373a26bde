// A queue is as long as its promise, not as long as memory allows: bound = target latency x measured rate (Little's law
// read backwards). When the server slows down, the same promise is a shorter queue.
#include <weir/flow/queue/edge.h>
#include <weir/flow/theory/little.h>

#include <cmath>
#include <cstdio>
#include <utility>

using namespace weir;
using namespace std::chrono_literals;

// What waits: one event that cannot be cut. Anything with these five functions can wait in an Edge.
struct Job {
  bool there = false;
  TimePoint arrived{};
  Load load() const { return there ? Load{1, 100_B} : Load{}; }
  Priority priority() const { return Priority::normal; }
  TimePoint since() const { return arrived; }
  std::uint32_t prefix(Load room) const { return load().fits_in(room) ? 1 : 0; }
  Job split(std::uint32_t n) { return n ? std::exchange(*this, Job{}) : Job{}; }
};

constexpr Duration target = 500ms;

struct Seen {
  std::uint64_t bound, refused;
  Duration longest_wait;
};

/// Two seconds at 1.5 times what the server can do, on a clock that we own: the policy reads none.
Seen overload(flow::Edge<Job>& edge, std::int64_t rate, TimePoint& now) {
  Seen seen{};
  flow::DroppedItems<Job> dropped_items;
  for (std::int64_t i = 0; i < 2 * rate; ++i, now += Duration(1s) / rate) {
    for (std::int64_t arrivals = 0; arrivals < 1 + i % 2; ++arrivals)
      if (edge.push(Job{true, now}, now, dropped_items).there) ++seen.refused;
    Job job;
    if (!edge.pop({1, 1_KiB}, now, job, dropped_items)) continue;
    if (i > rate) seen.longest_wait = std::max(seen.longest_wait, now - job.arrived);  // the rate is known by then
    edge.served(1, Duration(1s) / rate);
  }
  seen.bound = edge.bound_events();
  return seen;
}

int main() {
  bool kept = true;
  TimePoint now{1s};
  for (const std::int64_t rate : {4000, 400}) {
    flow::Edge<Job> edge({.bound = {1'000'000, 1_GiB}, .max_wait = target, .when_full = flow::WhenFull::reject}, 1);
    const Seen seen = overload(edge, rate, now);
    const double little = flow::items_inside(PerSecond{static_cast<double>(rate)}, target);
    std::printf(
        "at %ld/s a promise of 500 ms is a bound %lu (Little: %.0f); the longest wait was %ld ms, %lu refused\n", rate,
        seen.bound, little, seen.longest_wait / 1ms, seen.refused);
    const bool sized = std::abs(static_cast<double>(seen.bound) - little) <= 1;
    kept = kept && sized && seen.longest_wait <= target + 10ms && seen.refused > 0;
  }
  std::puts(kept ? "nobody who was let in waited longer than promised"
                 : "BROKEN: somebody waited longer than promised");
  return kept ? 0 : 1;
}
