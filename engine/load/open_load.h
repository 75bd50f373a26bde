#pragma once
/// Plays a schedule against servers: sends what is due, leaves what has expired, and tells what became of each attempt.
///
/// It never waits for an answer before the next request: what is due is sent, at most 64 between two looks at the
/// answers, so that a sender that is late does not read late too.
///
/// Thread: one, which `run` blocks until the schedule is over. Cost: that of OpenClients, and a few clock readings an
/// attempt. On cancel: `go_on` returning false; what is under way is waited for, at most its deadline.
#include <deque>
#include <functional>
#include <string>

#include "load/open_clients.h"
#include "load/schedule.h"

namespace weir::load {

class OpenLoad {
 public:
  using OnEnd = std::function<void(const Attempt&, const Variant&, const Outcome&, bool call_over, TimePoint now)>;

  /// `targets` are what the variants of the schedule's streams name by number.
  OpenLoad(Schedule& schedule, std::vector<net::Endpoint> targets, std::size_t most_connections, const Context& context,
           OnEnd on_end);

  /// `go_on` is asked at least every 100 ms.
  void run(const std::function<bool(TimePoint now)>& go_on);
  std::uint64_t opened() const { return clients_.opened(); }

 private:
  void send_due();
  void leave_expired();
  void ended(std::uint32_t id, const Outcome& outcome);

  Schedule& schedule_;
  const Context& context_;
  const OnEnd on_end_;
  std::deque<std::string>
      texts_;  // by attempt: requests with ids, while they are sent; deque: they stay where they are
  OpenClients clients_;
};

}  // namespace weir::load
