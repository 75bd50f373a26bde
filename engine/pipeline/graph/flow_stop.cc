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
constexpr auto drain_poll = std::chrono::milliseconds(5);
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
    Left left;
    if (!drained()) left = abandon();
    close_and_join(false);
    close_and_join(true);
    left += put_spills_away(report);
    for (auto& w : workers_) left += w.worker->left();
    report.abandoned = left.events;
    report.lost = left.lost();
    report.repeated = left.repeated();
    for (const auto& merge : merges_) {  // an aggregate holds what was merged into it
      report.lost += merge->stage.merge->lost();
      report.repeated -= std::min(report.repeated, merge->stage.merge->lost_outputs());
    }
    sum_up_refusals(report);
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
  while (!drained() && context_.now() < end && !(hurry && hurry())) std::this_thread::sleep_for(drain_poll);
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

bool Flow::at_end() const {
  std::lock_guard lock(structure_);
  if (lifecycle_.state() != FlowState::running || source_objects_.size() != config_.sources.size()) return false;
  for (std::size_t i = 0; i < source_objects_.size(); ++i)
    if (!config_.sources[i].is_consumer() && !source_objects_[i]->at_end()) return false;
  const auto before = moved();
  for (std::size_t i = 0; i < source_objects_.size(); ++i)
    if (config_.sources[i].is_consumer() && !source_objects_[i]->at_end()) return false;
  for (const auto& running : running_)
    if (running->output->pending() > 0) return false;
  return std::ranges::all_of(sinks_, [](const auto& sink) { return sink->is_empty(); }) && moved() == before;
}

Left Flow::abandon() {
  Left left;
  lifecycle_.doing("the deadline is over");
  for (auto& sink : sinks_)
    if (sink->spill) sink->spill->stop();  // from here on workers may write what they hold
  for (auto& w : workers_) w.worker->abandon();
  for (auto& sink : sinks_)
    if (!sink->spill) left += sink->queue.abandon(sink->remains());
  left += abandon_intakes();
  for (auto& merge : merges_) left += merge->stage.merge->abandon();
  return left;
}

Left Flow::abandon_intakes() {
  Left all;
  std::vector<std::future<Left>> answers;
  for (auto& running : running_) {
    auto answer = std::make_shared<std::promise<Left>>();
    answers.push_back(answer->get_future());
    boost::asio::post(running->reactor->io(), [answer, r = running.get()] {
      r->intake->abandon();
      answer->set_value(r->output->abandon());
    });
  }
  const TimePoint until = context_.now() + reactors_answer_within;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Running& running = *running_[i];
    Left left;
    if (answers[i].wait_for(std::max(Duration{0}, until - context_.now())) == std::future_status::ready)
      left = answers[i].get();
    else  // it hangs: nobody can look who waits for what it holds, so the worse is said
      (running.node->acks == Level::accepted ? left.unanswered : left.merged) = left.events = running.output->pending();
    all += left;
  }
  return all;
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

/// What destinations refused for good without a dead letter, and what a disk has lost.
void Flow::sum_up_refusals(StopReport& report) const {
  Duration latest = Duration::max();
  for (const auto& sink : sinks_) {
    const auto refused = sink->glance(context_.now()).refused;
    report.refused += refused.events;
    report.refused_lost += refused.events - refused.told;
    if (sink->spill) report.lost += sink->edge().dropped[static_cast<std::size_t>(Reason::sink_failed)];
    if (refused.events == 0 || refused.ago > latest) continue;
    latest = refused.ago;
    report.refused_by =
        refused.words.starts_with("sink ") ? refused.words : "sink " + sink->name + ": " + refused.words;
  }
}

Left Flow::put_spills_away(StopReport& report) {
  Left left;
  for (auto& sink : sinks_) {
    if (!sink->spill) continue;
    lifecycle_.doing("what sink " + sink->name + " has spilled is put away");
    sink->spill->stop();
    left += sink->spill->put_away();
    report.kept += sink->spill->kept();
  }
  return left;
}

void Flow::say_last_answers() {
  lifecycle_.doing("the last answers");
  const auto wait_until_quiet = [&](Duration most) {
    const TimePoint limit = context_.now() + most;
    while (std::ranges::any_of(running_, [](const auto& r) { return !r->intake->quiet(); }) && context_.now() < limit)
      std::this_thread::sleep_for(drain_poll);
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
    std::uint64_t furthest_behind = 0;  // what one consumer has not read, others may have
    for (const auto& consumer : journal->status().consumers) {
      if (!consumer.configured) continue;
      if (consumer.holds) furthest_behind = std::max(furthest_behind, consumer.lag_events);
    }
    report.kept += furthest_behind;
  }
}

}  // namespace weir::pipeline
