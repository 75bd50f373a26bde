#include <fmt/format.h>
#include <weir/component/mode_option.h>

#include <algorithm>

#include "config/nodes.h"

namespace weir::config {
namespace {

using flow::BackoffConfig;
using flow::BreakerConfig;
using flow::Order;
using flow::WhenFull;

constexpr std::uint64_t most_calls = 1'000'000;
constexpr Bytes least_spill = 16_MiB;

Parsed<WhenFull> parse_when_full(std::string_view text) {
  std::vector<std::string> names;
  for (int i = 0; i < flow::when_full_count; ++i) {
    const auto policy = static_cast<WhenFull>(i);
    if (name(policy) == text) return policy;
    names.emplace_back(name(policy));
  }
  return std::unexpected(Section::not_one_of(text, names));
}

void read_codel(Reader& reader, Section& queue, flow::EdgeConfig& out) {
  const Yaml* node = queue.find("codel");
  if (!node) return;
  if (node->kind == Yaml::Kind::scalar) {
    bool on = false;
    if (queue.flag("codel", on) && on) out.codel = flow::CodelConfig{};
    return;
  }
  flow::CodelConfig codel;
  Section section(reader, node, queue.path("codel"));
  section.duration("target", codel.target, least_time);
  section.duration("interval", codel.interval, least_time);
  section.finish();
  out.codel = codel;
}

void read_budget(Reader& reader, Section& retry, flow::RetryBudgetConfig& out) {
  const Yaml* node = retry.find("budget");
  if (!node) return;
  if (node->kind == Yaml::Kind::scalar) {
    retry.ratio("budget", out.ratio);
    return;
  }
  Section section(reader, node, retry.path("budget"));
  section.ratio("ratio", out.ratio);
  section.value("minimum", out.minimum, parse_rate);
  section.duration("window", out.window, std::chrono::seconds(1));
  section.finish();
  section.report(check(out));
}

void read_retry(Reader& reader, const Yaml* node, const std::string& path, flow::DestinationConfig& out) {
  using Jitter = BackoffConfig::Jitter;
  Section section(reader, node, path);
  section.duration("base", out.backoff.base, least_time);
  section.duration("cap", out.backoff.cap, least_time);
  section.choice<Jitter>("jitter", out.backoff.jitter,
                         {{"full", Jitter::full},
                          {"equal", Jitter::equal},
                          {"decorrelated", Jitter::decorrelated},
                          {"additive", Jitter::additive}});
  section.duration("additive_most", out.backoff.additive_most);
  read_budget(reader, section, out.retry_budget);
  section.finish();
  section.report(check(out.backoff));
  if (out.backoff.base > out.backoff.cap)
    reader.error_at(section.path("base"),
                    fmt::format("{} is longer than the cap of {}", to_text(out.backoff.base), to_text(out.backoff.cap)),
                    "raise cap, or lower base");
}

void read_spill(Reader& reader, Section& queue, bool spills, SpillConfig& out) {
  const Yaml* node = queue.find("spill");
  if (!node) return;
  Section section(reader, node, queue.path("spill"));
  section.value("path", out.path, [](std::string_view text) -> Parsed<std::string> {
    if (text.empty()) return std::unexpected("names no folder");
    return std::string(text);
  });
  section.size("max_bytes", out.max_bytes, least_spill);
  section.value("mode", out.mode, [](std::string_view text) -> Parsed<FileMode> {
    const auto modes = mode_option("").choices;
    if (std::ranges::find(modes, text) == modes.end()) return std::unexpected(Section::not_one_of(text, modes));
    return FileMode::from_text(text).value_or(FileMode{});
  });
  section.finish();
  if (!spills)
    reader.error_at(section.path(), "says where to spill, but when_full does not say spill", "write when_full: spill");
}

/// Spill keeps the order and drops nothing.
void check_spill(Reader& reader, const Section& section, const flow::EdgeConfig& queue) {
  if (queue.bound.events < 2)
    reader.error_at(section.path("max_events"), "a queue that spills has two halves", "write at least 2");
  if (queue.order == Order::adaptive_lifo)
    reader.error_at(section.path("order"), "adaptive_lifo does not go with spill, which keeps the order", "use fifo");
  if (queue.codel)
    reader.error_at(section.path("codel"), "drops what waits, and spill is for what shall wait", "keep one of the two");
}

}  // namespace

void read_breaker(Reader& reader, const Yaml* node, const std::string& path, BreakerConfig& out) {
  using Window = BreakerConfig::Window;
  Section section(reader, node, path);
  section.count("consecutive_failures", out.consecutive_failures, 0, most_calls);
  section.choice<Window>("window", out.window,
                         {{"none", Window::none}, {"count", Window::count}, {"time", Window::time}});
  section.count("window_calls", out.window_calls, 1, most_calls);
  section.duration("window_time", out.window_time, std::chrono::seconds(1));
  section.count("minimum_calls", out.minimum_calls, 1, most_calls);
  section.ratio("failure_rate", out.failure_rate);
  section.ratio("slow_rate", out.slow_rate);
  section.duration("slow_call", out.slow_call, least_time);
  section.duration("open", out.open, least_time);
  section.count("half_open_calls", out.half_open_calls, 1, 1000);
  section.duration("half_open_wait", out.half_open_wait, least_time);
  section.finish();
  section.report(check(out));
  if (out.window == Window::count && out.minimum_calls > out.window_calls)
    reader.error_at(section.path("minimum_calls"),
                    fmt::format("{} calls never fit into a window of {}", out.minimum_calls, out.window_calls),
                    "raise window_calls");
}

void read_queue(Reader& reader, const Yaml* node, const std::string& path, flow::EdgeConfig& queue,
                SpillConfig* spill) {
  Section section(reader, node, path);
  section.count("max_events", queue.bound.events, 1, 100'000'000);
  section.size("max_bytes", queue.bound.bytes, 1_KiB);
  Duration time{};
  if (section.duration("max_wait", time, least_time)) queue.max_wait = time;
  section.ratio("pause_at", queue.pause_at);
  section.ratio("resume_at", queue.resume_at);
  section.value("when_full", queue.when_full, parse_when_full);
  section.choice<Order>("order", queue.order, {{"fifo", Order::fifo}, {"adaptive_lifo", Order::adaptive_lifo}});
  section.duration("age_boost", queue.age_boost, least_time);
  read_codel(reader, section, queue);
  if (section.duration("expire_after", time, least_time)) queue.expire_after = time;
  section.ratio("reserved_for_high", queue.reserved_for_high);
  section.ratio("dead_letter_shed", queue.dead_letter_shed);
  const bool spills = queue.when_full == WhenFull::spill;
  if (spill) read_spill(reader, section, spills, *spill);
  if (spills) check_spill(reader, section, queue);
  section.finish();
  section.report(check(queue));
  if (queue.resume_at >= queue.pause_at)
    reader.error_at(section.path(reader.given(section.path("resume_at")) ? "resume_at" : "pause_at"),
                    fmt::format("resume_at ({}) has to be below pause_at ({})", to_text_ratio(queue.resume_at),
                                to_text_ratio(queue.pause_at)));
  if (queue.reserved_for_high >= 1)
    reader.error_at(section.path("reserved_for_high"), "leaves nothing for other priorities", "write 20%");
}

void read_batch(Reader& reader, const Yaml* node, const std::string& path, WorkerBatch& batch) {
  Section section(reader, node, path);
  section.count("max_events", batch.most.events, 1, 1'000'000);
  section.size("max_bytes", batch.most.bytes, 1_KiB);
  section.duration("linger", batch.linger);
  section.finish();
  if (batch.linger > std::chrono::seconds(60))
    reader.error_at(section.path("linger"), fmt::format("{} is too long: at most 60s", to_text(batch.linger)));
}

void read_destination(Reader& reader, Section& sink, flow::DestinationConfig& destination) {
  // A key of the queue that needs the sink's dead letters: only here are both known.
  const std::string shed = sink.path("queue") + ".dead_letter_shed";
  if (reader.given(shed) && !sink.find("dead_letter"))
    reader.error_at(shed, "copies what is dropped to dead_letter, but no dead_letter is named",
                    "add dead_letter: and the name of a sink");
  read_breaker(reader, sink.find("breaker"), sink.path("breaker"), destination.breaker);
  read_retry(reader, sink.find("retry"), sink.path("retry"), destination);
}

}  // namespace weir::config
