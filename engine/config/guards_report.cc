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

class GuardAdviser {
 public:
  explicit GuardAdviser(const Config& config) : config_(config) {}

  std::vector<Report::Advice> all() {
    for (const Source& source : config_.sources)
      for (const Rate& rate : source.guards.rates) {
        place_ = source.path();
        about_request(source, rate);
        about_keys(source, rate);
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

std::vector<Report::Guard> guards_of(const Config& config) {
  std::vector<Report::Guard> all;
  for (const Source& source : config.sources)
    for (const Rate& rate : source.guards.rates) {
      if (source.guards.place == GuardedPlace::door)
        all.push_back({source.path(), "key, rate, door", at_door(rate)});
      else
        all.push_back({source.path(), "rate", waiting(rate, "all it reads")});
    }
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
