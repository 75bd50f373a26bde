// What `weir check` says about guards: their order, what each lets pass, the most that one key can get, and what an
// operator would probably regret.
#include <fmt/format.h>

#include <algorithm>

#include "config/graph.h"
#include "config/report.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

using async::RateUnit;

std::string amount(const Rate& rate, std::uint64_t n) {
  if (rate.guard.per == RateUnit::bytes) return human(Bytes(n));
  std::string_view unit = unit_of(rate);
  if (n == 1) unit.remove_suffix(rate.of_calls ? 2 : 1);  // batches; events, requests
  return fmt::format("{} {}", n, unit);
}

/// What follows the limit: what may pass in a moment, and for how long it has to hold.
std::string at_once(const Rate& rate) {
  const auto& limit = rate.guard.limit;
  return fmt::format("at most {} at once ({})", amount(rate, limit.at_once()), name(limit.algorithm));
}

std::string above(const Rate& rate, std::string_view what) {
  return rate.observe ? "above it nothing happens, it is only counted (observe)" : std::string(what);
}

std::string at_door(const Rate& rate) {
  const std::string for_each =
      rate.keyed() ? fmt::format(
                         "each {} gets {} at most, {} of them are told apart, those beyond share; who has none "
                         "shares one with all who have none",
                         words_of(rate.guard.key), words_of(rate), rate.guard.keys)
                   : fmt::format("all clients together get {}", words_of(rate));
  return fmt::format("{}: {}; {}; {}", rate.guard.name, for_each, at_once(rate),
                     above(rate, "above it a request is answered 429 with Retry-After"));
}

std::string waiting(const Rate& rate, std::string_view who) {
  return fmt::format("{}: {} gets {}; {}; {}", rate.guard.name, who, words_of(rate), at_once(rate),
                     above(rate, "above it the events wait, nothing is refused or lost"));
}

