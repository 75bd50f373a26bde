#pragma once
/// The rates of a place whose key is a field of the events: they are asked when the events of a request are known, and
/// before the first of them enters.
///
///   all of a key at once   what a request brings of one key is asked for together, and may overdraw once (rate_guard.h)
///   all or nothing         when one key is above its rate the request is refused, with the longest time that one of
///                          its keys has to wait; what the other keys gave is given back
///
/// Thread: any; the reader is the caller's. Cost: that of reading the fields of each event, and for each key of the
/// request that of the guards. Memory: about 50 bytes for each key of the request, while it is asked.
#include <weir/async/guard.h>
#include <weir/async/rate_guard.h>
#include <weir/component/batch.h>

#include <span>
#include <string_view>

#include "config/guards.h"
#include "guards/event_caller.h"

namespace weir::guards {

class EventRates {
 public:
  explicit EventRates(const Context& context);

  bool empty() const { return keys_.empty(); }
  /// A rate whose key reads events; before the first is asked.
  async::RateGuard& add(const config::Rate& rate);
  Admitted<void> admit(EventCaller& reader, const async::Caller& sender, std::string_view text,
                       std::span<const Batch::Slot> events);
  std::vector<async::GuardStats> stats() const { return chain_.stats(); }

 private:
  struct Group {
    std::string_view first;  // its key is that of all
    Load load{0, {}};
  };
  std::vector<Group> by_key(EventCaller& reader, const async::Caller& sender, std::string_view text,
                            std::span<const Batch::Slot> events) const;

  const Context& context_;
  const KeyHash secret_;
  std::vector<async::ClientKey> keys_;  // of the rates
  async::GuardChain chain_;
};

}  // namespace weir::guards
