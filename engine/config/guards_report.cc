// What `weir check` says about guards: their order, what each lets pass, the most that one key can get, and what an
// answer will be.
#include <fmt/format.h>

#include <algorithm>

#include "config/graph.h"
#include "config/report.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

using async::RateUnit;

/// What follows the limit: what may pass in a moment, and for how long it has to hold.
std::string at_once(const Rate& rate) {
  const auto& limit = rate.guard.limit;
  return fmt::format("at most {} at once ({})", amount(rate, limit.at_once()), name(limit.algorithm));
}

std::string above(const Rate& rate, std::string_view what) {
  return rate.observe ? "above it nothing happens, it is only counted (observe)" : std::string(what);
}

std::string told_apart(const Rate& rate) {
  return fmt::format("{} of them are told apart, those beyond share; who has none shares one with all who have none",
                     rate.guard.keys);
}

std::string at_door(const Rate& rate) {
  const std::string for_each = rate.keyed() ? fmt::format("each {} gets {} at most, {}", words_of(rate.guard.key),
                                                          words_of(rate), told_apart(rate))
                                            : fmt::format("all clients together get {}", words_of(rate));
  const std::string_view answer =
      rate.guard.key.reads_events()
          ? "above it the whole request is answered 429 with Retry-After when it has been read, and none of its events "
            "is taken"
          : "above it a request is answered 429 with Retry-After";
  return fmt::format("{}: {}; {}; {}", rate.guard.name, for_each, at_once(rate), above(rate, answer));
}

std::string waiting(const Rate& rate, std::string_view who) {
  return fmt::format("{}: {} gets {}; {}; {}", rate.guard.name, who, words_of(rate), at_once(rate),
                     above(rate, "above it the events wait, nothing is refused or lost"));
}

std::string waiting_by_key(const Rate& rate) {
  return fmt::format("{}: each {} gets {}, {}; {}; {}", rate.guard.name, words_of(rate.guard.key), words_of(rate),
                     told_apart(rate), at_once(rate),
                     above(rate, "above it the event waits and all behind it, nothing is refused or lost"));
}

bool of_events(const Rate& rate) { return rate.guard.key.reads_events(); }

std::string order_of(const Guards& guards, std::string_view last = "door") {
  std::string order = guards.pressure ? "pressure, key" : "key";
  if (!std::ranges::all_of(guards.rates, of_events)) order += ", rate";
  if (guards.concurrency) order += ", concurrency";
  order.append(", ").append(last);
  return std::ranges::any_of(guards.rates, of_events) ? order + ", body, rate of events" : order;
}

std::string above(const Pressure& pressure) {
  const auto& t = pressure.machine.thresholds;
  std::string all;
  const auto add = [&](double threshold, std::string text) {
    if (threshold > 0) all += (all.empty() ? "" : ", ") + text;
  };
  add(t[0], human_percent(t[0]) + " of memory");
  add(t[1], human_percent(t[1]) + " of the time waiting for a CPU");
  add(t[2], fmt::format("{:.0f} running tasks for each CPU", t[2]));
  add(t[3], human_percent(t[3]) + " of descriptors");
  add(t[4], human(from_seconds(t[4])) + " of lateness of a reactor");
  return fmt::format("pressure: above {} {}", all.empty() ? "nothing" : all,
                     pressure.observe ? "nothing happens, it is only counted (observe)"
                                      : "the lowest priority is answered 503 with Retry-After, one priority more each "
                                        "second; critical never");
}

std::string limit_of(const Concurrency& concurrency) {
  const auto& limit = concurrency.guard.limit;
  const auto& range = limit.range;
  if (!limit.moves()) return fmt::format("{} requests", range.start);
  return fmt::format("{} to {} requests, from {} on as their times say ({})", range.least, range.most, range.start,
                     name(limit.algorithm));
}

std::string weights_of(const std::vector<std::pair<std::string, std::uint32_t>>& weights) {
  std::string text;
  for (const auto& [tenant, weight] : weights)
    text += fmt::format("{}{} {}", text.empty() ? "; weights: " : ", ", tenant, weight);
  return text;
}

