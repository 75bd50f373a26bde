// The report for tools, and the flow as a picture.
#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "config/memory.h"
#include "config/problem.h"
#include "config/report.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

std::string list(const std::vector<std::string>& parts) {
  std::string out = "[";
  for (const std::string& part : parts) out += (out.size() > 1 ? "," : "") + part;
  return out + "]";
}

template <typename T, typename F>
std::string list_of(const std::vector<T>& values, F&& write) {
  std::vector<std::string> parts;
  for (const T& value : values) parts.push_back(write(value));
  return list(parts);
}

std::string texts(const std::vector<std::string>& values) {
  return list_of(values, [](const std::string& text) { return json_text(text); });
}

std::string pair(const Report::Pair& pair) {
  return fmt::format(R"({{"source":{},"sink":{},"required":{},"acks":{},"path_carries":{},"because":{}}})",
                     json_text(pair.source), json_text(pair.sink), pair.required, json_text(name(pair.asks)),
                     json_text(name(pair.carries)), json_text(pair.limit));
}

std::string edge(const Report::Edge& edge) {
  const flow::EdgeConfig& config = edge.config;
  return fmt::format(
      R"({{"sink":{},"from":{},"max_events":{},"max_bytes":{},"when_full":{},"max_wait":{},"pause_at":{},"resume_at":{},"worst_wait":{}}})",
      json_text(edge.sink), texts(edge.from), config.bound.events, config.bound.bytes.count(),
      json_text(name(config.when_full)), config.max_wait ? fmt::format("{}", seconds(*config.max_wait)) : "null",
      config.pause_at, config.resume_at, json_text(edge.worst_wait));
}

std::string answer(const Report::Answer& answer) {
  return fmt::format(R"({{"place":{},"sentence":{}}})", json_text(answer.location), json_text(answer.sentence));
}

std::string guard(const Report::Guard& guard) {
  return fmt::format(R"({{"place":{},"order":{},"sentence":{}}})", json_text(guard.location), json_text(guard.order),
                     json_text(guard.sentence));
}

std::string route(const Report::Route& route) {
  return fmt::format(R"({{"gateway":{},"match":{},"upstream":{},"deadline":{}}})", json_text(route.gateway),
                     json_text(route.match), json_text(route.to), seconds(route.deadline));
}

std::string advice(const Report::Advice& advice) {
  return fmt::format(R"({{"place":{},"at":{},"what":{}}})", json_text(advice.location), json_text(to_text(advice.at)),
                     json_text(advice.what));
}

std::string row(const MemoryRow& row) {
  return fmt::format(R"({{"part":{},"bytes":{},"soft":{}}})", json_text(row.part),
                     saturating_total(row.footprint).count(), row.footprint.soft);
}

std::string shrunk(const ShrunkDefault& value) {
  return fmt::format(R"({{"path":{},"value":{},"usual":{}}})", json_text(value.path), json_text(value.now),
                     json_text(value.usual));
}

std::string memory(const MemoryTable& table) {
  return fmt::format(R"({{"bytes":{},"automatic":{},"declared":{},"budget":{},"shrunk":{},"parts":{}}})",
                     table.memory.count(), table.automatic, table.footprints.count(), table.budget.count(),
                     list_of(table.shrunk, shrunk), list_of(table.rows, row));
}

std::string queue(const Sink& sink) {
  return fmt::format("{} events\\n{}{}", sink.queue.bound.events, name(sink.queue.when_full),
                     sink.required ? "" : ", optional");
}

}  // namespace

std::string to_json(const Report& report) {
  return fmt::format(
      "{{\"files\":{},\"reactors\":{},\n\"promises\":{},\n\"queues\":{},\n\"guards\":{},\n\"routes\":{},\n\"when_i_"
      "cannot_keep_up\":{},"
      "\n\"memory\":{},"
      "\n\"couplings\":{},\n\"advice\":{}}}\n",
      texts(report.files), report.reactors, list_of(report.pairs, pair), list_of(report.edges, edge),
      list_of(report.guards, guard), list_of(report.routes, route), list_of(report.answers, answer),
      memory(report.memory), texts(report.couplings), list_of(report.advice, advice));
}

/// Names are a to z, 0 to 9 and _, so nothing in them needs escaping; types come from the catalog.
std::string to_graph(const Config& config) {
  std::string out =
      "digraph weir {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge "
      "[fontname=\"sans-serif\", fontsize=10];\n";
  for (const Source& source : config.sources)
    if (!source.is_consumer())
      out += fmt::format("  \"{}\" [shape=cds, style=solid, label=\"{}\\n{}, acks: {}\"];\n", source.name, source.name,
                         source.type, name(source.acks));
  for (const Stage& stage : config.stages)
    out += fmt::format("  \"{}\" [label=\"{}\\n{}\"];\n", stage.name, stage.name, stage.type);
  for (const Sink& sink : config.sinks)
    out += fmt::format("  \"{}\" [shape={}, style=solid, label=\"{}\\n{}, {}\"];\n", sink.name,
                       sink.ack == SinkAck::durable ? "cylinder" : "box", sink.name, sink.type, name(sink.ack));
  for (const Stage& stage : config.stages)
    for (const std::string& from : stage.from) out += fmt::format("  \"{}\" -> \"{}\";\n", from, stage.name);
  for (const Sink& sink : config.sinks)
    for (const std::string& from : sink.from)
      out += fmt::format("  \"{}\" -> \"{}\" [label=\"{}\"{}];\n", from, sink.name, queue(sink),
                         sink.required ? "" : ", style=dashed");
  const auto letters = [&](const std::string& from, const std::string& to) {
    if (!to.empty()) out += fmt::format("  \"{}\" -> \"{}\" [label=\"dead letters\", style=dotted];\n", from, to);
  };
  for (const Source& source : config.sources) letters(source.name, source.dead_letter);
  for (const Stage& stage : config.stages) letters(stage.name, stage.dead_letter);
  for (const Sink& sink : config.sinks) letters(sink.name, sink.dead_letter);
  return out + "}\n";
}

}  // namespace weir::config
