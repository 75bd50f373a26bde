#pragma once
/// The implementation of channel.h, in a file of its own so that the interface fits on a page.
///
/// Thread: as Channel. Cost: as Channel.
#include <weir/async/channel.h>

namespace weir::async {

/// Work that a change leaves to be done without the lock: declare it before the lock.
template <flow::Waiting T>
struct Channel<T>::Aftermath {
  explicit Aftermath(const Channel& c) : channel(c) {}
  Aftermath(const Aftermath&) = delete;
  Aftermath& operator=(const Aftermath&) = delete;
  ~Aftermath() {
    for (auto& dropped_item : dropped_items) channel.on_dropped_(std::move(dropped_item.item), dropped_item.reason);
  }
  const Channel& channel;
  flow::DroppedItems<T> dropped_items;
  Wakeups wakeups;  // last, so that sleepers are woken after the dropped items were ended
};

template <flow::Waiting T>
Channel<T>::Channel(const ChannelConfig& config, const Context& context, OnDropped on_dropped, std::uint64_t seed)
    : context_(context),
      on_dropped_(std::move(on_dropped)),
      edge_(config.edge, seed),
      when_full_(config.edge.when_full),
      senders_(config.most_sleepers),
      receivers_(config.most_sleepers),
      drainers_(config.most_sleepers) {
  WEIR_CHECK(on_dropped_);  // an edge that drops nothing can still be cancelled
}

template <flow::Waiting T>
Channel<T>::~Channel() {
  WEIR_CHECK(senders_.size() + receivers_.size() + drainers_.size() == 0);
  cancel();
}

template <flow::Waiting T>
void Channel<T>::close() {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  edge_.close();
  after_change(after);
}

template <flow::Waiting T>
std::optional<bool> Channel<T>::look_drained(Turn* turn) {
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  if (edge_.empty()) return true;
  if (turn) WEIR_CHECK(turn->line_up());
  return std::nullopt;
}

template <flow::Waiting T>
boost::asio::awaitable<bool> Channel<T>::drain(TimePoint deadline) {
  close();
  auto attempt = [this](Turn* turn) { return look_drained(turn); };
  const Wait wait = wait_in(drainers_, deadline);
  co_return (co_await attempt_until(wait, attempt)).has_value();
}

template <flow::Waiting T>
bool Channel<T>::drain_for(Duration most_time) {
  close();
  auto attempt = [this](Turn* turn) { return look_drained(turn); };
  return block_until(wait_in(drainers_, deadline_in(most_time)), attempt).has_value();
}

template <flow::Waiting T>
void Channel<T>::cancel() {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  edge_.close();
  edge_.drain([&](T item) { after.dropped_items.push_back({std::move(item), Reason::shutdown}); });
  after_change(after);
}

/// Wakes everybody for whom this change may have made a difference. Whoever is in line afterwards has a reason to
/// sleep.
template <flow::Waiting T>
void Channel<T>::after_change(Aftermath& after) {
  if (edge_.closed()) {
    senders_.wake_all(after.wakeups);
    receivers_.wake_all(after.wakeups);
    if (edge_.empty()) drainers_.wake_all(after.wakeups);
    return;
  }
  if (senders_.size() > 0)
    senders_.wake_if(after.wakeups, [this](Priority priority) { return !edge_.edge().paused(priority); });
  wake_receiver(after);
}

/// Wakes one at a time: the woken receiver wakes the next if it leaves something.
template <flow::Waiting T>
void Channel<T>::wake_receiver(Aftermath& after) {
  if (receivers_.size() > 0 && !edge_.empty()) receivers_.wake_first(after.wakeups);
}

template <flow::Waiting T>
void Channel<T>::served(std::uint64_t events, Duration busy) {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  edge_.served(events, busy);  // may move the bound
  after_change(after);
}

template <flow::Waiting T>
flow::Pressure Channel<T>::pressure() const {
  const std::lock_guard lock(edge_);
  return edge_.edge().pressure(context_.now());
}

template <flow::Waiting T>
ChannelStats Channel<T>::stats() const {
  const std::lock_guard lock(edge_);
  return {edge_.stats(),   refused_,          senders_.woken() + receivers_.woken(),
          senders_.size(), receivers_.size(), edge_.closed()};
}

template <flow::Waiting T>
void Channel<T>::reconfigure(const flow::EdgeConfig& config) {
  Aftermath after(*this);
  const std::lock_guard lock(edge_);
  edge_.reconfigure(config);
  when_full_ = config.when_full;
  // Senders that wait for room may not have to wait any more: under another policy they are refused, or something is
  // dropped for them.
  senders_.wake_all(after.wakeups);
  after_change(after);
}

}  // namespace weir::async
