#include "pipeline/report/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::pipeline {

std::int64_t SinkStatus::edge_difference() const {
  std::int64_t d = static_cast<std::int64_t>(edge.offered.events) - static_cast<std::int64_t>(edge.delivered.events) -
                   static_cast<std::int64_t>(edge.drained.events) - static_cast<std::int64_t>(edge.pending.events);
  for (auto n : edge.dropped) d -= static_cast<std::int64_t>(n);
  return d;
}

FlowStatus::Ledger FlowStatus::ledger() const {
  Ledger result;
  auto look = [&](std::int64_t difference, const std::string& where) {
    result.in_transit += std::max<std::int64_t>(0, difference);
    if (std::abs(difference) <= std::abs(result.worst) && !(difference < 0 && result.worst >= 0)) return;
    result.worst = difference;
    result.where = where;
  };
  for (const auto& s : sources) look(s.node.difference(), "source " + s.name);
  for (const auto& s : stages) look(s.node.difference(), "stage " + s.name);
  for (const auto& s : sinks) {
    look(s.edge_difference(), "queue of sink " + s.name);
    look(s.node.difference(), "sink " + s.name);
  }
  return result;
}

std::string human(Duration d) {
  const double s = seconds(d);
  if (s < 0.001) return fmt::format("{:.0f} us", s * 1e6);
  if (s < 1) return fmt::format("{:.0f} ms", s * 1e3);
  if (s < 10) return fmt::format("{:.1f} s", s);
  if (s < 120) return fmt::format("{:.0f} s", s);
  return fmt::format("{:.0f} min", s / 60);
}

namespace {

constexpr Duration least_backlog = std::chrono::seconds(1);  // what is younger is on its way

/// Absent: it has read everything.
const JournalStatus::Consumer* one_behind(const std::vector<JournalStatus>& journals, std::string_view journal,
                                          std::string_view consumer) {
  const auto in = std::ranges::find(journals, journal, &JournalStatus::name);
  if (in == journals.end()) return nullptr;
  const auto c = std::ranges::find(in->consumers, consumer, &JournalStatus::Consumer::name);
  return c == in->consumers.end() || c->lag_events == 0 ? nullptr : &*c;
}

std::string lag_of(const JournalStatus::Consumer& c) {
  return fmt::format("{} events ({:.1f} MiB, {}) behind{}", c.lag_events, static_cast<double>(c.lag_bytes) / (1 << 20),
                     human(c.lag), c.skipped > 0 ? fmt::format(", {} given up unread", c.skipped) : "");
}

}  // namespace

std::string describe_lag(const std::vector<JournalStatus>& journals, std::string_view journal,
                         std::string_view consumer, const std::string& why) {
  const auto* c = one_behind(journals, journal, consumer);
  return c ? lag_of(*c) + (why.empty() ? "" : " <- ") + why : why;
}

std::string backlog_of(const SinkStatus& sink, const std::vector<JournalStatus>& journals, std::string_view journal,
                       std::string_view consumer) {
  const auto* c = one_behind(journals, journal, consumer);
  if (!c || c->lag_events <= sink.pressure.waiting.events + sink.in_hand || c->lag < least_backlog) return {};
  return fmt::format("{} in journal {}", lag_of(*c), journal);
}

std::string describe_lag(const Upstream& upstream, const std::string& why) {
  std::uint64_t events = 0;
  std::size_t places = 0;
  Duration age{0};
  for (const auto& lag : upstream.lags) {
    if (lag.events == 0) continue;
    events += lag.events;
    age = std::max(age, lag.age);
    ++places;
  }
  std::string text;
  if (events > 0) text = fmt::format("{} events ({}) behind in {} places", events, human(age), places);
  for (const auto* cause : {&upstream.trouble, &why})
    if (!cause->empty()) text += (text.empty() ? "" : " <- ") + *cause;
  return text;
}

std::string describe(const SpillStatus& spill, Reader reader) {
  std::string text;
  const auto bytes = static_cast<double>(spill.bytes.count());
  if (spill.events > 0)
    text = bytes < (1 << 30) ? fmt::format(", {:.1f} MiB spilled", bytes / (1 << 20))
                             : fmt::format(", {:.1f} GiB spilled", bytes / (1 << 30));
  if (!spill.error.empty())
    text += reader == Reader::operators ? " <- cannot spill: " + spill.error : " <- cannot spill";
  return text;
}

std::string_view state_of(const SinkStatus& sink) {
  if (sink.hold.cause()) return "held up";
  if (sink.pressure.paused) return "readers are paused";
  if (!sink.backlog.empty() || sink.pressure.fill > 0.5) return "behind";
  return sink.pressure.waiting.events + sink.in_hand > 0 ? "keeps up" : "idle";
}

