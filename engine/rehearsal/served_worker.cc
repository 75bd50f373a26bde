#include "rehearsal/served_worker.h"

#include <algorithm>

namespace weir::pipeline {

void Baton::give() {
  {
    const std::lock_guard lock(mutex_);
    given_ = true;
  }
  changed_.notify_one();
}

void Baton::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return given_; });
  given_ = false;
}

class ServedWorker::End final : public Sink {
 public:
  explicit End(ServedWorker& worker) : worker_(worker) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override { return worker_.serve(batches); }

 private:
  ServedWorker& worker_;
};

ServedWorker::ServedWorker(SinkNode& node, SimulatedService& service, const Context& context, Counts& counts)
    : node_(node),
      service_(service),
      context_(context),
      counts_(counts),
      worker_(node, std::make_unique<End>(*this), context),
      thread_([this] { play(); }) {
  if (node.dead_letters) node.dead_letters->queue.add_listener(worker_);
}

ServedWorker::~ServedWorker() {
  abandon();
  finish();
  thread_.join();
}

TimePoint ServedWorker::wants() const {
  if (state_ == State::idle) return node_.line().empty() ? never : context_.now();
  if (state_ == State::waiting && interrupted()) return context_.now();
  return state_ == State::ended ? never : wake_;
}

/// A place of a limit on deliveries is free, or its dead letters have room.
bool ServedWorker::interrupted() const {
  std::uint64_t seen = interrupts_seen_;
  node_.line().wait_interruptible(Duration{0}, seen);
  return seen != interrupts_seen_;
}

void ServedWorker::resume() {
  go_.give();
  back_.take();
}

void ServedWorker::finish() {
  finishing_ = true;
  if (state_ != State::ended) resume();
}

void ServedWorker::play() {
  go_.take();
  while (!finishing_) {
    const auto next = worker_.step();
    if (next.need == Worker::Need::nothing) continue;
    if (next.need == Worker::Need::finished) break;
    state_ = next.need == Worker::Need::arrivals ? State::idle : State::waiting;
    wake_ = context_.now() + std::max(next.wait, Duration{1});
    pass_baton();
    node_.line().wait_interruptible(Duration{0}, interrupts_seen_);
  }
  if (finishing_) worker_.step();  // gives up what it holds
  state_ = State::ended;
  back_.give();
}

void ServedWorker::pass_baton() {
  back_.give();
  go_.take();
}

Delivery ServedWorker::serve(std::span<const Batch> batches) {
  std::uint64_t events = 0;
  for (const Batch& batch : batches) events += batch.size();
  const TimePoint begin = context_.now();
  const auto answer = service_.begin(events, begin);
  wake_ = answer.end;
  state_ = State::serving;
  if (wake_ > begin) pass_baton();
  service_.end();
  counts_.busy += context_.now() - begin;
  ++counts_.deliveries;
  if (answer.fault) {
    ++counts_.failed;
    return Delivery::again(answer.fault);
  }
  counts_.delivered += events;
  return {};
}

}  // namespace weir::pipeline
