#pragma once
/// Who asks when: the calls of several kinds of clients, their attempts, deadlines and returns. It is told the time and
/// sends nothing.
///
///   start     the next attempt that is due, now under way: its sender sends it
///   expired   one whose client waits no longer: its sender leaves it
///   ended     what became of one; its client may come back, which is an attempt due later
///
/// A client that would come back after the end of the load does not: it is `cut_off`. So a load is over, at the latest,
/// the longest deadline after its end. At most `most_calls` calls begin, and then no more.
///
/// Thread: a value. Cost: O(log of those due) an attempt. Memory: about 100 bytes for each that is under way or will
/// come back, 16 for each that was started within its deadline.
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "load/arrivals.h"
#include "load/attempt.h"
#include "load/persistence.h"

namespace weir::load {

/// Where a request has numbers that are never the same in two calls, and the same in all attempts of one: so many, each
/// of 12 digits.
struct Ids {
  static constexpr std::size_t digits = 12;
  std::size_t count = 0, first = 0, step = 0;  ///< in bytes
};

/// One kind of request of a stream.
struct Variant {
  double weight = 1;
  std::string label;    ///< what it is counted by: a route, a priority, a tenant
  std::string request;  ///< as it goes over the wire
  std::size_t target = 0;
  Ids ids{};
};

/// The request of this call, its ids written into `into` if it has some; else the variant's own.
std::string_view request_of(const Variant& variant, std::uint64_t call, std::string& into);

/// One kind of clients.
struct Stream {
  std::string name = "load";
  std::vector<Arrivals::Phase> phases;
  Arrivals::Kind arrivals = Arrivals::Kind::poisson;
  Persistence persistence;
  Duration deadline = std::chrono::seconds(10);  ///< of an attempt
  std::vector<Variant> variants;                 ///< drawn by weight; at least one
};

class Schedule {
 public:
  Schedule(std::vector<Stream> streams, Duration length, std::uint64_t most_calls, std::uint64_t seed);

  void begin(TimePoint now);
  /// No call begins and no client comes back from now on.
  void stop();

  std::optional<std::uint32_t> start(TimePoint now);
  std::optional<std::uint32_t> expired(TimePoint now);
  /// Whether its call is over.
  bool ended(std::uint32_t id, const Outcome& outcome, TimePoint now);

  bool over() const { return due_.empty() && under_way_ == 0; }
  /// When there is something to start or to leave; `never`: nothing.
  TimePoint next();

  /// Valid until its slot is used again: after `ended`, until the next `start`.
  const Attempt& at(std::uint32_t id) const { return slots_[id].attempt; }
  const Variant& variant(std::uint32_t id) const { return streams_[at(id).stream].variants[at(id).variant]; }
  const std::vector<Stream>& streams() const { return streams_; }
  TimePoint began() const { return began_; }
  Duration length() const { return length_; }
  std::size_t under_way() const { return under_way_; }
  std::uint64_t calls() const { return calls_; }
  std::uint64_t cut_off() const { return cut_off_; }
  /// As many calls as may be had begun before the end.
  bool ran_out() const { return ran_out_; }

 private:
  struct Due {
    Attempt attempt;
    bool operator<(const Due& o) const { return attempt.due > o.attempt.due; }
  };
  struct Slot {
    Attempt attempt;
    std::uint32_t serial = 0;
    bool live = false;
  };
  struct Started {
    std::uint32_t id, serial;
  };
  void plan(std::uint32_t stream);
  std::uint32_t draw_variant(const Stream& stream);
  /// The first of the stream that is still under way.
  const Slot* first(std::uint32_t stream);

  const std::vector<Stream> streams_;
  const Duration length_;
  const std::uint64_t most_calls_;
  Rng rng_;
  std::vector<Arrivals> arrivals_;
  TimePoint began_{};
  std::priority_queue<Due> due_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::deque<Started>> in_order_;  // by stream: whose deadline comes first
  std::size_t under_way_ = 0;
  std::uint64_t calls_ = 0, cut_off_ = 0;
  bool stopped_ = false, ran_out_ = false;
};

}  // namespace weir::load
