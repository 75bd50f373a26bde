// Advice about configured times and rates that do not fit together. What is only known at run time (the rate of a sink
// that declares none, the lag of a consumer) is left to `weir why`: nothing is guessed here.
#include <fmt/format.h>
#include <weir/flow/theory/little.h>
#include <weir/flow/theory/mm1.h>
#include <weir/flow/theory/sizing.h>

#include <algorithm>

#include "config/checks.h"
#include "config/report.h"

namespace weir::config {
namespace {

PerSecond rate_of(const Node& node) { return node.options.has("rate") ? node.options.rate("rate") : PerSecond{0}; }

class TimeAdviser {
 public:
  TimeAdviser(const Config& config, const Catalog& catalog) : config_(config), catalog_(catalog), graph_(config) {}

  std::vector<Report::Advice> all() {
    for (const Source& source : config_.sources)
      if (!source.is_consumer()) about_early_answers(source);
    for (const Sink& sink : config_.sinks) {
      place_ = "sinks." + sink.name;
      about_workers(sink);
      about_expiry(sink);
      about_linger(sink);
      about_load(sink);
      for (const Source* source : graph_.sources_of(sink))
        if (const Duration patience = patience_of(*source, sink); patience > Duration{0})
          about_patience(sink, *source, patience);
    }
    return std::move(advice_);
  }

 private:
  void say(std::string what) { advice_.push_back({place_, std::move(what), {}}); }

  /// How long a sender of this source waits for this sink; 0: no sender waits, or it is not known.
  static Duration patience_of(const Source& source, const Sink& sink) {
    if (!sink.required || source.acks == Level::accepted) return Duration{0};
    return source.options.get_or<Duration>("ack_timeout", Duration{0});
  }

  static std::optional<Duration> longest_wait(const Sink& sink) {
    if (sink.queue.max_wait) return sink.queue.max_wait;
    const PerSecond rate = rate_of(sink);
    if (rate.value <= 0) return std::nullopt;
    return flow::time_inside(static_cast<double>(sink.queue.bound.events), rate);
  }

  /// Sources whose answer comes before the event is stored.
  void about_early_answers(const Source& source) {
    place_ = "sources." + source.name;
    const SourceType* type = catalog_.source(source.type);
    if (!type || source.acks != Level::accepted || graph_.sinks_of(source).empty()) return;
    const Level possible = carried_by(graph_, source, *type).level;
    if (possible == Level::accepted) return;
    say(fmt::format(
        "acks: accepted {} before any event has its fate: a crash loses what was told. Its paths carry more: "
        "write acks: {}.",
        type->can.can_replay ? "moves its position on" : "answers", name(possible)));
  }

  void about_workers(const Sink& sink) {
    const auto workers = static_cast<std::uint64_t>(sink.workers);
    if (workers > sink.queue.bound.events)
      say(fmt::format("{} workers share a queue of at most {} events: some of them never have work. Set workers: {}.",
                      workers, sink.queue.bound.events, sink.queue.bound.events));
    else if (sink.queue.max_wait && sink.workers > 1 && floor_of_max_wait(sink) >= sink.queue.bound.events)
      say(
          fmt::format("max_wait never acts: it leaves {} workers a batch of {} each, and max_events is only {}. Raise "
                      "max_events, or lower workers or batch.max_events.",
                      workers, floor_of_max_wait(sink) / workers, sink.queue.bound.events));
  }

  void about_expiry(const Sink& sink) {
    const auto wait = longest_wait(sink);
    if (!sink.queue.expire_after || !wait || *wait <= *sink.queue.expire_after) return;
    say(
        fmt::format("work waits up to {} and expires after {}: at its bound the queue holds what is dropped before its "
                    "turn. Set queue.max_wait to {} or less.",
                    human(*wait), human(*sink.queue.expire_after), human(*sink.queue.expire_after)));
  }

  void about_linger(const Sink& sink) {
    if (sink.batch.linger == Duration{0} || !sink.queue.max_wait || sink.batch.linger < *sink.queue.max_wait) return;
    say(
        fmt::format("batch.linger ({}) is not below max_wait ({}): waiting for a fuller batch alone takes that long. "
                    "Lower batch.linger.",
                    human(sink.batch.linger), human(*sink.queue.max_wait)));
  }

