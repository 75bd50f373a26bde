#include "watch.h"

#include <fmt/format.h>

#include "log/log.h"

namespace weir::app {
namespace {

constexpr Duration worth_telling = std::chrono::seconds(1);
constexpr Duration in_transit_at_most = std::chrono::seconds(10);

}  // namespace

void Watch::look(const pipeline::FlowStatus& status, TimePoint now) {
  look_at_sources(status, now);
  look_at_ledger(status, now);
}

void Watch::look_at_sources(const pipeline::FlowStatus& status, TimePoint now) {
  for (const auto& source : status.sources) {
    if (!source.paused) {
      if (const auto was = paused_.find(source.name); was != paused_.end()) {
        if (was->second.told)
          log::info({"source", source.name}, "reads again after {}", pipeline::human(now - was->second.since));
        paused_.erase(was);
      }
      continue;
    }
    auto& pause = paused_.try_emplace(source.name, Pause{now}).first->second;
    if (pause.told || now - pause.since < worth_telling) continue;
    pause.told = true;
    log::warn({"source", source.name}, "paused <- {}", source.why);
  }
}

void Watch::look_at_ledger(const pipeline::FlowStatus& status, TimePoint now) {
  const auto ledger = status.ledger();
  if (ledger.worst == 0) {
    unbalanced_since_.reset();
    return;
  }
  if (!unbalanced_since_) unbalanced_since_ = now;
  if (now - *unbalanced_since_ < in_transit_at_most) return;
  ++violations_;
  unbalanced_since_ = now;
  log::error("ledger: {} is off by {} events; please report this with the output of /api/ledger", ledger.where,
             ledger.worst);
}

void log_final_ledger(const pipeline::FlowStatus& status) {
  for (const auto& s : status.sources)
    log::info({"source", s.name}, "{} events in, {} given on", s.node.in, s.node.emitted);
  for (const auto& s : status.sinks) {
    std::uint64_t dropped = 0;
    for (const auto n : s.edge.dropped) dropped += n;
    const auto already = s.node.already ? fmt::format(" ({} of them were there already)", s.node.already) : "";
    log::info({"sink", s.name}, "{} events in, {} stored{}, {} dead-lettered, {} dropped, {} failed, {} abandoned",
              s.edge.offered.events, s.node.consumed[0], already, s.node.consumed[2], s.node.consumed[3] + dropped,
              s.node.consumed[4], s.node.consumed[5] + s.edge.drained.events);
  }
  const auto ledger = status.ledger();
  if (ledger.worst != 0 || ledger.in_transit != 0)
    log::error("ledger: {} is off by {} events at exit", ledger.where, ledger.worst);
  else
    log::info("ledger: every event is accounted for");
}

}  // namespace weir::app
