#include "outgoing_group.h"

#include <algorithm>

namespace weir::kafka {
namespace {

void* token_of(std::uint32_t generation, std::uint32_t number) {
  return reinterpret_cast<void*>(std::uintptr_t{generation} << 32 | number);
}

}  // namespace

void OutgoingGroup::take(std::span<const Batch> batches) {
  std::vector<Shape> shape;
  std::uint32_t events = 0;
  for (const Batch& batch : batches) {
    shape.push_back({batch.empty() ? 0 : batch.id(0), batch.size()});
    events += batch.size();
  }
  if (open_ > 0 && shape == shape_) return;
  shape_ = std::move(shape);
  states_.assign(events, State::to_send);
  refused_.clear();
  why_failed_.clear();
  ++generation_;
  open_ = events;
  next_ = on_its_way_ = 0;
  at_ = {0, 0};
}

std::optional<OutgoingGroup::EventIndex> OutgoingGroup::next() {
  for (; next_ < states_.size(); ++next_, ++at_.event) {
    while (at_.event == shape_[at_.batch].events) at_ = {at_.batch + 1, 0};
    if (states_[next_] == State::to_send) return at_;
  }
  return std::nullopt;
}

void* OutgoingGroup::sent() {
  states_[next_] = State::on_its_way;
  ++on_its_way_;
  return token_of(generation_, next_);
}

void OutgoingGroup::end(State& state) {
  if (state == State::on_its_way) --on_its_way_;
  state = State::ended;
  --open_;
}

/// None: it belongs to a delivery that was given up.
OutgoingGroup::State* OutgoingGroup::state_of(void* token) {
  const auto number = reinterpret_cast<std::uintptr_t>(token);
  const auto index = static_cast<std::uint32_t>(number);
  if (static_cast<std::uint32_t>(number >> 32) != generation_ || index >= states_.size()) return nullptr;
  return states_[index] == State::on_its_way ? &states_[index] : nullptr;
}

OutgoingGroup::EventIndex OutgoingGroup::place_of(std::uint32_t number) const {
  std::uint32_t batch = 0;
  while (number >= shape_[batch].events) number -= shape_[batch++].events;
  return {batch, number};
}

void OutgoingGroup::arrived(void* token) {
  if (State* state = state_of(token)) end(*state);
}

void OutgoingGroup::refused(void* token, std::string why) {
  State* state = state_of(token);
  if (!state) return;
  const auto place = place_of(static_cast<std::uint32_t>(state - states_.data()));
  refused_.push_back({place.batch, place.event, std::move(why)});
  end(*state);
}

void OutgoingGroup::failed(void* token, std::string why) {
  State* state = state_of(token);
  if (!state) return;
  *state = State::to_send;
  --on_its_way_;
  if (!why.empty()) why_failed_ = std::move(why);
  next_ = 0;
  at_ = {0, 0};
}

void OutgoingGroup::lose_all() {
  std::ranges::replace(states_, State::on_its_way, State::to_send);
  ++generation_;
  on_its_way_ = next_ = 0;
  at_ = {0, 0};
}

std::vector<Delivery::Refused> OutgoingGroup::finish() {
  std::ranges::sort(refused_, {}, [](const Delivery::Refused& r) { return std::pair(r.batch, r.event); });
  return std::exchange(refused_, {});
}

}  // namespace weir::kafka
