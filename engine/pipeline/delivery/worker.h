#pragma once
/// A worker takes a group of batches that wait in front of its sink, and keeps it until every event has its fate.
///
///   take a group -> may we send? (rate, concurrency, hold, breaker, retry budget) -> deliver
///   deliver      -> done: settle
///                -> more: same group again
///                -> again: back off, same group again
///                -> refused or failed: dead letters, or failed
///
/// A group counts against the rate (pace.h) once, and again with each retry: what the destination gets is what counts.
///
/// Transient errors are retried for as long as they last (semantics E2, E3): no event fails because a breaker is open
/// or a retry budget is empty. `step` is one step of this state machine; it takes the time as its only input and says
/// what to wait for. The thread around it (`run`) only waits, and tests drive the same machine without threads.
///
/// Thread: one. Cost: one lock to take a group, two per attempt. On cancel: `abandon` ends the group in hand.
#include <weir/component/sink.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/delivery/sink_node.h"

namespace weir::pipeline {

class Worker final : public RoomListener {
 public:
  Worker(SinkNode& node, std::unique_ptr<Sink> sink, const Context& context);

  enum class Need : std::uint8_t { nothing, arrivals, time, dead_letter_room, finished };
  struct Next {
    Need need = Need::nothing;  ///< nothing: step again at once
    Duration wait{0};           ///< at most so long
  };
  Next step();
  /// Steps until the sink queue is closed and empty, or abandoned. The body of the worker's thread.
  void run();
  /// From any thread, at the drain deadline.
  void abandon();
  const Left& left() const { return left_; }  ///< after run() returned: what was abandoned
  Sink& sink() { return *sink_; }
  /// From any thread: the next attempt is made by this sink, which is open. The one before is closed; a group it was in
  /// the middle of begins anew.
  void replace(std::unique_ptr<Sink> sink);
  Result<std::string> on_hangup();
  void on_queue_room() noexcept override { node_.line().interrupt(); }

 private:
  struct DeadLetter {
    std::uint32_t batch, event;
    Reason reason;
    std::string why;
  };
  Next take();
  Next attempt();
  void take_over_new_sink();
  PacedLoad next_piece() const;
  Next hold_back(const Rejection& why, TimePoint now);
  void free(DeliveryLimit::Place place, flow::CallEnd how, TimePoint now);
  Reason cause_of(Reason held_back_by) const;
  void put_off(const Delivery& delivery, async::Permit& permit, TimePoint now);
  void went_well(Delivery delivery);
  void finish(Delivery delivery);
  void refuse_for_good(const std::vector<DeadLetter>& dead);
  void write_letters(std::vector<DeadLetter> dead);
  Next push_dead_letters();
  void settle_group(Fate rest, std::span<const DeadLetter> exceptions, bool moved);
  Next give_up();
  Load group_load() const;

  SinkNode& node_;
  std::mutex sinks_;  // which of them there are, for other threads; this one uses sink_ without it
  std::unique_ptr<Sink> sink_, new_sink_;
  const Context& context_;
  std::vector<Batch> group_;
  TimePoint taken_{};             // when the group was
  Batch letters_;                 // dead letters that wait for room
  std::vector<DeadLetter> dead_;  // not yet in the waiting letters
  std::size_t next_dead_ = 0;
  int failures_ = 0;
  bool waits_for_place_ = false;  // all that may deliver at once do
  bool paid_ = false;             // its events have been counted by the rate, and go out in several deliveries
  bool retries_ = false;          // the next attempt adds load to a destination that failed
  bool tried_before_ = false;     // an attempt for this group failed: some of it may be there
  Duration busy_{0};              // busy time spent on this group, over all calls that went well
  TimePoint not_before_{};
  TimePoint lingering_since_{};
  std::uint64_t interrupts_seen_ = 0;
  std::atomic<bool> abandoned_{false};
  Left left_;
};

}  // namespace weir::pipeline
