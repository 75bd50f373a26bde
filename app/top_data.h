#pragma once
/// What `weir top` shows of one answer of /api/graph: numbers, rates since the answer before, and text that a terminal
/// may be shown (all of it came from outside).
///
/// Thread: a value. Cost: one pass over the answer.
#include <simdjson.h>

#include <string>
#include <vector>

namespace weir::app {

struct TopSource {
  std::string name, type, address, acks, why;
  double in = 0, bytes = 0, refused = 0, pending = 0, rate = 0, byte_rate = 0, refused_rate = 0;
  bool paused = false;
};
struct TopStage {
  std::string name;
  double in = 0, emitted = 0, filtered = 0, dropped = 0, pending = 0;
  double rate_in = 0, rate_out = 0, filtered_rate = 0, dropped_rate = 0;
};
struct TopSink {
  std::string name, type, breaker, last_error, held_up_by, why, latency;
  double stored = 0, already = 0, waiting = 0, bound = 0, waiting_bytes = 0, bound_bytes = 0, fill = 0, oldest = 0,
         retries = 0;
  double failures = 0, dead_lettered = 0, dropped = 0, failed = 0, workers = 0, workers_busy = 0, busy = 0,
         blocked_for = 0;
  double rate = 0, retry_rate = 0, dropped_rate = 0, busy_share = 0;
  bool required = true, paused = false;
};

struct TopAlert {
  std::string rule, kind, node, text;
  double lasts = 0;
  bool warns = false;
};
struct TopGateway {
  std::string name, address, why;
  double in = 0, answered = 0, refused = 0, abandoned = 0, in_flight = 0, connections = 0;
  double rate = 0, answered_rate = 0, refused_rate = 0;
};
struct TopUpstream {
  std::string name, breaker, why;
  double limit = 0, in_flight = 0, waiting = 0, endpoints = 0, unwell = 0;
};

struct TopData {
  double uptime = 0, budget = 0, used = 0, limit = 0, in_transit = 0, difference = 0;
  std::string worst_at;
  bool stopping = false;
  std::vector<TopSource> sources;
  std::vector<TopStage> stages;
  std::vector<TopSink> sinks;
  std::vector<TopAlert> alerts;  ///< that fire now
  std::vector<TopGateway> gateways;
  std::vector<TopUpstream> upstreams;
};

TopData top_data(simdjson::dom::element graph);
/// Fills the rates of `now` from what `before` counted, by the uptime that passed between them. A flow that was started
/// again in between has no rates yet.
void add_rates(TopData& now, const TopData& before);

}  // namespace weir::app
