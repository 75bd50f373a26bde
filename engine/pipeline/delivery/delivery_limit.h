#pragma once
/// How many deliveries of one sink may be under way at once (`guards: { concurrency: }`): what its destination does
/// without queueing, found from the times of its answers, or a number. Workers above it wait with what they hold.
///
///   try_start  a place, or nothing: then the worker waits until `end` of another says that it may try again
///   end        ok and a permanent refusal are answers, whose time teaches the limit; again is a sign of overload;
///              a full journal tells it nothing
///
/// A limit that only observes counts who would have had to wait, and gives those no place.
///
/// Thread: any; one lock. Cost: two locks and the limit's a delivery; nothing where there is none. On cancel: each
/// place is ended, whatever became of its delivery.
#include <weir/base/brief_mutex.h>
#include <weir/flow/admit/any_limit.h>
#include <weir/flow/admit/in_flight.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/guards.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

class DeliveryLimit {
  using InFlight = flow::InFlight<flow::AnyLimit>;

 public:
  class [[nodiscard]] Place {
   public:
    Place() = default;  ///< there is no limit, or this one is not counted

   private:
    friend class DeliveryLimit;
    Place(std::shared_ptr<InFlight> of, InFlight::Permit permit) : of_(std::move(of)), permit_(std::move(permit)) {}
    std::shared_ptr<InFlight> of_;  // a reload may have made another
    std::optional<InFlight::Permit> permit_;
  };

  DeliveryLimit(const config::Guards& guards, std::uint64_t seed);

  bool none() const { return none_.load(std::memory_order_relaxed); }
  /// So many of `workers` can deliver at once.
  int most_of(int workers) const;
  /// `waits`: whether this worker is counted among those that wait; kept up to date.
  std::optional<Place> try_start(bool& waits, TimePoint now);
  /// `more`: events wait in the queue, so the limit is in full use although no worker may be left to wait for it.
  /// True: one that waits may start, wake them.
  bool end(Place place, flow::CallEnd how, bool more, TimePoint now);
  /// It waits no more, and starts nothing.
  void leave(bool& waits);

  /// "8 at once", while workers wait for it; empty: none does.
  std::string holds_up() const;
  std::vector<GuardStatus> status() const;
  /// What was learned stays where the limit is the same.
  void reconfigure(const config::Guards& guards);

 private:
  void make(const config::Guards& guards);

  const std::uint64_t seed_;
  std::atomic<bool> none_{true};
  std::atomic<std::uint32_t> limit_{0};  // as it was last; for who may not wait for the lock
  mutable BriefMutex mutex_;
  std::optional<config::Concurrency> config_;
  std::shared_ptr<InFlight> in_flight_;
  std::uint32_t waiting_ = 0;
  bool wanted_ = false;  // observed: somebody would have had to wait since the last start
  std::uint64_t permitted_ = 0, refused_ = 0, waited_ = 0, left_ = 0;
};

}  // namespace weir::pipeline
