// One sentence for each place where work waits: what happens there when it cannot keep up.
#include <fmt/format.h>

#include <algorithm>

#include "config/checks.h"
#include "config/report.h"

namespace weir::config {
namespace {

using flow::WhenFull;

std::string senders(const Source& source) {
  if (source.is_consumer()) return "journal " + source.journal;
  return source.type == "http" ? "HTTP clients of " + source.name : "whoever sends to " + source.name;
}

/// What the senders of a source see when the source has to wait.
std::string at_the_door(const Source& source) {
  if (source.is_consumer()) return fmt::format("they wait in journal {}", source.journal);
  if (source.refuse_when_full) return senders(source) + " are refused with 503 and Retry-After";
  return source.name + " leaves its input unread";
}

std::string singular(std::string sentence) {
  if (const auto at = sentence.find("sends to"); at != std::string::npos)
    if (const auto are = sentence.find(" are refused", at); are != std::string::npos) sentence.replace(are, 4, " is");
  return sentence;
}

std::string all_doors(const std::vector<const Source*>& sources) {
  std::vector<std::string> doors;
  for (const Source* source : sources) doors.push_back(singular(at_the_door(*source)));
  return join(doors);
}

std::string bound_of(const Sink& sink) {
  return fmt::format("{} events or {}", sink.queue.bound.events, human(sink.queue.bound.bytes));
}

std::string_view droppable(WhenFull policy) {
  switch (policy) {
    case WhenFull::drop_newest: return "what arrives next is dropped";
    case WhenFull::drop_oldest: return "what has waited longest is dropped";
    case WhenFull::drop_lowest: return "the least important work is dropped";
    default: return "waiting work is dropped at random";
  }
}

std::string when_journal_is_full(const std::vector<const Source*>& sources, const Sink& sink) {
  if (sink.options.get_or<std::string>("when_full", "block") == "drop_oldest")
    return "the oldest segments are dropped, which only consumers that may skip miss";
  if (sink.queue.when_full == WhenFull::drop_newest) return "what arrives next is dropped and counted";
  return sources.empty() ? "whoever sends dead letters here waits" : all_doors(sources);
}

std::string when_spilled(const std::vector<const Source*>& sources, const Sink& sink) {
  return fmt::format("at {} in memory, or when 80 % of the budget are used, what arrives goes to {}; at {} there, {}",
                     bound_of(sink), sink.spill.path, human(sink.spill.max_bytes),
                     sources.empty() ? "whoever sends dead letters here waits" : all_doors(sources));
}

std::string when_full(const Graph& graph, const Sink& sink) {
  const auto sources = graph.sources_of(sink);
  if (sink.is_journal)
    return fmt::format("{}{} of what consumers have not read; then {}", sink.room.where,
                       sink.room.most > Bytes{} ? " up to " + human(sink.room.most) : std::string(),
                       when_journal_is_full(sources, sink));
  switch (sink.queue.when_full) {
    case WhenFull::block: {
      const std::string pause =
          fmt::format("readers pause at {} of {}", human_percent(sink.queue.pause_at), bound_of(sink));
      return sources.empty() ? fmt::format("whoever sends dead letters here waits at {}", bound_of(sink))
                             : fmt::format("{}, then {}", pause, all_doors(sources));
    }
    case WhenFull::reject: return fmt::format("at {} what arrives is refused: {}", bound_of(sink), all_doors(sources));
    case WhenFull::spill: return when_spilled(sources, sink);
    default:
      return fmt::format("at {} {} and counted; sources do not slow down", bound_of(sink),
                         droppable(sink.queue.when_full));
  }
}

std::string losses(const Sink& sink) {
  std::string out;
  if (sink.queue.codel)
    out += fmt::format("; while all work waits longer than {} for {}, some of it is dropped (codel)",
                       human(sink.queue.codel->target), human(sink.queue.codel->interval));
  if (sink.queue.expire_after)
    out += fmt::format("; what waits longer than {} is dropped", human(*sink.queue.expire_after));
  if (out.empty() && !flow::may_drop(sink.queue.when_full)) out = "; nothing is dropped";
  if (sink.queue.dead_letter_shed > 0)
    out += fmt::format("; {} of what is dropped is copied to {} while that has room",
                       human_percent(sink.queue.dead_letter_shed), sink.dead_letter);
  if (sink.queue.order == flow::Order::adaptive_lifo)
    out += fmt::format("; from {} until {} the newest goes first, so order is not kept",
                       human_percent(sink.queue.pause_at), human_percent(sink.queue.resume_at));
  if (sink.queue.reserved_for_high > 0)
    out += fmt::format("; the last {} are kept for high and critical", human_percent(sink.queue.reserved_for_high));
  return out;
}

std::string own_letters(const Sink& sink) {
  if (!sink.has_own_letters) return {};
  return fmt::format(
      "; what it refuses for good goes to {}, at most {} files of {}, of which the oldest is deleted: name a "
      "dead_letter "
      "for another place, or say on_failure: drop",
      own_letters_path(sink), own_letters_kept + 1, human(own_letters_file));
}

std::string door(const Graph& graph, const Source& source) {
  const auto sinks = graph.sinks_of(source);
  if (sinks.empty()) return "nothing reads from this source, so nothing waits here";
  if (source.refuse_when_full)
    return fmt::format(
        "{} are answered 503 with Retry-After before their events are read; what is already read goes on",
        senders(source));
  return "its input stays unread until there is room; nothing is refused or dropped here";
}

std::string memory(const Config& config) {
  std::vector<std::string> doors;
  for (const Source& source : config.sources)
    if (!source.is_consumer()) doors.push_back(singular(at_the_door(source)));
  return fmt::format("when the {} that sources may fill are used up, {}; what drains has memory of its own and goes on",
                     human(config.memory.budget), join(doors));
}

}  // namespace

std::vector<Report::Answer> answers_of(const Config& config) {
  const Graph graph(config);
  std::vector<Report::Answer> answers;
  for (const Source& source : config.sources)
    if (!source.is_consumer()) answers.push_back({source.path(), singular(door(graph, source))});
  for (const Stage& stage : config.stages)
    if (stage.plan && !stage.plan->when_behind().empty())
      answers.push_back({"stages." + stage.name, stage.plan->when_behind()});
  for (const Sink& sink : config.sinks)
    answers.push_back({sink.path(), when_full(graph, sink) + losses(sink) + own_letters(sink)});
  if (!config.sources.empty()) answers.push_back({"memory", memory(config)});
  return answers;
}

}  // namespace weir::config
