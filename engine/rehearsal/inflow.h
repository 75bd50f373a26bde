#pragma once
/// What arrives at one source of a simulated flow, until each event has its fate.
///
/// A source that can refuse (http with `when_full: reject`) asks its guards and its door for each event, as for a
/// request of one event; what they refuse has ended, nobody comes again. Any other source does not read while the flow
/// is full: its events are held back, and their time counts from when they were due.
///
///   Little's law holds to the event: the integral of how many are inside = the sum of the times that each was inside
///
/// Thread: the clock's; receipts are settled by whoever has the baton. Cost: some microseconds an event. Memory: what
/// is held back, whatever time is simulated.
#include <deque>
#include <memory>
#include <optional>

#include "config/scenarios.h"
#include "load/arrivals.h"
#include "pipeline/entry/reactor_output.h"
#include "rehearsal/simulation.h"

namespace weir::pipeline {

class Inflow {
 public:
  Inflow(const config::ScenarioLoad& load, SourceNode& node, boost::asio::io_context& io, Bytes batch_bytes,
         Duration length, std::uint64_t seed, Simulated::Source& result, TimeLineWriter& line, std::size_t index);

  TimePoint next() const { return next_.value_or(never); }
  /// What is due by now.
  void arrive();
  /// Gives the flow what it takes. Whether it took any.
  bool feed();
  /// Counts and deletes what is settled.
  void collect();
  /// Time passes.
  void pass(Duration time) { result_.inside += static_cast<double>(inside_) * seconds(time); }
  bool held_back() const { return !unread_.empty() || output_.pending() > 0; }
  bool over() const { return !next_ && inside_ == 0; }
  std::uint64_t inside() const { return inside_; }
  ReactorOutput& output() { return output_; }
  void note_held();
  /// At the end: what is still inside has been there until now.
  void end();

 private:
  struct Arrived {
    Arrived(ReceiptOwner& owner, TimePoint at) : receipt(owner), due(at) { receipt.waiter = this; }
    Receipt receipt;
    TimePoint due;
    async::Permit permit;
  };
  /// Units that are settled, until the clock's thread takes them.
  struct Settled final : ReceiptOwner {
    void on_settled(Receipt& receipt) noexcept override {
      receipt.next = first;
      first = &receipt;
    }
    Receipt* first = nullptr;
  };
  enum class Given : std::uint8_t { yes, refused, not_now };
  Given give(std::unique_ptr<Arrived>& unit);
  Admitted<Ticket> pass_door(Arrived& unit);
  void ended(const Arrived& unit, Fate fate, const std::string& how);
  void plan();

  const config::ScenarioLoad& load_;
  SourceNode& node_;
  ReactorOutput output_;
  load::Arrivals arrivals_;
  Simulated::Source& result_;
  TimeLineWriter& line_;
  const std::size_t index_;
  const TimePoint began_;
  Settled settled_;
  std::optional<TimePoint> next_;
  std::deque<std::unique_ptr<Arrived>> unread_;
  std::uint64_t inside_ = 0;
  double due_ = 0;  // the sum of when those inside were due, in seconds from the beginning
};

}  // namespace weir::pipeline
