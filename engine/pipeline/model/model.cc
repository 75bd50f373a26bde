#include "pipeline/model/model.h"

#include <algorithm>
#include <utility>

namespace weir::model {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

Fate Unit::worst() const {
  Fate worst = Fate::stored;
  for (std::size_t f = 0; f < fates.size(); ++f)
    if (fates[f] > 0) worst = static_cast<Fate>(f);
  return worst;
}

std::uint64_t SourceState::pending() const {
  std::uint64_t sum = 0;
  for (const Lane& lane : lanes) sum += lane.open.events.size() + lane.stuck.events.size() + lane.next.events.size();
  return sum;
}

Model::Model(const Graph& graph, const std::vector<Queue::Draw>& draws)
    : sources(graph.sources.size()), stages(graph.stages.size()), graph_(graph) {
  for (const Source& source : graph.sources) doors.emplace_back(source.door);
  for (std::size_t s = 0; s < graph.sinks.size(); ++s) {
    SinkState sink(Queue(graph.sinks[s].queue, draws[s]));
    sink.workers.resize(at(graph.sinks[s].workers));
    sinks.push_back(std::move(sink));
  }
}

// ---- receipts (semantics A1, A2, A9) ----

int Model::begin_unit(int source) {
  units.emplace_back().source = source;
  return static_cast<int>(units.size()) - 1;
}
void Model::end_unit(int unit) { units[at(unit)].read = true; }
void Model::end_settled() {
  for (Unit& unit : units)
    if (unit.settled() && !std::exchange(unit.ended, true)) doors[at(unit.source)].ended();
}

void Model::settle(const Event& event, Fate fate, bool owed) {
  if (!owed || event.unit == nobody) return;
  Unit& unit = units[at(event.unit)];
  ++unit.fates[static_cast<std::size_t>(fate)];
  --unit.owed;
}
void Model::settle(const std::vector<Ended>& ended) {
  for (const Ended& e : ended)
    for (const Event& event : e.item.events) settle(event, Fate::dropped, e.item.owed);
}

Answer Model::told(const Unit& unit) const {
  const Level acks = graph_.sources[at(unit.source)].acks;
  if (acks == Level::accepted) return Answer::yes;
  if (!unit.settled()) return Answer::none_yet;
  const Fate worst = unit.worst();
  if (worst == Fate::abandoned) return Answer::unknown;
  if (worst == Fate::failed) return Answer::no;
  return acks == Level::stored && worst == Fate::dropped ? Answer::no : Answer::yes;
}

// ---- the source's side ----

bool Model::ready(int source, Priority priority) const {
  return sources[at(source)].lanes[static_cast<std::size_t>(priority)].stuck.empty();
}

// Any required sink can make it leave events unread; a source that is told to wait is woken later.
bool Model::paused(int source, Priority priority) {
  const auto required = graph_.required_sinks(source);
  const bool paused = std::ranges::any_of(required, [&](int s) { return sinks[at(s)].queue.paused(priority); });
  if (paused) sources[at(source)].waits_for_room = true;
  return paused;
}

// Semantics C3, C5: events gather in the open batch of their priority. One that is larger than the batch travels alone.
void Model::add(Event event, TimePoint now) {
  SourceState& source = sources[at(event.source)];
  Lane& lane = source.lanes[static_cast<std::size_t>(event.priority)];
  const std::uint64_t most = graph_.sources[at(event.source)].batch_bytes;
  if (!lane.open.empty()) {
    std::uint64_t used = 0;
    for (const Event& e : lane.open.events) used += e.bytes + 1;
    if (used > most || used + event.bytes + 1 > most) flush(event.source, lane);
  }
  if (lane.open.empty()) lane.open = {{}, event.priority, now};
  ++source.row.in;
  if (event.unit != nobody) ++units[at(event.unit)].owed;
  lane.open.events.push_back(event);
  if (!source.flush_posted) source.to_do.push_back(false);
  source.flush_posted = true;
}

// Semantics D7: what came before goes before.
void Model::push(Item item, TimePoint) {
  const int id = item.events.front().source;
  SourceState& source = sources[at(id)];
  Lane& lane = source.lanes[static_cast<std::size_t>(item.priority)];
  if (!lane.open.empty()) flush(id, lane);
  source.row.in += item.events.size();
  for (const Event& event : item.events)
    if (event.unit != nobody) ++units[at(event.unit)].owed;
  if (!lane.stuck.empty()) {
    lane.next = std::move(item);
    return;
  }
  lane.stuck = std::move(item);
  send(id, lane);
}

void Model::flush(int source, Lane& lane) {
  lane.stuck = std::move(lane.open);
  lane.open = {};
  send(source, lane);
}

void Model::flush_all(int source) {
  for (Lane& lane : sources[at(source)].lanes)
    if (!lane.open.empty() && lane.stuck.empty()) flush(source, lane);
}

void Model::turn(int source, TimePoint) {
  SourceState& s = sources[at(source)];
  for (; !s.to_do.empty(); s.to_do.pop_front()) {
    if (s.to_do.front()) {
      s.room_posted = false;
      for (Lane& lane : s.lanes)
        if (!lane.stuck.empty()) send(source, lane);
    } else {
      s.flush_posted = false;
    }
    flush_all(source);
  }
}

void Model::send(int source, Lane& lane) {
  sources[at(source)].waits_for_room = true;
  // Sends prefix after prefix until nothing fits: stages may keep nothing of a prefix, and events that fill no line
  // cause no wake-up.
  while (!lane.stuck.empty()) {
    std::uint64_t n = lane.stuck.events.size();
    for (const int s : graph_.required_sinks(source))
      n = std::min(n, sinks[at(s)].closed ? 0 : sinks[at(s)].queue.room_for(lane.stuck));
    // Behind stages events may have grown; no branch is given what it has no room for.
    for (const int s : graph_.required_sinks(source)) {
      Item grown = lane.stuck;
      grown.events.resize(n);
      for (Event& event : grown.events)
        if (const Arrival a = graph_.arrival(graph_.sinks[at(s)].from, event); a.arrives)
          event.bytes = std::max(event.bytes, a.bytes);
      if (n > 0 && !sinks[at(s)].closed) n = std::min(n, sinks[at(s)].queue.room_for(grown));
    }
    if (n == 0) return;
    fan_out(source, lane.stuck.take_front(n));
  }
  if (lane.next.empty()) return;
  lane.stuck = std::move(lane.next);
  lane.next = {};
  send(source, lane);
}

// Semantics A6: the same prefix for every branch; then each stage takes out what it does not keep.
void Model::fan_out(int source, const Item& front) {
  sources[at(source)].row.emitted += front.events.size();
  for (std::size_t s = 0; s < stages.size(); ++s)
    for (const Event& event : front.events) {
      if (!graph_.reaches(graph_.stages[s].from, event)) continue;
      ++stages[s].in;
      const Stage& stage = graph_.stages[s];
      const int node = static_cast<int>(sources.size() + s);
      const bool second = stage.kind == Stage::Kind::splits && stage.divides(event.id);
      const bool kept =
          stage.kind == Stage::Kind::splits || stage.kind == Stage::Kind::grows || !stage.divides(event.id);
      // Outputs that nothing reads end at the stage.
      if (kept && graph_.is_read(node + (second ? second_output : 0)))
        ++stages[s].emitted;
      else
        ++stages[s].of(!kept && stage.kind == Stage::Kind::loses ? Fate::dropped : Fate::filtered);
    }
  const auto required = graph_.required_sinks(source);
  for (const Event& event : front.events) {
    // Owed once so far, from now on once for each required path; without a required path it is settled at once.
    if (event.unit != nobody) units[at(event.unit)].owed += std::max<std::size_t>(required.size(), 1) - 1;
    if (required.empty()) settle(event, Fate::filtered);
    for (const int s : required)
      if (const Arrival a = graph_.arrival(graph_.sinks[at(s)].from, event); !a.arrives) settle(event, a.fate);
  }
  for (const bool owed : {false, true})  // the order only matters to the letters of what is shed
    for (std::size_t s = 0; s < sinks.size(); ++s) {
      const Sink& sink = graph_.sinks[s];
      if (sink.required != owed) continue;
      Item branch = front;
      branch.owed = owed;
      std::erase_if(branch.events, [&](const Event& event) { return !graph_.reaches(sink.from, event); });
      for (Event& event : branch.events) event.bytes = graph_.arrival(sink.from, event).bytes;
      arrive(static_cast<int>(s), std::move(branch));
    }
}

void Model::arrive(int sink, Item item) {
  std::vector<Ended> ended;
  sinks[at(sink)].queue.push(std::move(item), ended);
  keep_shed(graph_.sinks[at(sink)], ended);
  settle(ended);
}

// Semantics B5, D8: copies of what a line sheds may be written to its dead letters, all or nothing here. Nothing waits
// for such a letter: it enters while the line of the dead letters is below its watermarks and has room, or is given up.
void Model::keep_shed(const Sink& rules, const std::vector<Ended>& ended) {
  if (rules.dead_letters == nobody || rules.queue.dead_letter_shed <= 0) return;
  Queue& dead_letters = sinks[at(rules.dead_letters)].queue;
  for (const Ended& e : ended) {
    Item letters = e.item;
    letters.owed = false;
    letters.letter = true;
    letters = letters.take_front(dead_letters.spare_room_for(letters));
    std::vector<Ended> nothing;
    dead_letters.push(std::move(letters), nothing);
  }
}

// Semantics D2: waiting sources are told at the end of a pause, and at every departure while there is none.
void Model::tell_of_room(int sink, const std::array<bool, priority_count>& before) {
  const Queue& queue = sinks[at(sink)].queue;
  bool room = !queue.above_watermarks();
  for (int c = 0; c < priority_count; ++c) room = room || (before[at(c)] && !queue.paused(static_cast<Priority>(c)));
  if (!room) return;
  for (int s = 0; s < static_cast<int>(sources.size()); ++s)
    if (std::ranges::count(graph_.required_sinks(s), sink) > 0 && std::exchange(sources[at(s)].waits_for_room, false) &&
        !std::exchange(sources[at(s)].room_posted, true))
      sources[at(s)].to_do.push_back(true);
}

// ---- semantics H1: what is left at the deadline ----

Left Model::abandon(Row* row, const Item& item) {
  Left left{item.events.size(), 0};
  for (const Event& event : item.events) {
    if (item.owed && event.unit == nobody) ++left.unanswered;
    settle(event, Fate::abandoned, item.owed);
  }
  if (row) row->of(Fate::abandoned) += item.events.size();
  return left;
}

Left Model::abandon_line(int sink) {
  Left left;
  for (const Item& item : sinks[at(sink)].queue.drain()) left += abandon(nullptr, item);
  sinks[at(sink)].closed = true;
  return left;
}

Left Model::abandon_source(int source) {
  Left left;
  SourceState& s = sources[at(source)];
  for (Lane& lane : s.lanes)
    for (Item* item : {&lane.stuck, &lane.next, &lane.open}) left += abandon(&s.row, std::exchange(*item, {}));
  return left;
}

Left Model::abandon_worker(int sink, int worker) {
  Left left;
  WorkerState& w = sinks[at(sink)].workers[at(worker)];
  // Dead letters that were written have moved on; all else is here.
  std::vector<std::uint64_t> written;
  for (Item& item : w.group) {
    std::erase_if(item.events, [&](const Event& e) { return std::ranges::count(w.written, e.id) > 0; });
    left += abandon(&sinks[at(sink)].row, item);
  }
  w = {};
  return left;
}

}  // namespace weir::model
