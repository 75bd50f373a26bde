#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <optional>
#include <random>

#include "commands.h"
#include "config/diff.h"
#include "config/load.h"
#include "exit_codes.h"
#include "loading.h"
#include "log/log.h"
#include "observe/admin.h"
#include "pipeline/graph/flow.h"
#include "watch.h"

namespace weir::app {
namespace {

/// Keeps the memory that malloc holds close to what is charged: few arenas, and large blocks are returned to the system
/// when freed.
void set_up_malloc() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread exists, so that only this one takes them
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

/// The signal that came within `most`, or 0.
int wait_for_signal(const sigset_t& set, std::chrono::milliseconds most) {
  const timespec time{most.count() / 1000, (most.count() % 1000) * 1'000'000};
  const int s = sigtimedwait(&set, nullptr, &time);
  return s > 0 ? s : 0;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

void greet(const config::Config& config, const pipeline::FlowStatus& status, const std::string& admin) {
  for (const auto& source : status.sources)
    log::info("source {} ({}): {}acks: {}", source.name, source.type,
              source.address.empty() ? "" : source.address + ", ", name(source.acks));
  for (const auto& sink : config.sinks)
    log::info("sink {} ({}): {}, {}", sink.name, sink.type, sink.required ? "required" : "optional", name(sink.ack));
  log::info("memory {} MiB: {} MiB footprints, {} MiB budget", config.memory.memory.count() >> 20,
            config.memory.footprints.count() >> 20, config.memory.budget.count() >> 20);
  if (!admin.empty()) log::info("admin: http://{}/metrics, `weir why` and `weir top`", admin);
  log::info("ready");
}

void reload(pipeline::Flow& flow, config::Config& running, const std::vector<std::string>& files,
            const Catalog& catalog) {
  auto next = load_or_explain(files, catalog);
  if (!next) {
    log::error("reload: the configuration has errors; the running one is kept");
    return;
  }
  const auto differences = config::topology_differences(running, *next);
  if (!differences.empty()) {
    for (const auto& difference : differences) log::error("reload refused: {}", difference);
    log::error("reload: policy values can change while running; for the rest start a new process and stop this one");
    return;
  }
  flow.reload(*next);
  running = std::move(*next);
  log::info("reload: done");
}

int stop(pipeline::Flow& flow, observe::Admin* admin, const config::Config& config, const sigset_t& signals) {
  log::info("stopping: intake refused, draining for at most {} (a second signal ends it now)",
            pipeline::human(config.drain_deadline));
  if (admin) admin->not_ready();
  const auto report = flow.stop(config.drain_deadline, [&] {
    const int s = wait_for_signal(signals, std::chrono::milliseconds(0));
    return s == SIGINT || s == SIGTERM;
  });
  log_final_ledger(flow.status());
  if (report.kept) log::warn("stopped: {} events are kept on the disk for the next start", report.kept);
  if (report.unanswered)
    log::error("stopped: {} events abandoned, {} of them after being accepted: they are lost", report.abandoned,
               report.unanswered);
  else if (report.abandoned)
    log::warn("stopped: {} events unsettled; their senders were not told they were stored, and will send them again",
              report.abandoned);
  else if (!report.kept)
    log::info("stopped: nothing was left");
  return report.exit_code();
}

}  // namespace

int run(const std::vector<std::string>& files, const Catalog& catalog, bool quiet) {
  auto config = load_or_explain(files, catalog);
  if (!config) return bad_configuration;
  set_up_malloc();
  log::start(quiet ? log::Level::warn : log::Level::info);
  const sigset_t signals = block_signals();
  const Context context(system_clock(), random_seed());
  pipeline::Flow flow(*config, catalog, context);

  // Admin first: a port in use is found before a sink has created a file.
  std::optional<observe::Admin> admin;
  std::string admin_address;
  if (!config->admin.listen.empty()) {
    admin.emplace(config->admin.listen, context, [&flow] { return flow.status(); }, &flow.taps());
    const auto opened = admin->open();
    if (!opened) {
      fmt::print(stderr, "weir: {}\n", opened.error().message);
      return failed;
    }
    admin_address = *opened;
  }
  if (const auto started = flow.start(); !started) {
    fmt::print(stderr, "weir: {}\n", started.error().message);
    return failed;
  }
  greet(*config, flow.status(), admin_address);

  Watch watch;
  while (true) {
    const int s = wait_for_signal(signals, std::chrono::seconds(1));
    if (s == SIGHUP) reload(flow, *config, files, catalog);
    if (s == SIGINT || s == SIGTERM) break;
    watch.look(flow.status(), context.now());
  }
  const int code = stop(flow, admin ? &*admin : nullptr, *config, signals);
  if (admin) admin->stop();
  log::stop();
  return code;
}

}  // namespace weir::app
