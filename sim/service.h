#pragma once
/// The service behind a limit that is not told of it: slots with one unbounded queue before them, or cores that share
/// themselves among all requests there are.
///
/// Thread: one owner. Cost: O(1) a request with slots, O(requests) with sharing.
#include "agenda.h"
#include "draws.h"

#include <deque>
#include <string>

namespace weir::sim {

/// How the times of requests differ, for one mean.
enum class Times : std::uint8_t {
  exponential,
  constant,
  lognormal,  ///< sigma 1.5
  bimodal,    ///< one in a hundred takes a hundred times as long
};
std::string_view name(Times times);

struct ServiceShape {
  int slots = 8;
  Duration mean = std::chrono::milliseconds(10);
  Times times = Times::exponential;
  bool sharing = false;
  Duration one_way = std::chrono::microseconds(200);  ///< of network
  /// Requests a second.
  double capacity() const { return slots / seconds(mean); }
};

class Service {
 public:
  Service(const ServiceShape& shape, std::uint64_t seed, Agenda& agenda);

  void arrive(std::uint32_t id, TimePoint now);
  /// The event `served`.
  void served(const Event& event);

  void set_slots(int slots, TimePoint now);
  void set_slower(double factor) { slower_ = factor; }
  void stall(bool stalled, TimePoint now);

 private:
  struct Job {
    std::uint32_t id;
    double left;  // seconds of work
  };
  double work();
  void start(TimePoint now);
  void answer(std::uint32_t id, TimePoint now) { agenda_.put(now + shape_.one_way, What::answer, id); }
  void work_until(TimePoint now);
  void plan_next(TimePoint now);
  double pace() const;

  ServiceShape shape_;
  Draws draws_;
  Agenda& agenda_;
  double slower_ = 1;
  bool stalled_ = false;
  // slots
  int busy_ = 0;
  std::deque<std::uint32_t> queue_;
  std::vector<std::uint32_t> held_;  // done while stalled
  // sharing
  std::vector<Job> jobs_;
  TimePoint worked_until_{};
  std::uint32_t plan_ = 0;
};

}  // namespace weir::sim