  /// How long one attempt of the sink may take, by its own option.
  static std::optional<std::pair<const char*, Duration>> longest_attempt(const Sink& sink) {
    std::optional<std::pair<const char*, Duration>> longest;
    for (const char* option : {"timeout", "write_timeout", "statement_timeout", "busy_timeout"})
      if (const Duration time = sink.options.get_or<Duration>(option, Duration{0});
          time > (longest ? longest->second : Duration{0}))
        longest = {option, time};
    return longest;
  }

  /// The bound, the expiry, the linger and one attempt against the sender's deadline.
  void about_patience(const Sink& sink, const Source& source, Duration patience) {
    const std::string theirs = fmt::format("ack_timeout of {} ({})", source.name, human(patience));
    const auto wait = longest_wait(sink);
    if (!sink.queue.max_wait && wait && *wait >= patience)
      say(
          fmt::format("{} events at {} wait {}, which is not below {}: its senders give up on work that is still "
                      "waiting. Keep max_events below {}.",
                      sink.queue.bound.events, to_text(rate_of(sink)), human(*wait), theirs,
                      flow::queue_bound(patience, rate_of(sink))));
    if (sink.queue.expire_after && *sink.queue.expire_after >= patience)
      say(fmt::format("expire_after ({}) is not below {}: nothing expires before its senders gave up. Lower it.",
                      human(*sink.queue.expire_after), theirs));
    if (const auto attempt = longest_attempt(sink); attempt && attempt->second > patience)
      say(
          fmt::format("{} ({}) is above {}: when it hangs, its senders are told 504 before it gives up and anything is "
                      "tried again. Lower {}, or raise ack_timeout.",
                      attempt->first, human(attempt->second), theirs, attempt->first));
    if (sink.batch.linger >= patience)
      say(fmt::format("batch.linger ({}) is not below {}: its senders give up before a batch is sent. Lower it.",
                      human(sink.batch.linger), theirs));
  }

  /// Utilisation, where the rates of all sources and of the sink are configured.
  void about_load(const Sink& sink) {
    const PerSecond service = rate_of(sink), arrivals = arrivals_of(sink);
    if (service.value <= 0 || arrivals.value <= 0 || sink.workers != 1) return;
    const flow::Mm1 queue(arrivals, service);
    if (!queue.stable())
      say(
          fmt::format("{} come and {} are served: the queue fills and stays full, in {} from empty. Lower what comes, "
                      "or mean it.",
                      to_text(arrivals), to_text(service), human(time_to_fill(sink, arrivals, service))));
    else if (flow::utilisation_is_high(queue.utilisation()))
      say(
          fmt::format("{} of what it can serve comes: at random arrivals an event takes {:.0f} x its service time, at "
                      "{} 5 x. Serve more, or lower what comes.",
                      human_percent(queue.utilisation()), queue.slowdown(), human_percent(flow::high_utilisation)));
  }

  static Duration time_to_fill(const Sink& sink, PerSecond arrivals, PerSecond service) {
    return flow::time_to_drain(static_cast<double>(sink.queue.bound.events), service, arrivals);
  }

  /// 0 when it cannot be told: a stage may leave events out, a source may have steps or no rate at all.
  PerSecond arrivals_of(const Sink& sink) const {
    PerSecond sum{0};
    for (const Source* source : graph_.sources_of(sink)) {
      const bool known = rate_of(*source).value > 0 && !source->options.has("steps");
      if (!known || !graph_.stages_between(*source, sink).empty()) return PerSecond{0};
      sum.value += rate_of(*source).value;
    }
    return sum;
  }

  const Config& config_;
  const Catalog& catalog_;
  const Graph graph_;
  std::string place_;
  std::vector<Report::Advice> advice_;
};

}  // namespace

std::uint64_t floor_of_max_wait(const Sink& sink) {
  return static_cast<std::uint64_t>(sink.workers) * std::min<std::uint64_t>(sink.batch.most.events, 64);
}

std::vector<Report::Advice> advice_on_times(const Config& config, const Catalog& catalog) {
  return TimeAdviser(config, catalog).all();
}

}  // namespace weir::config