std::string shares_of(const async::ConcurrencyGuardConfig& guard) {
  if (!guard.is_fair()) return {};
  return fmt::format(
      "; turns go round by {}, so while others wait each gets its share and what it does not use goes to the others; "
      "{} have a share of their own, those beyond share{}",
      words_of(guard.tenant), guard.tenants, weights_of(guard.weights));
}

std::string_view end_of(Level acks) {
  if (acks == Level::accepted) return "are taken over";
  return acks == Level::stored ? "are stored" : "are delivered";
}

std::string at_once(const Concurrency& concurrency, std::string_view answered) {
  const auto& guard = concurrency.guard;
  const std::string wait =
      guard.waits() ? fmt::format(
                          "above it a request waits unread, {} at most and {} of them, by priority and age; who "
                          "finds no place, and who waits in vain, is answered 503 with Retry-After",
                          human(guard.max_wait), guard.max_waiting)
                    : "above it a request is answered 503 with Retry-After at once";
  return fmt::format("concurrency: {} at once, from their admission until they {}; {}{}", limit_of(concurrency),
                     answered, concurrency.observe ? "above it nothing happens, it is only counted (observe)" : wait,
                     shares_of(guard));
}

std::string deliveries(const Sink& sink, const Concurrency& concurrency) {
  const auto& limit = concurrency.guard.limit;
  const std::string found = limit.moves() ? fmt::format("{} to {} deliveries at once, as their times say ({})",
                                                        limit.range.least, limit.range.most, name(limit.algorithm))
                                          : fmt::format("{} deliveries at once", limit.range.start);
  return fmt::format("concurrency: the destination gets {}, of {} workers; {}", found, sink.workers,
                     concurrency.observe ? "above it nothing happens, it is only counted (observe)"
                                         : "above it a worker waits with its events, nothing is refused or lost");
}

std::string order_of(const Sink& sink) {
  std::string order = sink.guards.rates.empty() ? "" : "rate, ";
  if (sink.guards.concurrency) order += "concurrency, ";
  return order + "then hold, breaker and retry budget";
}

}  // namespace

static void guards_of_route(const std::string& path, const GatewayRoute& route, std::vector<Report::Guard>& all) {
  const std::string order = order_of(route.guards, "upstream");
  if (route.guards.pressure) all.push_back({path, order, above(*route.guards.pressure)});
  for (const Rate& rate : route.guards.rates) all.push_back({path, order, at_door(rate)});
  if (route.guards.concurrency) all.push_back({path, order, at_once(*route.guards.concurrency, "have their answer")});
  if (!route.fairness) return;
  all.push_back(
      {path, order,
       fmt::format("fairness: while requests wait for {}, turns go round by {}; {} have a share of their own, "
                   "those beyond share{}",
                   route.to, words_of(route.fairness->key), route.fairness->tenants,
                   weights_of(route.fairness->weights))});
}

std::vector<Report::Guard> guards_of(const Config& config) {
  std::vector<Report::Guard> all;
  for (const Source& source : config.sources) {
    const std::string order = order_of(source.guards);
    if (source.guards.pressure) all.push_back({source.path(), order, above(*source.guards.pressure)});
    for (const Rate& rate : source.guards.rates) {
      if (source.guards.position == GuardPosition::door)
        all.push_back({source.path(), order, at_door(rate)});
      else
        all.push_back({source.path(), "rate", rate.keyed() ? waiting_by_key(rate) : waiting(rate, "all it reads")});
    }
    if (source.guards.concurrency)
      all.push_back({source.path(), order, at_once(*source.guards.concurrency, end_of(source.acks))});
  }
  for (const Gateway& gateway : config.gateways)
    for (std::size_t i = 0; i < gateway.routes.size(); ++i)
      guards_of_route(fmt::format("gateways.{}.routes[{}]", gateway.name, i), gateway.routes[i], all);
  for (const Sink& sink : config.sinks) {
    for (const Rate& rate : sink.guards.rates)
      all.push_back(
          {sink.path(), order_of(sink),
           waiting(rate, sink.workers == 1 ? std::string("the destination")
                                           : fmt::format("the destination, over all {} workers", sink.workers))});
    if (sink.guards.concurrency)
      all.push_back({sink.path(), order_of(sink), deliveries(sink, *sink.guards.concurrency)});
  }
  return all;
}

}  // namespace weir::config
