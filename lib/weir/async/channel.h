#pragma once
/// A bounded channel between threads, and between coroutines of several io_contexts: a LockedEdge, as in front of each
/// sink of the pipeline, and the sleepers to wake. What happens when it is full is the edge's `when_full`:
///
///   when_full             try_send of what does not fit   send of what does not fit
///   block                 flow_full                       waits for room until its deadline
///   reject, spill         flow_full                       flow_full at once (for spill the caller has the other place)
///   drop_*                never refused; dropped items go to `on_dropped`
///
/// Sending takes the prefix that fits and leaves the rest in `item`: after a refusal, `item` is what did not go in.
/// Rejections:
///   flow_full          no room, or too many senders wait for it; retry_after: the time to the low watermark at the
///                      service rate, if that is known
///   deadline_exceeded  there was no room in time (the same retry_after)
///   shutting_down      closed
/// Senders of one priority are served in the order in which they came.
///
/// Receiving gives an item of at most `most` (>= 1 event), by priority and age, or Idle: `empty` (nothing came in
/// time), `closed` (closed, and all that was in it has been received). receive_all takes all that waits under one lock,
/// up to `most` (one event may exceed its bytes): use it wherever waking a thread costs more than the work.
///
/// An `int`, or anything else movable, is an item with one word: `Channel<Item<int>>` (item.h).
///
/// Notifications are sent only to sleepers. A receiver is woken for an arrival, senders when the edge falls to its low
/// watermark: once a pause, not once an event.
///
/// Thread: any. Faces: `x` for coroutines (deadline by the context's clock), `x_for` for threads that may block.
/// Cost: 0.1 us of CPU for an item sent and received, its edge and two clock reads included; 0.1 to 0.3 us a side
/// between threads (channel_bench.cc). A sleep adds an allocation and a timer; waking a thread that sleeps costs 20 us.
/// On cancel: a cancelled coroutine throws operation_aborted; what it had not sent is still in `item`, what it was to
/// receive goes to the next receiver. The channel must outlive everything that waits in it (checked).
/// Ref: semantics D1 to D8; flow/queue/edge.h.
#include <weir/async/locked_edge.h>
#include <weir/async/wait_list.h>

#include <boost/asio/awaitable.hpp>

#include <expected>
#include <functional>
#include <mutex>
#include <vector>

namespace weir::async {

struct ChannelConfig {
  flow::EdgeConfig edge;
  std::size_t most_sleepers = 1024;  ///< senders that may wait for room (each holds an item), and as many receivers
};

struct ChannelStats {
  flow::EdgeStats edge;
  std::uint64_t refused = 0;  ///< events that were returned to their senders
  std::uint64_t woken = 0;    ///< sleepers, both sides
  std::size_t sleeping_senders = 0, sleeping_receivers = 0;
  bool closed = false;
};

enum class Idle : std::uint8_t { empty, closed };

template <flow::Waiting T>
class Channel {
 public:
  template <typename Value>
  using Received = std::expected<Value, Idle>;
  /// Called for each dropped item, without locks, on the thread that caused the drop; it must end the item with its
  /// fate.
  using OnDropped = std::function<void(T, Reason)>;

  /// The seed drives drop_random.
  Channel(const ChannelConfig& config, const Context& context, OnDropped on_dropped, std::uint64_t seed = 1);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();  ///< as cancel

  [[nodiscard]] Admitted<void> try_send(T& item);
  [[nodiscard]] boost::asio::awaitable<Admitted<void>> send(T& item, TimePoint deadline);
  [[nodiscard]] Admitted<void> send_for(T& item, Duration most_time);
  /// For one who does not want it back: what does not go in is destroyed.
  [[nodiscard]] Admitted<void> try_send(T&& item) { return try_send(item); }
  [[nodiscard]] boost::asio::awaitable<Admitted<void>> send(T&& item, TimePoint deadline) {
    return send_own(std::move(item), deadline);
  }
  [[nodiscard]] Admitted<void> send_for(T&& item, Duration most_time) { return send_for(item, most_time); }

  [[nodiscard]] Received<T> try_receive(Load most);
  boost::asio::awaitable<Received<T>> receive(Load most, TimePoint deadline);
  [[nodiscard]] Received<T> receive_for(Load most, Duration most_time);
  boost::asio::awaitable<Received<std::vector<T>>> receive_all(Load most, TimePoint deadline);
  [[nodiscard]] Received<std::vector<T>> receive_all_for(Load most, Duration most_time);
  /// To be told what receivers completed, for the service rate (flow::Edge::served).
  void served(std::uint64_t events, Duration busy);

  /// Accepts nothing more; what waits can still be received.
  void close();
  /// Closes, and waits until all has been received: true; false: the deadline came first. Received work may still be in
  /// progress: to wait for its end, let receivers hold a Pass of a Gate.
  [[nodiscard]] boost::asio::awaitable<bool> drain(TimePoint deadline);
  [[nodiscard]] bool drain_for(Duration most_time);
  /// Closes; what waits ends as a dropped item, Reason::shutdown.
  void cancel();

  flow::Pressure pressure() const;
  ChannelStats stats() const;
  /// One of this priority would be held up: for a sender that had better not read what it cannot send. No lock.
  bool paused(Priority priority) const { return edge_.paused(priority); }
  /// Values change in place, what waits stays.
  void reconfigure(const flow::EdgeConfig& config);

 private:
  struct Aftermath;
  [[nodiscard]] boost::asio::awaitable<Admitted<void>> send_own(T item, TimePoint deadline) {
    co_return co_await send(item, deadline);
  }
  std::optional<Admitted<void>> offer(T& item, Turn* turn);
  template <typename Pops>
  std::optional<Received<void>> take(Turn* turn, Pops& pops);
  std::optional<bool> look_drained(Turn* turn);
  auto popping(T& item, Load most);
  auto popping_all(std::vector<T>& items, Load most);
  [[nodiscard]] Admitted<void> sent(const T& item, std::optional<Admitted<void>> done);
  Rejection refuse(Reason reason, const T& item);
  void after_change(Aftermath& after);
  void wake_receiver(Aftermath& after);
  Wait wait_in(WaitList& list, TimePoint deadline, Priority priority = Priority::normal) {
    return {edge_.mutex(), list, context_, deadline, priority};
  }
  TimePoint deadline_in(Duration most_time) const { return flow::later(context_.now(), most_time); }

  const Context& context_;
  const OnDropped on_dropped_;
  mutable LockedEdge<T> edge_;
  flow::WhenFull when_full_;
  WaitList senders_, receivers_, drainers_;
  std::uint64_t refused_ = 0;
};

}  // namespace weir::async

#include <weir/async/channel_faces_impl.h>
