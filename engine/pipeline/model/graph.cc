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

bool Graph::emits(int node, const Event& event) const {
  const int stage = node - static_cast<int>(sources.size());
  if (stage < 0) return event.source == node;
  const Stage& s = stages[static_cast<std::size_t>(stage)];
  return reaches(s.from, event) && s.keeps(event.id);
}

bool Graph::reaches(const std::vector<int>& from, const Event& event) const {
  return std::ranges::any_of(from, [&](int node) { return emits(node, event); });
}

bool Graph::leads(int source, const std::vector<int>& from) const {
  const int count = static_cast<int>(sources.size());
  return std::ranges::any_of(from, [&](int node) {
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
    if (sink.dead_letters != nobody) along(sinks[static_cast<std::size_t>(sink.dead_letters)]);
  }
  return level;
}

}  // namespace weir::model
