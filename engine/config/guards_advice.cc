// What an operator would probably regret about guards: limits that never act, limits above what the destination takes,
// tables that are too small, rates without a burst, priorities that change nothing.
#include <fmt/format.h>

#include <algorithm>

#include "config/graph.h"
#include "config/report.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

using async::RateUnit;

class GuardAdviser {
 public:
  explicit GuardAdviser(const Config& config) : config_(config) {}

  std::vector<Report::Advice> all() {
    for (const Source& source : config_.sources) {
      place_ = source.path();
      for (const Rate& rate : source.guards.rates) {
        about_request(source, rate);
        about_keys(source, rate);
        about_burst(rate, source.guards.position);
        about_what_sinks_take(source, rate);
      }
      if (source.guards.concurrency) about(source, *source.guards.concurrency);
    }
    for (const Sink& sink : config_.sinks) {
      place_ = sink.path();
      for (const Rate& rate : sink.guards.rates) {
        about_patience(sink, rate);
        about_burst(rate, GuardPosition::sink);
      }
      if (sink.guards.concurrency) about_workers(sink, *sink.guards.concurrency);
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

  /// What comes together: the default of a bucket is more than one.
  void about_burst(const Rate& rate, GuardPosition position) {
    const auto& limit = rate.guard.limit;
    const bool alone = limit.has_burst() && limit.at_once() == 1 && rate.guard.per != RateUnit::bytes;
    if (!alone || rate.observe || limit.rate().value <= 1) return;
    const auto tenth = static_cast<std::uint64_t>(std::max(2.0, limit.rate().value / 10));
    if (position == GuardPosition::door)
      say(
          fmt::format("rate {} has no burst: of two requests that come together one is refused, however low the load "
                      "is. Write burst: {} or more.",
                      rate.guard.name, tenth));
    else if (position == GuardPosition::sink && !rate.of_calls)
      say(
          fmt::format("rate {} has no burst: each delivery is one event. Write burst: {} or more, if a delivery has a "
                      "price of its own.",
                      rate.guard.name, tenth));
  }

  /// More may come in than the own rate of a sink lets out. A request brings one event at least.
  void about_what_sinks_take(const Source& source, const Rate& in) {
    if (in.observe || in.guard.per == RateUnit::bytes) return;
    const Graph graph(config_);
    for (const Sink* sink : graph.sinks_of(source))
      for (const Rate& out : sink->guards.rates) {
        if (out.observe || out.guard.per != RateUnit::events || !sink->required) continue;
        if (in.guard.limit.rate().value <= out.guard.limit.rate().value) continue;
        say(
            fmt::format("rate {}: {}{} is more than {} lets out ({}): the rest fills its queue, and then decides "
                        "when_full. Lower it to what the destination takes.",
                        in.guard.name, words_of(in), in.keyed() ? " for each " + words_of(in.guard.key) : "",
                        sink->name, words_of(out)));
        break;
      }
  }

  void about(const Source& source, const Concurrency& concurrency) {
    about_limit(source, concurrency);
    about_queues(source, concurrency);
    const auto& guard = concurrency.guard;
    if (source.has_priorities && !guard.waits())
      say("concurrency: nobody waits here, so a critical request that finds no place is refused as any other. Write "
          "max_wait: 100ms, and a place that is free goes to the highest priority.");
    if (guard.weights.size() > guard.tenants)
      say(
          fmt::format("fairness: {} tenants have a share of their own, and {} have a weight: those beyond share. Raise "
                      "tenants to {} or more.",
                      guard.tenants, guard.weights.size(), guard.weights.size()));
  }

  /// Each request that is under way until it is stored has an event in the queue, at least.
  void about_queues(const Source& source, const Concurrency& concurrency) {
    if (concurrency.guard.limit.moves() || source.acks == Level::accepted) return;
    const std::uint64_t limit = concurrency.guard.limit.range.start;
    const Graph graph(config_);
    for (const Sink* sink : graph.sinks_of(source))
      if (sink->required && limit > sink->queue.bound.events)
        say(
            fmt::format("concurrency: {} requests at once are more than the queue of {} holds ({} events): when_full "
                        "decides first, and this limit never acts. Write less.",
                        limit, sink->name, sink->queue.bound.events));
  }

  void about_workers(const Sink& sink, const Concurrency& concurrency) {
    const auto& limit = concurrency.guard.limit;
    if (!limit.moves() && limit.range.start >= static_cast<std::uint32_t>(sink.workers))
      say(fmt::format("concurrency: {} at once never acts: there are {} workers. Write less, or more workers.",
                      limit.range.start, sink.workers));
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

std::vector<Report::Advice> advice_on_guards(const Config& config) { return GuardAdviser(config).all(); }

}  // namespace weir::config