std::string order_of(const Guards& guards, std::string_view last = "door") {
  std::string order = guards.pressure ? "pressure, key" : "key";
  if (!guards.rates.empty()) order += ", rate";
  if (guards.concurrency) order += ", concurrency";
  return order.append(", ").append(last);
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

std::string shares_of(const async::ConcurrencyGuardConfig& guard) {
  if (!guard.is_fair()) return {};
  std::string weights;
  for (const auto& [tenant, weight] : guard.weights)
    weights += fmt::format("{}{} {}", weights.empty() ? "; weights: " : ", ", tenant, weight);
  return fmt::format(
      "; turns go round by {}, so while others wait each gets its share and what it does not use goes to the others; "
      "{} have a share of their own, those beyond share{}",
      words_of(guard.tenant), guard.tenants, weights);
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

class GuardAdviser {
 public:
  explicit GuardAdviser(const Config& config) : config_(config) {}

  std::vector<Report::Advice> all() {
    for (const Source& source : config_.sources) {
      place_ = source.path();
      for (const Rate& rate : source.guards.rates) {
        about_request(source, rate);
        about_keys(source, rate);
      }
      if (source.guards.concurrency) about_limit(source, *source.guards.concurrency);
    }
    for (const Sink& sink : config_.sinks)
      for (const Rate& rate : sink.guards.rates) {
        place_ = sink.path();
        about_patience(sink, rate);
      }
    return std::move(advice_);
  }

 private:
  void say(std::string what) { advice_.push_back({place_, std::move(what), {}}); }

  /// The largest request against what may pass at once.
  void about_request(const Source& source, const Rate& rate) {
    const std::uint64_t once = rate.guard.limit.at_once();
    std::uint64_t largest = 0;
    if (rate.guard.per == RateUnit::events && source.options.has("max_events"))
      largest = source.options.count("max_events");
    if (rate.guard.per == RateUnit::bytes && source.options.has("max_body"))
      largest = source.options.size("max_body").count();
    if (largest <= once) return;
    const Duration owed = from_seconds(static_cast<double>(largest - once) / rate.guard.limit.rate().value);
    say(fmt::format(
        "rate {}: one request may bring {}, and {} pass at once: it overdraws, and whoever has that key waits "
        "up to {} after it. Raise burst, or lower what a request may bring.",
        rate.guard.name, amount(rate, largest), amount(rate, once), human(owed)));
  }

  void about_keys(const Source& source, const Rate& rate) {
    if (!rate.keyed() || !source.options.has("max_connections")) return;
    const std::uint64_t connections =
        source.options.count("max_connections") * static_cast<std::uint64_t>(config_.reactors);
    if (rate.guard.keys >= connections) return;
    say(fmt::format(
        "rate {}: {} keys are told apart, and {} clients can be connected: those beyond share a quota. Raise "
        "keys to {} or more.",
        rate.guard.name, rate.guard.keys, connections, connections));
  }

  /// A limit that is never reached, and one that leaves workers without work.
  void about_limit(const Source& source, const Concurrency& concurrency) {
    const auto& range = concurrency.guard.limit.range;
    const std::uint64_t least = concurrency.guard.limit.moves() ? range.least : range.start;
    if (source.options.has("max_connections")) {
      const std::uint64_t connections =
          source.options.count("max_connections") * static_cast<std::uint64_t>(config_.reactors);
      if (connections <= least)
        say(fmt::format(
            "concurrency: {} clients can be connected at most, so a limit of {} refuses nobody. Write less, "
            "or remove it.",
            connections, least));
    }
    if (concurrency.guard.limit.moves()) return;
    const Graph graph(config_);
    for (const Sink* sink : graph.sinks_of(source))
      if (sink->required && source.acks != Level::accepted && static_cast<std::uint64_t>(sink->workers) > least)
        say(
            fmt::format("concurrency: {} requests at once keep fewer than the {} workers of {} busy, unless requests "
                        "bring many events. Raise the limit, or write fewer workers.",
                        least, sink->workers, sink->name));
  }

  /// Senders that wait for the fate of their events wait for this rate too.
  void about_patience(const Sink& sink, const Rate& rate) {
    if (rate.observe || rate.guard.per != RateUnit::events || !sink.required || sink.spills()) return;
    const double per_second = rate.guard.limit.rate().value;
    const Duration longest = from_seconds(static_cast<double>(sink.queue.bound.events) / per_second);
    const Graph graph(config_);
    for (const Source* source : graph.sources_of(sink)) {
      const auto patience = source->options.get_or<Duration>("ack_timeout", Duration{0});
      if (source->acks == Level::accepted || patience == Duration{0} || longest < patience) continue;
      say(
          fmt::format("{} events at {} wait {}, which is not below ack_timeout of {} ({}): its senders give up on work "
                      "that is still waiting. Keep queue.max_events below {:.0f}.",
                      sink.queue.bound.events, words_of(rate), human(longest), source->name, human(patience),
                      std::max(1.0, per_second * seconds(patience))));
    }
  }

  const Config& config_;
  std::string place_;
  std::vector<Report::Advice> advice_;
};

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
                   "those beyond share",
                   route.to, words_of(route.fairness->key), route.fairness->tenants)});
}

std::vector<Report::Guard> guards_of(const Config& config) {
  std::vector<Report::Guard> all;
  for (const Source& source : config.sources) {
    const std::string order = order_of(source.guards);
    if (source.guards.pressure) all.push_back({source.path(), order, above(*source.guards.pressure)});
    for (const Rate& rate : source.guards.rates) {
      if (source.guards.place == GuardedPlace::door)
        all.push_back({source.path(), order, at_door(rate)});
      else
        all.push_back({source.path(), "rate", waiting(rate, "all it reads")});
    }
    if (source.guards.concurrency)
      all.push_back({source.path(), order, at_once(*source.guards.concurrency, end_of(source.acks))});
  }
  for (const Gateway& gateway : config.gateways)
    for (std::size_t i = 0; i < gateway.routes.size(); ++i)
      guards_of_route(fmt::format("gateways.{}.routes[{}]", gateway.name, i), gateway.routes[i], all);
  for (const Sink& sink : config.sinks)
    for (const Rate& rate : sink.guards.rates)
      all.push_back(
          {sink.path(), "rate, then hold, breaker and retry budget",
           waiting(rate, sink.workers == 1 ? std::string("the destination")
                                           : fmt::format("the destination, over all {} workers", sink.workers))});
  return all;
}

std::vector<Report::Advice> advice_on_guards(const Config& config) { return GuardAdviser(config).all(); }

}  // namespace weir::config
