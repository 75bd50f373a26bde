#pragma once
/// A catalog of made-up types for the tests and the fuzzer of the configuration: one for each combination of promises
/// that the rules tell apart. Nothing of it can be run.
///
/// Thread: values. Cost: tests only.
#include <weir/component/catalog.h>

#include <map>
#include <string>

#include "config/load.h"

namespace weir::config {

template <typename T>
T type_of(std::string name, std::string summary) {
  T type;
  type.name = std::move(name);
  type.summary = std::move(summary);
  return type;
}

inline std::vector<SourceType> source_types() {
  auto http = type_of<SourceType>("http", "pauses and refuses");
  http.options = {
      {.name = "listen", .kind = OptionKind::address, .required = true, .help = "where to listen, as HOST:PORT"},
      {.name = "max_body", .kind = OptionKind::size, .fallback = "1MiB"},
      {.name = "max_event", .kind = OptionKind::size, .fallback = "256KiB"},
      {.name = "max_connections", .kind = OptionKind::count, .fallback = "1024"},
      {.name = "ack_timeout", .kind = OptionKind::duration, .fallback = "30s"},
      {.name = "auth_bearer", .kind = OptionKind::texts, .secret = true}};
  http.can = {.can_pause = true, .can_refuse = true, .can_replay = false};
  http.strongest = Level::stored;
  http.footprint = [](const Options& o, int reactors) -> std::vector<Footprint> {
    return {{{}, 8_KiB, o.count("max_connections"), "connections"},
            {64_KiB * static_cast<std::uint64_t>(reactors), {}, 0, "read buffers"}};
  };
  auto tail = type_of<SourceType>("tail", "pauses and reads again");
  tail.options = {{.name = "path", .kind = OptionKind::path, .required = true}};
  tail.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
  tail.strongest = Level::stored;
  auto ticker = type_of<SourceType>("ticker", "pauses only");
  ticker.options = {{.name = "rate", .kind = OptionKind::rate, .fallback = "1000/s"},
                    {.name = "priorities", .kind = OptionKind::texts}};
  ticker.strongest = Level::accepted;
  auto knock = type_of<SourceType>("knock", "refuses only");
  knock.can = {.can_pause = false, .can_refuse = true, .can_replay = false};
  knock.strongest = Level::stored;
  return {http, tail, ticker, knock};
}

inline std::vector<SinkType> sink_types() {
  auto store = type_of<SinkType>("store", "durable");
  store.options = {{.name = "path", .kind = OptionKind::path, .required = true, .help = "the file it writes"},
                   {.name = "password", .kind = OptionKind::text},
                   {.name = "ratio", .kind = OptionKind::ratio},
                   {.name = "verify", .kind = OptionKind::boolean, .fallback = "true"},
                   {.name = "mode", .kind = OptionKind::choice, .fallback = "safe", .choices = {"safe", "fast"}},
                   {.name = "tags", .kind = OptionKind::texts, .fallback = "[a, b]"},
                   {.name = "headers", .kind = OptionKind::table, .may_hold_secrets = true},
                   {.name = "columns", .kind = OptionKind::table}};
  store.ack = [](const Options& o) { return o.text("mode") == "safe" ? SinkAck::durable : SinkAck::sent; };
  store.max_workers = [](const Options&) { return 1; };
  store.footprint = [](const Options&, Load batch) -> std::vector<Footprint> {
    return {{batch.bytes, {}, 0, "write buffer"}, {2_MiB, {}, 0, "page cache", true}};
  };
  auto post = type_of<SinkType>("post", "received");
  post.options = {{.name = "url", .kind = OptionKind::text, .fallback = "http://localhost"},
                  {.name = "timeout", .kind = OptionKind::duration},
                  {.name = "rate", .kind = OptionKind::rate}};
  post.ack = [](const Options&) { return SinkAck::received; };
  post.max_workers = [](const Options&) { return 16; };
  auto print = type_of<SinkType>("print", "sent");
  print.ack = [](const Options&) { return SinkAck::sent; };
  return {store, post, print};
}

inline Catalog fake_catalog() {
  Catalog catalog;
  for (SourceType& type : source_types()) catalog.add(std::move(type));
  auto filter = type_of<StageType>("filter", "keeps some");
  filter.options = {{.name = "where", .kind = OptionKind::expression, .required = true}};
  filter.compile = [](const Options& o, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    if (o.text("where").find("==") == std::string::npos) return failure("expected a comparison");
    return nullptr;
  };
  catalog.add(std::move(filter));
  for (SinkType& type : sink_types()) catalog.add(std::move(type));
  return catalog;
}

/// Variables A=alpha, EMPTY= and INJECT (which looks like YAML); one file, "/secret"; 1 GiB; 4 cores, so 2 reactors.
inline LoadOptions fake_options(std::map<std::string, std::string> files = {}) {
  files.emplace("/secret", "hunter2\n");
  LoadOptions options;
  options.env = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "alpha";
    if (name == "EMPTY") return "";
    if (name == "INJECT") return "x\n    mode: fast";
    return std::nullopt;
  };
  options.read_file = [files](const std::string& path) -> Result<std::string> {
    const auto at = files.find(path);
    if (at == files.end()) return failure("cannot read " + path + ": No such file or directory");
    return at->second;
  };
  options.machine_memory = 1_GiB;
  options.cores = 4;
  return options;
}

}  // namespace weir::config
