#pragma once
/// A source in the running graph, and the source output that each of its intakes works through.
///
/// SourceNode is what all reactors share: the door, the counters, the budget. ReactorOutput is the source output of one
/// reactor: it holds an open batch for each priority (its buffer is a footprint, allocated at its first use) and the
/// batches that wait for room.
///
/// Thread: SourceNode any; ReactorOutput its reactor, except on_queue_room. Cost: admit one lock of the door and one of
/// each required sink queue; add a copy. On cancel: `close` makes admit refuse with shutting_down.
#include <weir/base/context.h>
#include <weir/component/source.h>
#include <weir/flow/admit/door.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "config/config.h"
#include "pipeline/delivery/sink_node.h"
#include "pipeline/route/port.h"

namespace weir::pipeline {

class SourceNode {
 public:
  SourceNode(const config::Source& source, Budget& budget, Ids& ids, const Context& context, std::uint64_t seed);

  const std::string name;
  const std::string type;
  const Level acks;
  NodeCounters counters;
  Route route;
  SinkNode* dead_letters = nullptr;
  std::vector<SinkNode*> required;  ///< whose pressure the door reads
  std::atomic<std::uint64_t> admitted{0}, refused{0};

  Admitted<Ticket> admit(Bytes worst_case, Priority priority);
  Budget& budget() { return budget_; }
  const Context& context() const { return context_; }
  void brought(std::uint64_t events);
  void close(Duration retry_after);
  /// Until then a stage lets nothing more through.
  void hold_until(TimePoint t) { held_until_.store(t.time_since_epoch().count(), std::memory_order_relaxed); }
  void set_refuse_when_full(bool refuse) { refuse_when_full_ = refuse; }
  /// The cause that holds this source up now; empty: none. Refreshed at most every 100 ms: refusals must stay cheap.
  std::string why();
  /// The same for a request that has just been refused: names the fullest sink when nothing is held up right now.
  std::string why_refused();
  std::uint64_t next_ids(std::uint32_t n) { return ids_.take(n); }

 private:
  Admitted<void> decide(std::span<const flow::DoorFacts> facts, bool memory_full, TimePoint now);

  Budget& budget_;
  Ids& ids_;
  const Context& context_;
  Duration held_for(TimePoint now) const;

  std::optional<Duration> closing_;
  std::atomic<bool> refuse_when_full_;
  std::atomic<Duration::rep> held_until_{0};
  std::mutex mutex_;
  flow::Door door_;
  std::string why_;
  TimePoint why_at_{};
};

class ReactorOutput final : public SourceOutput, public RoomListener {
 public:
  ReactorOutput(SourceNode& node, boost::asio::io_context& reactor, Bytes batch_bytes);

  Admitted<Ticket> admit(Bytes worst_case, Priority priority) override { return node_.admit(worst_case, priority); }
  void brought(std::uint64_t events) override { node_.brought(events); }
  Admitted<Ticket> reserve(Bytes amount) override { return node_.budget().try_take(amount); }
  Bytes cost(std::size_t bytes, std::size_t events) const override;
  bool paused(Priority priority) const override;
  bool ready(Priority priority) const override { return !is_stuck(lanes_[static_cast<std::size_t>(priority)]); }
  void push(Batch batch, Ticket spare) override;
  void add(std::string_view event, Priority priority, Receipt* receipt, Ticket part) override;
  void flush() override;
  bool has_dead_letters() const override { return node_.dead_letters != nullptr; }
  bool dead_letters_ready() const override { return letters_.empty(); }
  void dead_letter(std::string_view event, Reason reason, std::string_view why, std::optional<EventPosition> place,
                   Receipt* receipt) override;
  std::uint64_t next_ids(std::uint32_t n) override { return node_.next_ids(n); }
  const Context& context() const override { return node_.context(); }
  void refused(std::uint64_t events, Reason reason) override { node_.counters.because(reason, events); }
  std::string_view why() const override;

  void on_queue_room() noexcept override;
  /// Tries again to send what waits. Called on the reactor's thread; tests call it themselves.
  void on_room_now();
  /// Events in open batches and in what waits, counted from them.
  std::uint64_t pending() const { return pending_.load(std::memory_order_acquire); }
  /// The same for the ledger: without what is just on its way into sink queues, which counts there before it is gone
  /// here.
  std::uint64_t accounted() const {
    const auto moving = in_motion_.load(std::memory_order_acquire), held = pending();
    return held > moving ? held - moving : 0;
  }
  /// Ends everything held with abandoned{shutdown}; returns the number of events, and of those without a receipt.
  SinkQueue::Abandoned abandon();

 private:
  struct Lane {
    std::unique_ptr<BatchBuilder> open;
    BatchInfo info;                    // of the open batch
    std::optional<StagedBatch> stuck;  // waits for room, or for a stage; nothing of this priority may pass it
    Batch next;                        // pushed while the open batch before it got stuck
    Ticket next_spare;
  };
  static bool is_stuck(const Lane& lane) { return lane.stuck && !lane.stuck->empty(); }
  void board(Lane& lane, Batch batch, Ticket spare);
  void come_later(Duration wait, std::uint64_t events);
  Lane& lane(Priority priority) { return lanes_[static_cast<std::size_t>(priority)]; }
  void flush(Lane& lane);
  void send(Lane& lane);
  void send_dead_letters();
  void schedule_flush();
  void publish();

  SourceNode& node_;
  boost::asio::io_context& reactor_;
  Bytes batch_bytes_;
  Port port_;
  std::array<Lane, priority_count> lanes_;
  Batch letters_;
  boost::asio::steady_timer later_;
  TimePoint later_at_{};  // when the timer is set for; in the past: it is not
  bool flush_scheduled_ = false;
  mutable std::string why_;
  std::atomic<std::uint64_t> pending_{0}, in_motion_{0};
};

}  // namespace weir::pipeline
