#pragma once
/// The source output that an intake works through: one reactor's way into the flow.
///
/// Per priority it has an open batch of small events (its buffer is a footprint, made when first used), flushed at the
/// end of the reactor's turn. What waits for room or for a stage is in the port, and nothing of its priority passes it,
/// so at most one batch waits besides it, here (decision 0005).
///
/// Thread: its reactor, except on_queue_room and the counts. Cost: add a copy; push the port's. On cancel: `abandon`
/// ends what is held.
#include <weir/async/reactor_task.h>
#include <weir/component/reports_level.h>
#include <weir/component/source.h>

#include <array>

#include "guards/event_caller.h"
#include "pipeline/entry/source_node.h"
#include "pipeline/route/port.h"

namespace weir::pipeline {

class ReactorOutput final : public SourceOutput, public ReportsLevel, public RoomListener {
 public:
  ReactorOutput(SourceNode& node, boost::asio::io_context& reactor, Bytes batch_bytes);

  Admitted<Ticket> admit(Bytes worst_case, Priority priority, flow::BriefHold::HeldUnit* unit) override {
    return node_.admit(worst_case, priority, unit);
  }
  Admitted<async::Permit> pass_guards(const async::Arrival& arrival) override { return node_.pass_guards(arrival); }
  Admitted<void> pass_rates_of_events(const async::Caller& sender, std::string_view text,
                                      std::span<const Batch::Slot> events) override {
    return node_.pass_rates_of_events(caller_, sender, text, events);
  }
  bool refuses_when_full() const override { return node_.refuses_when_full(); }
  void brought(std::uint64_t events) override { node_.brought(events); }
  Admitted<Ticket> reserve(Bytes amount) override { return node_.budget().try_take(amount); }
  Bytes cost(std::size_t bytes, std::size_t events) const override;
  std::optional<Rejection> stalled() const override { return node_.stalled(); }
  bool paused(Priority priority) const override;
  double level() const override { return node_.level(); }
  bool ready(Priority priority) const override { return port_.waiting(priority) == 0; }
  void push(Batch batch, Ticket spare) override;
  void add(std::string_view event, Priority priority, Receipt* receipt, Ticket part) override;
  void add_from(const std::shared_ptr<const Origin>& origin, std::string_view event, Priority priority,
                Receipt* receipt, Ticket part) override;
  bool reads(Attribute attribute) const override { return node_.route.reads.has(attribute); }
  void flush() override;
  bool has_dead_letters() const override { return node_.dead_letters != nullptr; }
  bool dead_letters_ready() const override { return letters_.empty(); }
  void dead_letter(std::string_view event, Reason reason, std::string_view why, std::optional<EventPosition> place,
                   Receipt* receipt) override;
  std::uint64_t next_ids(std::uint32_t n) override { return node_.next_ids(n); }
  const Context& context() const override { return node_.context(); }
  void refused(std::uint64_t events, Reason reason) override { node_.counters.because(reason, events); }
  std::string_view why(Reason refused_with) const override;

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
  /// Ends everything held with abandoned{shutdown}.
  Left abandon();

 private:
  struct Lane {
    std::unique_ptr<BatchBuilder> open;
    BatchInfo info;  // of the open batch
    Batch next;      // pushed while the open batch before it waits in the port
    Ticket next_spare;
  };
  void come_later(Duration wait, std::uint64_t turns);
  Lane& lane(Priority priority) { return lanes_[static_cast<std::size_t>(priority)]; }
  void flush(Priority priority);
  void send(Priority priority);
  Port::Progress push_paced(Priority priority);
  Port::Progress push_by_key(Priority priority);
  void send_dead_letters();
  void publish();

  SourceNode& node_;
  guards::EventCaller caller_;
  Bytes batch_bytes_;
  Port port_;
  std::array<Lane, priority_count> lanes_;
  Batch letters_;
  mutable std::string why_;
  std::atomic<std::uint64_t> pending_{0}, in_motion_{0};
  async::ReactorTask flushing_, resuming_;
};

}  // namespace weir::pipeline
