#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include "ask.h"
#include "commands.h"
#include "exit_codes.h"
#include "json_row.h"

namespace weir::app {
namespace {

void say_source(JsonRow row) {
  const std::string cause = text(row, "why");
  if (flag(row, "paused"))
    fmt::print("{}: paused <- {}\n", text(row, "source"), cause.empty() ? "a queue is above its high mark" : cause);
  else if (!cause.empty())
    fmt::print("{}: reads, but {}\n", text(row, "source"), cause);
  else
    fmt::print("{}: nothing holds it up\n", text(row, "source"));
}

void say_sink(JsonRow row) {
  fmt::print("{}: {} <- {}\n", text(row, "sink"), text(row, "state"), text(row, "why"));
  if (simdjson::dom::element refused; !row["refused_for_good"].get(refused) && refused.is_object())
    fmt::print("{}: {:.0f} events refused for good since the start, {:.0f} of them lost, the last {:.0f} s ago: {}\n",
               text(row, "sink"), number(refused, "events"), number(refused, "lost"), number(refused, "ago_s"),
               text(refused, "words"));
  simdjson::dom::element latency;
  if (!row["latency"].get(latency)) fmt::print("{}: {}\n", text(row, "sink"), text(latency, "sentence"));
}

void say_journal(JsonRow row) {
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

void say_gateway(JsonRow row) {
  bool said = false;
  simdjson::dom::array routes;
  if (!row["guarded"].get(routes))
    for (auto route : routes)
      if (const std::string cause = text(route, "why"); !cause.empty()) {
        fmt::print("{}: {}: {}\n", text(row, "name"), text(route, "path"), cause);
        said = true;
      }
  if (!said) fmt::print("{}: nothing holds it up but its upstreams\n", text(row, "name"));
}

void say_upstream(simdjson::dom::element row) {
  const std::string cause = text(row, "why");
  fmt::print("{}: {}\n", text(row, "name"), cause.empty() ? "nothing holds it up" : cause);
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
      if (node.empty() || text(row, "sink") == node) say_sink(row), found = true;
  if (!answer.json["gateways"].get(rows))
    for (auto row : rows)
      if (node.empty() || text(row, "name") == node) say_gateway(row), found = true;
  if (!answer.json["upstreams"].get(rows))
    for (auto row : rows)
      if (node.empty() || text(row, "name") == node) say_upstream(row), found = true;
  if (found) return ok;
  fmt::print(stderr, "weir: there is no source, sink, journal, gateway or upstream '{}' in what runs\n",
             terminal_text(node));
  return bad_usage;
}

}  // namespace weir::app
