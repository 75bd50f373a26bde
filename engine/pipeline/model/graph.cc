#include "pipeline/model/graph.h"

#include <algorithm>

namespace weir::model {

Load Item::load() const {
  Load sum;
  for (const Event& event : events) sum += {1, Bytes(event.bytes)};
  return sum;
}

Item Item::take_front(std::uint64_t n) {
  Item front = *this;
  front.events.resize(n);
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(n));
  return front;
}

Arrival Graph::out_of(int from, const Event& event) const {
  const int stage = node_of(from) - static_cast<int>(sources.size());
  if (stage < 0) return {event.source == from, event.bytes, Fate::filtered};
  const Stage& s = stages[static_cast<std::size_t>(stage)];
  Arrival out = arrival(s.from, event);
  if (!out.arrives) return out;
  const bool divides = s.divides(event.id);
  if (s.kind == Stage::Kind::keeps || s.kind == Stage::Kind::loses) out.arrives = !divides;
  if (s.kind == Stage::Kind::splits) out.arrives = divides == (from >= second_output);
  if (s.kind == Stage::Kind::grows) out.bytes += Stage::growth;
  if (!out.arrives && s.kind == Stage::Kind::loses) out.fate = Fate::dropped;
  return out;
}

Arrival Graph::arrival(const std::vector<int>& from, const Event& event) const {
  Arrival none;
  for (const int input : from) {
    const Arrival at = out_of(input, event);
    if (at.arrives) return at;
    none.fate = worst(none.fate, at.fate);
  }
  return none;
}

bool Graph::is_read(int from) const {
  const auto reads = [&](const auto& part) { return std::ranges::count(part.from, from) > 0; };
  return std::ranges::any_of(stages, reads) || std::ranges::any_of(sinks, reads);
}

bool Graph::may_lose(int source, const std::vector<int>& from) const {
  return std::ranges::any_of(from, [&](int input) {
    const int stage = node_of(input) - static_cast<int>(sources.size());
    if (stage < 0 || !leads(source, {input})) return false;
    const Stage& s = stages[static_cast<std::size_t>(stage)];
    return s.kind == Stage::Kind::loses || may_lose(source, s.from);
  });
}

bool Graph::leads(int source, const std::vector<int>& from) const {
  const int count = static_cast<int>(sources.size());
  return std::ranges::any_of(from, [&](int input) {
    const int node = node_of(input);
    return node < count ? node == source : leads(source, stages[static_cast<std::size_t>(node - count)].from);
  });
}

std::vector<int> Graph::required_sinks(int source) const {
  std::vector<int> found;
  for (std::size_t s = 0; s < sinks.size(); ++s)
    if (sinks[s].required && leads(source, sinks[s].from)) found.push_back(static_cast<int>(s));
  return found;
}

Level Graph::carried(int source) const {
  const auto required = required_sinks(source);
  if (required.empty()) return Level::accepted;
  Level level = Level::stored;
  const auto along = [&](const Sink& sink) {
    const auto policy = sink.queue.when_full;
    const bool keeps = policy == flow::WhenFull::block || policy == flow::WhenFull::spill;
    level = weakest(level, level_of(sink.ack));
    if (!keeps || sink.queue.expire_after || sink.queue.codel) level = weakest(level, Level::processed);
  };
  for (const int s : required) {
    const Sink& sink = sinks[static_cast<std::size_t>(s)];
    along(sink);
    if (may_lose(source, sink.from)) level = weakest(level, Level::processed);
    if (sink.dead_letters != nobody) along(sinks[static_cast<std::size_t>(sink.dead_letters)]);
  }
  return level;
}

}  // namespace weir::model
