// The end of a flow, in whatever state it is (semantics H1).
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>

#include "pipeline/graph/flow.h"
#include "pipeline/graph/running.h"
#include "pipeline/route/merge_node.h"

namespace weir::pipeline {
namespace {

// The interval at which a stop checks whether everything has drained.
constexpr auto look_again = std::chrono::milliseconds(5);
// A reactor that has not answered by then hangs in a system call.
constexpr Duration reactors_answer_within = std::chrono::seconds(2);

}  // namespace

StopReport Flow::stop(Duration deadline, const std::function<bool()>& hurry) {
  const FlowState state = lifecycle_.state();
  if (state == FlowState::ended) return report_;
  StopReport report;
  if (state == FlowState::running) {
    lifecycle_.enter(FlowState::draining);
    drain(deadline, hurry);
    if (!drained()) abandon(report);
    close_and_join(false);
    close_and_join(true);
    put_spills_away(report);
    for (auto& w : workers_) {
      report.abandoned += w.worker->left().events;
      report.unanswered += w.worker->left().unanswered;
    }
    say_last_answers();
    join_reactors();
  }
  take_apart();
  close_journals(report);
  lifecycle_.enter(FlowState::ended);
  return report_ = report;
}

void Flow::drain(Duration deadline, const std::function<bool()>& hurry) {
  lifecycle_.doing("what is inside leaves");
  const TimePoint end = context_.now() + deadline;
  for (auto& source : sources_) source->close(deadline);
  post_to_intakes([deadline](Intake& intake) { intake.stop(deadline); });
  while (!drained() && context_.now() < end && !(hurry && hurry())) std::this_thread::sleep_for(look_again);
}

void Flow::post_to_intakes(const std::function<void(Intake&)>& f) {
  for (auto& running : running_) boost::asio::post(running->reactor->io(), [r = running.get(), f] { f(*r->intake); });
}

/// Asks twice, and believes the answer only if nothing moved in between: an event that moves from one part to the next
/// during the first look is then seen in the second.
bool Flow::drained() const {
  const auto before = moved();
  return is_empty() && is_empty() && moved() == before;
}

std::uint64_t Flow::moved() const {
  std::uint64_t sum = 0;
  for (const auto& source : sources_) sum += source->counters.in.load(std::memory_order_acquire);
  for (const auto& sink : sinks_) sum += sink->counters.in.load(std::memory_order_acquire);
  return sum;
}

bool Flow::is_empty() const {
  for (const auto& running : running_)
    if (!running->intake->quiet() || running->output->pending() > 0) return false;
  // Reads in the order in which events move; otherwise an event that moves meanwhile would be seen nowhere.
  const auto empty = [&](bool targets) {
    return std::ranges::all_of(
        sinks_, [&](const auto& sink) { return sink->is_dead_letter_target != targets || sink->is_empty(); });
  };
  return empty(false) && empty(true);
}

void Flow::abandon(StopReport& report) {
  lifecycle_.doing("the deadline is over");
  for (auto& sink : sinks_)
    if (sink->spill) sink->spill->stop();  // from here on workers may write what they hold
  for (auto& w : workers_) w.worker->abandon();
  for (auto& sink : sinks_) {
    if (sink->spill) continue;
    const auto left = sink->queue.abandon();
    report.abandoned += left.events;
    report.unanswered += left.unanswered;
  }
  abandon_intakes(report);
  for (auto& merge : merges_) {
    const auto left = merge->stage.merge->abandon();
    report.abandoned += left.events;
    report.unanswered += left.unanswered;
  }
}

void Flow::abandon_intakes(StopReport& report) {
  std::vector<std::future<SinkQueue::Abandoned>> answers;
  for (auto& running : running_) {
    auto answer = std::make_shared<std::promise<SinkQueue::Abandoned>>();
    answers.push_back(answer->get_future());
    boost::asio::post(running->reactor->io(), [answer, r = running.get()] {
      r->intake->abandon();
      answer->set_value(r->output->abandon());
    });
  }
  const TimePoint until = context_.now() + reactors_answer_within;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Running& running = *running_[i];
    SinkQueue::Abandoned left;
    if (answers[i].wait_for(std::max(Duration{0}, until - context_.now())) == std::future_status::ready)
      left = answers[i].get();
    else  // it hangs: nobody can look who waits for what it holds, so the worse is said
      left = {running.output->pending(), running.node->acks == Level::accepted ? running.output->pending() : 0};
    report.abandoned += left.events;
    report.unanswered += left.unanswered;
  }
}

void Flow::close_and_join(bool dead_letter_targets) {
  for (auto& w : workers_)
    if (w.node->is_dead_letter_target == dead_letter_targets) w.node->close();
  for (auto& w : workers_) {
    if (w.node->is_dead_letter_target != dead_letter_targets || !w.thread.joinable()) continue;
    lifecycle_.doing("waiting for sink " + w.node->name);
    w.thread.join();
  }
}

void Flow::put_spills_away(StopReport& report) {
  for (auto& sink : sinks_) {
    if (!sink->spill) continue;
    lifecycle_.doing("what sink " + sink->name + " has spilled is put away");
    sink->spill->stop();
    const auto lost = sink->spill->put_away();
    report.abandoned += lost.events;
    report.unanswered += lost.unanswered;
    report.kept += sink->spill->kept();
  }
}

void Flow::say_last_answers() {
  lifecycle_.doing("the last answers");
  const auto wait_until_quiet = [&](Duration most) {
    const TimePoint limit = context_.now() + most;
    while (std::ranges::any_of(running_, [](const auto& r) { return !r->intake->quiet(); }) && context_.now() < limit)
      std::this_thread::sleep_for(look_again);
  };
  wait_until_quiet(std::chrono::seconds(1));  // "outcome unknown" goes out
  post_to_intakes([](Intake& intake) { intake.close(); });
  wait_until_quiet(std::chrono::seconds(2));
}

void Flow::join_reactors() {
  lifecycle_.doing("waiting for the sources");
  for (auto& reactor : reactors_) reactor->stop();
  for (auto& reactor : reactors_) reactor->join();
}

/// Taken out under the lock, destroyed without it: whoever asks for a status waits for no part that closes.
void Flow::take_apart() {
  std::vector<std::unique_ptr<net::Reactor>> reactors;
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<WorkerThread> workers;
  std::vector<std::unique_ptr<Running>> running;  // intakes go first, before the reactors they live on
  std::lock_guard lock(structure_);
  reactors.swap(reactors_);
  sources.swap(source_objects_);
  workers.swap(workers_);
  running.swap(running_);
}

void Flow::close_journals(StopReport& report) {
  for (auto& journal : journals_) {
    if (!journal) continue;
    lifecycle_.doing("closing journal " + journal->status().name);
    journal->close();
    for (const auto& consumer : journal->status().consumers)
      if (consumer.configured && consumer.holds) report.kept += consumer.lag_events;
  }
}

}  // namespace weir::pipeline
