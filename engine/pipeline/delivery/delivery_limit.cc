#include "pipeline/delivery/delivery_limit.h"

#include <algorithm>
#include <mutex>

namespace weir::pipeline {

DeliveryLimit::DeliveryLimit(const config::Guards& guards, std::uint64_t seed) : seed_(seed) { make(guards); }

void DeliveryLimit::make(const config::Guards& guards) {
  config_ = guards.concurrency;
  in_flight_.reset();
  if (config_) in_flight_ = std::make_shared<InFlight>(flow::AnyLimit(config_->guard.limit, seed_));
  limit_.store(config_ ? in_flight_->limit().limit() : 0, std::memory_order_relaxed);
  none_.store(!config_, std::memory_order_relaxed);
}

/// Deliveries that a reload finds under way keep their place in the limit that gave it, and are above the new one for
/// as long as they take.
void DeliveryLimit::reconfigure(const config::Guards& guards) {
  const std::lock_guard lock(mutex_);
  const bool same = config_ && guards.concurrency && config_->guard == guards.concurrency->guard;
  if (same)
    config_ = guards.concurrency;
  else
    make(guards);
}

int DeliveryLimit::most_of(int workers) const {
  const std::uint32_t limit = limit_.load(std::memory_order_relaxed);
  return none() || limit >= static_cast<std::uint32_t>(workers) ? workers : static_cast<int>(limit);
}

std::optional<DeliveryLimit::Place> DeliveryLimit::try_start(bool& waits, TimePoint now) {
  if (none() && !waits) return Place();
  const std::lock_guard lock(mutex_);
  const bool room = !in_flight_ || in_flight_->has_room();
  wanted_ = !room;
  if (!room && !waits) ++refused_;
  if (!room && !config_->observe) {
    if (!waits) ++waiting_, ++waited_;
    waits = true;
    return std::nullopt;
  }
  if (waits) --waiting_;
  waits = false;
  if (!in_flight_ || !room) return Place();
  ++permitted_;
  return Place(in_flight_, in_flight_->start(now));
}

bool DeliveryLimit::end(Place place, flow::CallEnd how, bool more, TimePoint now) {
  if (!place.permit_) return false;
  const std::lock_guard lock(mutex_);
  const bool somebody = waiting_ > 0 || wanted_ || more;
  switch (how) {
    case flow::CallEnd::answered: place.permit_->answered(somebody, now); break;
    case flow::CallEnd::failed: place.permit_->failed(somebody, now); break;
    case flow::CallEnd::ignored: place.permit_->ignored(); break;
  }
  place.permit_.reset();
  if (in_flight_) limit_.store(in_flight_->limit().limit(), std::memory_order_relaxed);
  if (!somebody && in_flight_) in_flight_->left_free();
  return waiting_ > 0;
}

void DeliveryLimit::leave(bool& waits) {
  if (!waits) return;
  const std::lock_guard lock(mutex_);
  --waiting_;
  ++left_;
  waits = false;
}

std::string DeliveryLimit::holds_up() const {
  if (none()) return {};
  const std::lock_guard lock(mutex_);
  if (waiting_ == 0 || !in_flight_) return {};
  const auto& limit = config_->guard.limit;
  const std::string at_once = std::to_string(in_flight_->limit().limit()) + " at once";
  return limit.moves() ? at_once + " (" + std::string(name(limit.algorithm)) + ")" : at_once;
}

std::vector<GuardStatus> DeliveryLimit::status() const {
  if (none()) return {};
  const std::lock_guard lock(mutex_);
  if (!in_flight_) return {};
  const auto stats = in_flight_->stats();
  return {
      {.name = "concurrency",
       .limit = config::words_of(*config_),
       .observed = config_->observe,
       .permitted = permitted_,
       .refused = refused_,
       .concurrency = async::ConcurrencyFacts{
           .limit = stats.limit, .in_flight = stats.in_flight, .waiting = waiting_, .waited = waited_, .left = left_}}};
}

}  // namespace weir::pipeline
