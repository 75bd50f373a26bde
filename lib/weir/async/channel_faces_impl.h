#pragma once
/// Sending to and receiving from a Channel: in each direction one attempt under the lock, and three functions that try,
/// await or block until it is done.
///
/// Thread: as Channel. Cost: as Channel.
#include <weir/async/channel_impl.h>

namespace weir::async {

template <flow::Waiting T>
std::optional<Admitted<void>> Channel<T>::offer(T& item, Turn* turn) {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  if (edge_.closed()) return std::unexpected(refuse(Reason::shutting_down, item));
  if (!senders_.waits_before(item.priority(), turn ? turn->number() : last_in_line)) {
    const TimePoint now = context_.now();
    if constexpr (requires { item.stamp(now); }) item.stamp(now);
    item = edge_.push(std::move(item), now, after.dropped_items);
    wake_receiver(after);  // no sender: a push makes no room for other senders, and two whose items do not fit would
                           // wake each other in turn
  }
  if (item.load().empty()) return Admitted<void>{};
  if (when_full_ != flow::WhenFull::block) return std::unexpected(refuse(Reason::flow_full, item));
  if (turn && !turn->line_up()) return std::unexpected(refuse(Reason::flow_full, item));
  return std::nullopt;
}

template <flow::Waiting T>
Admitted<void> Channel<T>::try_send(T& item) {
  if (auto done = offer(item, nullptr)) return *done;
  const std::lock_guard lock(edge_);
  return std::unexpected(refuse(Reason::flow_full, item));
}

template <flow::Waiting T>
boost::asio::awaitable<Admitted<void>> Channel<T>::send(T& item, TimePoint deadline) {
  auto attempt = [&](Turn* turn) { return offer(item, turn); };
  const Wait wait = wait_in(senders_, deadline, item.priority());
  auto done = co_await attempt_until(wait, attempt);
  co_return sent(item, done);
}

template <flow::Waiting T>
Admitted<void> Channel<T>::send_for(T& item, Duration most_time) {
  auto attempt = [&](Turn* turn) { return offer(item, turn); };
  return sent(item, block_until(wait_in(senders_, deadline_in(most_time), item.priority()), attempt));
}

template <flow::Waiting T>
Admitted<void> Channel<T>::sent(const T& item, std::optional<Admitted<void>> done) {
  if (done) return *done;
  const std::lock_guard lock(edge_);
  return std::unexpected(refuse(Reason::deadline_exceeded, item));
}

template <flow::Waiting T>
Rejection Channel<T>::refuse(Reason reason, const T& item) {
  refused_ += item.load().events;
  if (reason == Reason::shutting_down) return {reason, Duration{0}};
  return {reason, edge_.edge().pressure(context_.now()).time_to_low.value_or(Duration{0})};
}

// ---- receiving ----

template <flow::Waiting T>
template <typename Pops>
std::optional<std::expected<void, Idle>> Channel<T>::take(Turn* turn, Pops& pops) {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  const bool took = pops(context_.now(), after.dropped_items);
  after_change(after);
  if (took) return Received<void>{};
  if (edge_.closed()) return std::unexpected(Idle::closed);
  if (turn && !turn->line_up()) return std::unexpected(Idle::empty);
  return std::nullopt;
}

template <flow::Waiting T>
auto Channel<T>::popping(T& item, Load most) {
  WEIR_CHECK(!most.empty());
  return [this, &item, most](TimePoint now, flow::DroppedItems<T>& out) { return edge_.pop(most, now, item, out); };
}

template <flow::Waiting T>
auto Channel<T>::popping_all(std::vector<T>& items, Load most) {
  WEIR_CHECK(!most.empty());
  return [this, &items, most](TimePoint now, flow::DroppedItems<T>& out) {
    edge_.pop_all(most, now, [&](T item) { items.push_back(std::move(item)); }, out);
    return !items.empty();
  };
}

template <typename Value>
std::expected<Value, Idle> received(Value& value, const std::optional<std::expected<void, Idle>>& done) {
  if (!done) return std::unexpected(Idle::empty);
  if (!*done) return std::unexpected(done->error());
  return std::move(value);
}

template <flow::Waiting T>
std::expected<T, Idle> Channel<T>::try_receive(Load most) {
  T item{};
  auto pops = popping(item, most);
  return received(item, take(nullptr, pops));
}

template <flow::Waiting T>
boost::asio::awaitable<std::expected<T, Idle>> Channel<T>::receive(Load most, TimePoint deadline) {
  T item{};
  auto pops = popping(item, most);
  auto attempt = [&](Turn* turn) { return take(turn, pops); };
  const Wait wait = wait_in(receivers_, deadline);
  const auto done = co_await attempt_until(wait, attempt);
  co_return received(item, done);
}

template <flow::Waiting T>
std::expected<T, Idle> Channel<T>::receive_for(Load most, Duration most_time) {
  T item{};
  auto pops = popping(item, most);
  auto attempt = [&](Turn* turn) { return take(turn, pops); };
  return received(item, block_until(wait_in(receivers_, deadline_in(most_time)), attempt));
}

template <flow::Waiting T>
boost::asio::awaitable<std::expected<std::vector<T>, Idle>> Channel<T>::receive_all(Load most, TimePoint deadline) {
  std::vector<T> items;
  auto pops = popping_all(items, most);
  auto attempt = [&](Turn* turn) { return take(turn, pops); };
  const Wait wait = wait_in(receivers_, deadline);
  const auto done = co_await attempt_until(wait, attempt);
  co_return received(items, done);
}

template <flow::Waiting T>
std::expected<std::vector<T>, Idle> Channel<T>::receive_all_for(Load most, Duration most_time) {
  std::vector<T> items;
  auto pops = popping_all(items, most);
  auto attempt = [&](Turn* turn) { return take(turn, pops); };
  return received(items, block_until(wait_in(receivers_, deadline_in(most_time)), attempt));
}

}  // namespace weir::async
