// version, explain, alerts, calc, init, schema: commands that ask no running process.
#include <fmt/format.h>
#include <weir/base/file_mode.h>
#include <weir/base/reason.h>
#include <weir/base/terminal_text.h>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include "commands.h"
#include "exit_codes.h"
#include "observe/alert_rules.h"
#include "schema.h"

namespace weir::app {
namespace {

constexpr std::string_view starter = R"(# A first flow: events over HTTP into SQLite.
#
#   weir check weir.yaml     what it promises, what it costs, what happens when it cannot keep up
#   weir run weir.yaml
#   curl -d '{"id":"1","hello":"weir"}' http://127.0.0.1:8080/events
#   sqlite3 events.db 'select * from events'

memory: 256MiB                  # the process stays under this

sources:
  events:
    type: http
    listen: 127.0.0.1:8080      # POST /events: NDJSON, a JSON array or one object
    acks: stored                # answered when every event is on disk

sinks:
  archive:
    type: sqlite
    from: [events]
    path: events.db             # one row an event; an event sent twice with the same .id is stored once

admin:
  listen: 127.0.0.1:9600        # /metrics, /health, /ready, /api/...; `weir top` and `weir why` ask here
)";

}  // namespace

std::vector<std::string> or_default(std::vector<std::string> files) {
  if (files.empty()) files.emplace_back("weir.yaml");
  return files;
}

int print(const std::string& page) {
  fmt::print("{}", page);
  return std::fflush(stdout) == 0 ? ok : failed;
}

int print_schema(const Catalog& catalog) { return print(config_schema(catalog)); }

int version() {
  fmt::print("weir {}\n", WEIR_VERSION);
  return ok;
}

int explain(const std::string& reason) {
  if (reason.empty()) {
    fmt::print("{:<24} {:>4}  {}\n", "REASON", "HTTP", "WHAT IT MEANS");
    for (const auto& row : all_reasons())
      fmt::print("{:<24} {:>4}  {}\n", row.key, row.http_status ? std::to_string(row.http_status) : "-", row.summary);
    fmt::print("\n`weir explain REASON` says what to do.\n");
    return ok;
  }
  const auto found = reason_from_key(reason);
  if (!found) {
    fmt::print(stderr, "weir: there is no reason '{}'; `weir explain` lists them all\n", reason);
    return bad_usage;
  }
  const auto& row = info(*found);
  fmt::print("{}: {}.\n", row.key, row.summary);
  if (row.http_status) fmt::print("HTTP {}, gRPC {}.\n", row.http_status, row.grpc_status);
  fmt::print("{}\n", row.advice);
  return ok;
}

int alerts(bool as_prometheus_rules) {
  if (as_prometheus_rules) return print(observe::prometheus_rules());
  fmt::print("{:<16} {:<8} {:<15} {}\n", "ALERT", "SEVERITY", "OF", "WHEN");
  for (const auto& rule : observe::alert_rules())
    fmt::print("{:<16} {:<8} {:<15} {}\n{:<41} {}\n", rule.name,
               config::usual_alerts[static_cast<std::size_t>(rule.rule)].warns ? "warning" : "info", rule.of, rule.when,
               "", rule.advice);
  fmt::print("\nWhat fires now: `weir top`, or GET /api/alerts of the admin listener.\n");
  return ok;
}

int calc(const std::string& formula, const CalcOptions& options) {
  const auto answer = calculate(formula, options);
  if (answer) return print(*answer);
  fmt::print(stderr, "weir: {}\n", terminal_text(answer.error().message));
  return bad_usage;
}

int init(const std::string& file, bool force) {
  // Its owner's alone, as whatever Weir makes: people write secrets into it. One that is there keeps its mode.
  const int fd = open_or_make(file, O_WRONLY | (force ? O_TRUNC : O_EXCL));
  if (fd < 0) {
    const char* why =
        fd == -EEXIST ? "exists; --force overwrites it" : "cannot be written: check the path and its permissions";
    fmt::print(stderr, "weir: {} {}\n", file, why);
    return failed;
  }
  const bool written = ::write(fd, starter.data(), starter.size()) == static_cast<ssize_t>(starter.size());
  ::close(fd);
  if (!written) {
    fmt::print(stderr, "weir: {} could not be written completely: is the disk full?\n", file);
    return failed;
  }
  fmt::print("wrote {0}\nnext: weir check {0} && weir run {0}\n", file);
  return ok;
}

}  // namespace weir::app
