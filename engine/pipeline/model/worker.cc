// The sink's side of the reference model: semantics E, B5.
#include <algorithm>

#include "pipeline/model/model.h"

namespace weir::model {

Need Model::step(int sink, int worker, const Behaviour& other_side, TimePoint now) {
  SinkState& s = sinks[static_cast<std::size_t>(sink)];
  const Sink& rules = graph_.sinks[static_cast<std::size_t>(sink)];
  WorkerState& w = s.workers[static_cast<std::size_t>(worker)];
  if (w.writing_letters) return write_letters(s, rules, w);
  if (w.group.empty()) return take(s, rules, w, now);
  return attempt(s, rules, w, other_side, now);
}

Need Model::take(SinkState& sink, const Sink& rules, WorkerState& worker, TimePoint now) {
  const Load waiting = sink.queue.waiting();
  if (rules.linger > Duration{0} && waiting.events > 0 && waiting.fits_in(rules.most) &&
      sink.queue.oldest_age(now) < rules.linger)
    return Need::time;
  std::array<bool, priority_count> before{};
  for (std::size_t c = 0; c < before.size(); ++c) before[c] = sink.queue.paused(static_cast<Priority>(c));
  std::vector<Ended> ended;
  Load left = rules.most;
  while (left.events > 0 && left.bytes > Bytes{}) {
    auto item = sink.queue.pop(left, now, ended);
    if (!item) break;
    const Load load = item->load();
    left.events -= std::min(left.events, load.events);
    left.bytes -= std::min(left.bytes, load.bytes);
    sink.row.in += load.events;
    worker.group.push_back(std::move(*item));
  }
  keep_shed(rules, ended);
  settle(ended);
  const bool taken = !worker.group.empty();
  if (taken || !ended.empty()) tell_of_room(static_cast<int>(&sink - sinks.data()), before);
  worker.failures = 0;
  if (taken) return Need::nothing;
  return sink.closed && sink.queue.empty() ? Need::finished : Need::arrivals;
}

// Semantics E1 to E3: trouble only delays. A named time is kept, and a failing destination is left alone; no event
// fails because of it.
Need Model::attempt(SinkState& sink, const Sink& rules, WorkerState& worker, const Behaviour& other_side,
                    TimePoint now) {
  if (now < worker.not_before || now < sink.hold_until) return Need::time;
  if (sink.open && now < sink.probe_at) return Need::time;
  if (other_side.kind == Behaviour::Kind::later) {
    ++worker.failures;
    worker.not_before = now + other_side.retry_after;
    sink.hold_until = std::max(sink.hold_until, worker.not_before);
    return Need::nothing;
  }
  if (other_side.kind == Behaviour::Kind::again) {
    Duration wait = rules.backoff_base;
    for (int i = 0; i < worker.failures; ++i) wait = std::min(rules.backoff_cap, wait * 2);
    ++worker.failures;
    worker.not_before = now + std::min(wait, rules.backoff_cap);
    if (sink.open || ++sink.failures_in_a_row >= rules.failures_to_open) {
      sink.open = true;
      sink.probe_at = now + rules.open;
      sink.failures_in_a_row = 0;
    }
    return Need::nothing;
  }
  sink.open = false;
  sink.failures_in_a_row = 0;
  finish(sink, rules, worker, other_side);
  return Need::nothing;
}

void Model::finish(SinkState& sink, const Sink& rules, WorkerState& worker, const Behaviour& other_side) {
  for (std::size_t i = 0; i < worker.group.size(); ++i) {
    Item of = worker.group[i];
    of.events.clear();
    for (const Event& event : worker.group[i].events) {
      const bool dies = other_side.kind == Behaviour::Kind::fails ||
                        (other_side.kind == Behaviour::Kind::refuses_some && event.id % other_side.modulo == 0);
      if (dies)
        worker.dead.push_back({event, i, of});
      else
        sink.held.push_back(event.id);
    }
  }
  if (!worker.dead.empty() && rules.dead_letters != nobody) {
    worker.writing_letters = true;
    return;
  }
  for (const Dead& dead : worker.dead) {
    sink.row.of(rules.failure_fate) += 1;
    settle(dead.event, rules.failure_fate, dead.of.owed);
  }
  settle_rest(sink, worker);
}

// The delivered events are settled last, with the whole group: the group stays in hand as a whole until then.
void Model::settle_rest(SinkState& sink, WorkerState& worker) {
  for (const Item& item : worker.group)
    for (const Event& event : item.events) {
      if (std::ranges::any_of(worker.dead, [&](const Dead& d) { return d.event.id == event.id; })) continue;
      sink.row.of(Fate::stored) += 1;
      settle(event, item.letter ? Fate::dead_lettered : Fate::stored, item.owed);
    }
  worker.group.clear();
  worker.dead.clear();
  worker.written.clear();
  worker.writing_letters = false;
}

// Semantics B5: the worker waits while the dead letters have no room. A letter keeps its event's priority and age.
Need Model::write_letters(SinkState& sink, const Sink& rules, WorkerState& worker) {
  SinkState& dead_letters = sinks[static_cast<std::size_t>(rules.dead_letters)];
  while (worker.written.size() < worker.dead.size()) {
    const auto from = worker.dead.begin() + static_cast<std::ptrdiff_t>(worker.written.size());
    Item letters = from->of;
    letters.letter = true;
    for (auto dead = from; dead != worker.dead.end() && dead->item == from->item; ++dead) {
      letters.events.push_back(dead->event);
      letters.events.back().bytes = 1;  // lines of dead letters are bounded by events in the cases we draw
    }
    const auto room = dead_letters.closed ? 0 : dead_letters.queue.room_for(letters);
    if (room == 0) return Need::dead_letter_room;
    Item going = letters.take_front(room);
    sink.row.of(Fate::dead_lettered) += room;
    for (const Event& event : going.events) worker.written.push_back(event.id);
    arrive(rules.dead_letters, std::move(going));
  }
  settle_rest(sink, worker);
  return Need::nothing;
}

}  // namespace weir::model