namespace {

std::string next_try(const HoldUp& hold) {
  return hold.blocked_for > Duration{0} ? "trying again in " + human(hold.blocked_for) : "trying again now";
}

/// Why the last attempt failed, for somebody who may not see the destination's words.
std::string_view kind_of_failure(Reason by) {
  switch (by) {
    case Reason::destination_locked: return "somebody else has it locked";
    case Reason::disk_full: return "its disk is full";
    case Reason::destination_hold: return "it asked to be left alone";
    default: return "it fails";
  }
}

std::string words_for(const SinkStatus& sink, Reason cause) {
  const HoldUp& hold = sink.hold;
  switch (cause) {
    case Reason::breaker_open:
      if (hold.blocked_for > Duration{0}) return "breaker open, next probe in " + human(hold.blocked_for);
      return "breaker open, about to probe";
    case Reason::dead_letters_full: return "its dead letters find no room in sink " + sink.letters_wait_for;
    case Reason::destination_stalled: return "stalled: nothing has come back for " + human(hold.stalled_for);
    case Reason::destination_hold: return "told to wait, " + next_try(hold);
    case Reason::retry_budget_empty: return "retry budget empty, " + next_try(hold);
    case Reason::destination_locked: return "locked, " + next_try(hold);
    case Reason::disk_full: return hold.failing ? "disk full, " + next_try(hold) : "disk full";
    case Reason::journal_full: return "journal full, waits for its consumers";
    default: return next_try(hold);
  }
}

std::string describe_hold(const SinkStatus& sink, Reason cause, Reader reader) {
  std::string text = " <- " + words_for(sink, cause);
  if (!sink.hold.failing && cause != Reason::breaker_open) return text;
  if (reader == Reader::operators) return sink.last_error.empty() ? text : text + " <- " + sink.last_error;
  return cause == Reason::breaker_open ? fmt::format("{} <- {}", text, kind_of_failure(sink.hold.failing_by)) : text;
}

}  // namespace

std::string describe(const SinkStatus& sink, Reader reader) {
  const auto& p = sink.pressure;
  const bool by_bytes =
      p.bound.bytes.count() && static_cast<double>(p.waiting.bytes.count()) * static_cast<double>(p.bound.events) >
                                   static_cast<double>(p.waiting.events) * static_cast<double>(p.bound.bytes.count());
  std::string text = by_bytes
                         ? fmt::format("queue {}/{} KiB", p.waiting.bytes.count() >> 10, p.bound.bytes.count() >> 10)
                         : fmt::format("queue {}/{} events", p.waiting.events, p.bound.events);
  if (sink.spill) text += describe(*sink.spill, reader);
  if (const auto cause = sink.hold.cause()) return text + describe_hold(sink, *cause, reader);
  if (!sink.paced_to.empty())
    text += fmt::format(" <- its own rate (guards) lets {} pass, not the destination", sink.paced_to);
  else if (p.service_rate.value > 0 && p.fill > 0.5)
    text += fmt::format(" <- serves {:.0f} events/s", p.service_rate.value);
  if (!sink.limited_to.empty()) text += fmt::format(", with {} by its own limit (guards)", sink.limited_to);
  if (sink.workers_busy == sink.workers && p.service_rate.value <= 0) text += " <- delivering, nothing confirmed yet";
  return text;
}

namespace {

std::string subset(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  std::string text = fmt::format("p99 {} (usual {}) but p50 still {}", human(s.now.p99),
                                 s.usual ? human(s.usual->p99) : "not known yet", human(s.now.p50));
  if (s.under_way >= flow::patience_of(s))
    text = fmt::format("a delivery has been under way for {} while others end (p50 {}, p99 {})", human(s.under_way),
                       human(s.now.p50), human(s.now.p99));
  return text + ": a subset is stuck, look at " +
         (sink.workers > 1 ? fmt::format("what one of its {} workers, ", sink.workers) : std::string("what one ")) +
         "key, host or kind of event has that the others have not";
}

std::string systemic(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  // Whether most of the time is waiting is judged by how long the oldest event has waited by now.
  const bool waiting = sink.pressure.oldest_age * 2 >= s.now.p50;
  return fmt::format("p50 {} (usual {}) and p99 {} (usual {}): systemic, the whole of it is slow; look at {}",
                     human(s.now.p50), human(s.usual->p50), human(s.now.p99), human(s.usual->p99),
                     waiting ? "how much comes and how fast it serves: most of the time is waiting in its queue"
                             : "what it delivers to: most of the time is delivering");
}

}  // namespace

std::string describe_latency(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  const std::string now = fmt::format("p50 {}, p99 {}", human(s.now.p50), human(s.now.p99));
  switch (flow::judge(s)) {
    case flow::SojournVerdict::too_few:
      return s.batches == 0 ? "not enough events to tell: none ended lately" : now + ", not enough events to tell";
    case flow::SojournVerdict::usual_unknown: return now + "; what is usual is not known yet";
    case flow::SojournVerdict::as_usual: return now + ", as usual";
    case flow::SojournVerdict::subset: return subset(sink);
    case flow::SojournVerdict::systemic: return systemic(sink);
    case flow::SojournVerdict::stalled: break;
  }
  return fmt::format("nothing ends: the oldest event has been here for {}{}", human(s.oldest),
                     s.usual ? fmt::format(" (usual p99 {})", human(s.usual->p99)) : std::string());
}

}  // namespace weir::pipeline
