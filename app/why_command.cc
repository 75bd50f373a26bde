#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "ask.h"
#include "commands.h"
#include "exit_codes.h"

namespace weir::app {
namespace {

constexpr double least_backlog = 1;  // seconds: what is younger is on its way

std::string text(simdjson::dom::element row, const char* key) {
  std::string_view value;
  return row[key].get(value) ? std::string{} : terminal_text(value);
}
bool flag(simdjson::dom::element row, const char* key) {
  bool value = false;
  return !row[key].get(value) && value;
}
double number(simdjson::dom::element row, const char* key) {
  double value = 0;
  return row[key].get(value) ? 0.0 : value;
}

void say_source(simdjson::dom::element row) {
  const std::string cause = text(row, "why");
  if (flag(row, "paused"))
    fmt::print("{}: paused <- {}\n", text(row, "source"), cause.empty() ? "a queue is above its high mark" : cause);
  else if (!cause.empty())
    fmt::print("{}: reads, but {}\n", text(row, "source"), cause);
  else
    fmt::print("{}: nothing holds it up\n", text(row, "source"));
}

struct InJournals {
  double events = 0;     ///< that wait in a journal for this sink
  bool is_full = false;  ///< this sink is the writing side of one that takes nothing now
};

InJournals in_journals(simdjson::dom::element all, const std::string& sink) {
  InJournals found;
  simdjson::dom::array journals, consumers;
  if (all["journals"].get(journals)) return found;
  for (auto journal : journals) {
    if (text(journal, "name") == sink) found.is_full = !text(journal, "error").empty();
    if (journal["consumers"].get(consumers)) continue;
    for (auto consumer : consumers)
      if (text(consumer, "name") == sink && number(consumer, "lag_s") >= least_backlog)
        found.events = std::max(found.events, number(consumer, "lag_events"));
  }
  return found;
}

/// What keeps a sink from delivering comes first: a queue that is empty says nothing about a destination.
std::string state_of(simdjson::dom::element row, const InJournals& journals) {
  if (text(row, "breaker") != "closed" || number(row, "blocked_for_s") > 0 || journals.is_full) return "held up";
  if (journals.events > number(row, "waiting_events"))
    return fmt::format("{:.0f} events behind in its journal", journals.events);
  if (flag(row, "paused")) return "readers are paused";
  if (number(row, "fill") > 0.5) return "behind";
  return number(row, "waiting_events") > 0 ? "keeps up" : "idle";
}

void say_sink(simdjson::dom::element all, simdjson::dom::element row) {
  const std::string state = state_of(row, in_journals(all, text(row, "sink")));
  fmt::print("{}: {} <- {}\n", text(row, "sink"), state, text(row, "why"));
  if (simdjson::dom::element refused; !row["refused_for_good"].get(refused) && refused.is_object())
    fmt::print("{}: {:.0f} events refused for good since the start, {:.0f} of them lost, the last {:.0f} s ago: {}\n",
               text(row, "sink"), number(refused, "events"), number(refused, "lost"), number(refused, "ago_s"),
               text(refused, "words"));
  simdjson::dom::element latency;
  if (!row["latency"].get(latency)) fmt::print("{}: {}\n", text(row, "sink"), text(latency, "sentence"));
}

void say_journal(simdjson::dom::element row) {
  const std::string error = text(row, "error");
  fmt::print("{}: {:.1f} of {:.1f} MiB on the disk{}{}\n", text(row, "name"), number(row, "bytes") / (1 << 20),
             number(row, "max_bytes") / (1 << 20), error.empty() ? "" : " <- ", error);
  simdjson::dom::array consumers;
  if (row["consumers"].get(consumers)) return;
  for (auto consumer : consumers)
    if (!flag(consumer, "configured"))
      fmt::print("{}: nobody reads by the cursor {}; {}\n", text(row, "name"), text(consumer, "name"),
                 flag(consumer, "required") ? "what it has not read is kept until it is back or forgotten"
                                            : "it is kept and holds nothing up");
}

}  // namespace

int why(const AdminPeer& admin, const std::string& node) {
  Answer answer;
  if (!ask(admin, "/api/pressure", answer)) return not_reachable;
  bool found = false;
  simdjson::dom::array rows;
  if (!answer.json["sources"].get(rows))
    for (auto row : rows)
      if (node.empty() || text(row, "source") == node) say_source(row), found = true;
  if (!answer.json["journals"].get(rows))
    for (auto row : rows)
      if (node.empty() || text(row, "name") == node) say_journal(row), found = true;
  if (!answer.json["edges"].get(rows))
    for (auto row : rows)
      if (node.empty() || text(row, "sink") == node) say_sink(answer.json, row), found = true;
  if (found) return ok;
  fmt::print(stderr, "weir: there is no source or sink '{}' in the running flow\n", terminal_text(node));
  return bad_usage;
}

}  // namespace weir::app
