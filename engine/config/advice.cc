// Anti-patterns: what is allowed and often regretted.
#include <fmt/format.h>

#include <algorithm>

#include "config/checks.h"
#include "config/report.h"

namespace weir::config {
namespace {

constexpr int many_workers = 64;

using flow::BackoffConfig;
using flow::BreakerConfig;

class Adviser {
 public:
  Adviser(const Config& config, const Catalog& catalog) : config_(config), catalog_(catalog), graph_(config) {}

  std::vector<Report::Advice> all() {
    for (const Source& source : config_.sources)
      if (!source.is_consumer()) about(source);
    for (const Sink& sink : config_.sinks) about(sink);
    return std::move(advice_);
  }

 private:
  void say(const std::string& location, std::string what) { advice_.push_back({location, std::move(what), {}}); }

  void about(const Source& source) {
    const std::string location = "sources." + source.name;
    const SourceType* type = catalog_.source(source.type);
    const bool waits = source.acks != Level::accepted && type && type->can.can_refuse;
    if (waits && ack_timeout(source) == Duration{0})
      say(location, "ack_timeout: 0s leaves no time: senders are told that nothing is known. Set ack_timeout: 30s.");
    if (graph_.sinks_of(source).empty()) say(location, "leads to no sink: what it reads is thrown away.");
  }

  static Duration ack_timeout(const Source& source) {
    return source.options.get_or<Duration>("ack_timeout", Duration{0});
  }

  void about(const Sink& sink) {
    const std::string location = sink.path();
    if (!sink.is_journal) about_destination(location, sink.destination);
    about_bound(location, sink);
    if (sink.workers > many_workers)
      say(location,
          fmt::format("{} workers: more than most destinations serve well. Begin with 16 and measure.", sink.workers));
    if (sink.on_failure == Sink::OnFailure::drop)
      say(location,
          "on_failure: drop loses what it refuses for good: a run that has lost some ends with 4. Name a dead_letter.");
    if (!sink.required)
      say(location, "optional: when it is dead nobody waits and nobody notices. Alert on what it drops.");
  }

  void about_destination(const std::string& location, const flow::DestinationConfig& to) {
    if (to.breaker.consecutive_failures == 0 && to.breaker.window == BreakerConfig::Window::none)
      say(location, "no breaker: a dead destination is called again and again. Set breaker.consecutive_failures: 5.");
    if (to.backoff.jitter == BackoffConfig::Jitter::additive && to.backoff.additive_most == Duration{0})
      say(location, "no jitter: all retries come at the same moment. Set retry.jitter: full.");
    if (to.retry_budget.ratio >= 1)
      say(location,
          "retry without a budget: at 100% retries alone double the load on what is failing. Set retry.budget: 20%.");
  }

  void about_bound(const std::string& location, const Sink& sink) {
    const flow::EdgeConfig& queue = sink.queue;
    // A default is not reported as a mistake.
    const bool written = queue.bound.bytes != flow::EdgeConfig{}.bound.bytes;
    if (written && queue.bound.bytes > config_.memory.budget)
      say(location,
          fmt::format("queue.max_bytes ({}) is more than all sources may fill ({}): memory is full first, and "
                      "this bound never acts.",
                      human(queue.bound.bytes), human(config_.memory.budget)));
    const bool sheds = queue.expire_after || queue.codel || flow::may_drop(queue.when_full);
    if (queue.order == flow::Order::adaptive_lifo && !sheds)
      say(location,
          "order: adaptive_lifo lets the oldest wait for as long as the overload lasts. Set queue.expire_after, or "
          "keep fifo where all of it must be done.");
    if (queue.dead_letter_shed > 0 && !sheds)
      say(location, "queue.dead_letter_shed copies what this queue drops, and it drops nothing. Remove it.");
    const double rate = sink.options.has("rate") ? sink.options.rate("rate").value : 0;
    if (queue.max_wait && rate > 0 && static_cast<double>(queue.bound.events) > rate * seconds(*queue.max_wait))
      say(location,
          fmt::format(
              "{} events at {} wait longer than max_wait ({}). max_events: {:.0f} would hold it from the start.",
              queue.bound.events, to_text(sink.options.rate("rate")), human(*queue.max_wait),
              std::max(1.0, rate * seconds(*queue.max_wait))));
    for (const Source* source : graph_.sources_of(sink)) {
      const Duration patience = ack_timeout(*source);
      if (sink.required && queue.max_wait && patience > Duration{0} && source->acks != Level::accepted &&
          *queue.max_wait >= patience)
        say(location,
            fmt::format(
                "max_wait ({}) is not below ack_timeout of {} ({}): its senders give up on work that is still waiting.",
                human(*queue.max_wait), source->name, human(patience)));
    }
  }

  const Config& config_;
  const Catalog& catalog_;
  const Graph graph_;
  std::vector<Report::Advice> advice_;
};

}  // namespace

std::vector<Report::Advice> advice_of(const Config& config, const Catalog& catalog) {
  const std::vector<Report::Advice> parts[] = {Adviser(config, catalog).all(), advice_on_times(config, catalog),
                                               advice_on_guards(config)};
  std::vector<Report::Advice> all;
  const auto gather = [&](std::string_view kind, const auto& nodes) {
    for (const Node& node : nodes)
      for (const auto& part : parts)
        for (const Report::Advice& advice : part)
          if (advice.location == fmt::format("{}.{}", kind, node.name))
            all.push_back({advice.location, advice.what, node.location});
  };
  gather("sources", config.sources);
  gather("sinks", config.sinks);
  return all;
}

}  // namespace weir::config
