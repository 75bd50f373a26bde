#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>

#include "attend.h"
#include "commands.h"
#include "config/load.h"
#include "descriptors.h"
#include "exit_codes.h"
#include "gateway/gateways.h"
#include "loading.h"
#include "log/log.h"
#include "observe/admin.h"
#include "observe/alert_sender.h"
#include "observe/history.h"
#include "pipeline/graph/flow.h"
#include "reload.h"
#include "service_manager.h"
#include "watch.h"

namespace weir::app {
namespace {

void start_log(const config::LogForm& form, bool quiet) {
  constexpr std::array levels{log::Level::debug, log::Level::info, log::Level::warn, log::Level::error};
  const log::Level wanted = levels[static_cast<std::size_t>(form.level)];
  log::start(quiet ? std::max(wanted, log::Level::warn) : wanted, {.json = form.json, .local_time = form.local_time});
}

/// Keeps the memory that malloc holds close to what is charged: few arenas, and large blocks are returned to the system
/// when freed.
void set_up_malloc() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

void greet(const gateway::Status& requests) {
  for (const auto& gateway : requests.gateways) log::info("gateway {}: {}", gateway.name, gateway.address);
  for (const auto& upstream : requests.upstreams)
    log::info("upstream {}: {} endpoint{}", upstream.name, upstream.endpoints.size(),
              upstream.endpoints.size() == 1 ? "" : "s");
}

void greet(const config::Config& config, const pipeline::FlowStatus& status, const std::string& admin) {
  for (const auto& source : status.sources)
    log::info("source {} ({}): {}acks: {}", source.name, source.type,
              source.address.empty() ? "" : source.address + ", ", name(source.acks));
  for (const auto& sink : config.sinks)
    log::info("sink {} ({}): {}, {}", sink.name, sink.type, sink.required ? "required" : "optional", name(sink.ack));
  log::info("memory {} MiB: {} MiB footprints, {} MiB budget", config.memory.memory.count() >> 20,
            config.memory.footprints.count() >> 20, config.memory.budget.count() >> 20);
  if (!admin.empty()) log::info("admin: {}/metrics, `weir why` and `weir top`", admin);
  log::info("ready");
}

constexpr Duration watch_every = std::chrono::seconds(1);
constexpr Duration time_for_alerts = std::chrono::seconds(2);  // to tell the last of them at the end
constexpr Duration renew_every = std::chrono::seconds(2);
constexpr auto look_for_end = std::chrono::milliseconds(50);
constexpr auto ready_at_least = std::chrono::seconds(1);

/// After its deadline a stop still waits for threads to return; one that hangs on a disk must not keep the process.
constexpr Duration patience = std::chrono::seconds(15);
/// What has not started has taken nothing in: it can be left at any moment.
constexpr Duration patience_at_start = std::chrono::seconds(1);

enum class Started : std::uint8_t { yes, failed, given_up };

/// Stays able to stop and to be asked for its health however long it takes; a SIGHUP meanwhile is for later.
Started start(pipeline::Flow& flow, const Context& context, const sigset_t& signals, bool& hangup) {
  Result<void> started;
  std::optional<TimePoint> told;
  const bool came_back = attend(
      signals, [&] { started = flow.start(); },
      [&](int s) {
        hangup = hangup || s == SIGHUP;
        if (asks_to_stop(s) && !told) {
          told = context.now();
          flow.give_up_start();
        }
        return !told || context.now() - *told < patience_at_start;
      });
  if (!came_back || (told && !started)) {
    log::info("stopped before it had started ({}): nothing was taken in", flow.why_not_ready());
    if (!came_back) std::_Exit(ok);
    return Started::given_up;
  }
  if (!started) log::error("not started: {}", started.error().message);
  if (told) pthread_kill(pthread_self(), SIGTERM);  // it came in time to start: stopped as any other flow
  return started ? Started::yes : Started::failed;
}

/// A sentence for each of what must never be told as one.
void say_what_was_left(const pipeline::StopReport& report) {
  if (report.kept) log::warn("stopped: {} events are kept on the disk for the next start", report.kept);
  if (report.repeated)
    log::warn("stopped: {} events unsettled; their senders were not told they were stored, and will send them again",
              report.repeated);
  if (const auto told = report.refused - report.refused_lost)
    log::warn("stopped: {} events were refused for good, and their senders were told so; the last by {}", told,
              report.refused_by);
  if (report.refused_lost)
    log::error("stopped: {} events were refused for good and are lost: no dead_letter kept them; the last by {}",
               report.refused_lost, report.refused_by);
  if (report.lost)
    log::error("stopped: {} events abandoned though their senders had been told they were taken: they are lost",
               report.lost);
  if (report.exit_code() == ok) log::info("stopped: nothing was left");
}

void log_requests(const gateway::Status& requests) {
  for (const auto& g : requests.gateways) {
    std::uint64_t answered = 0, refused = 0, abandoned = 0;
    for (const auto n : g.requests.answered) answered += n;
    for (const auto n : g.requests.refused) refused += n;
    for (const auto n : g.requests.abandoned) abandoned += n;
    log::info({"gateway", g.name}, "{} requests in, {} answered, {} refused, {} abandoned", g.requests.in, answered,
              refused, abandoned);
    if (g.difference() != 0 || g.in_flight != 0)
      log::error({"gateway", g.name}, "its ledger is off by {} requests at exit", g.difference());
  }
}

/// Both halves drain at the same time. How many requests were given up.
std::uint64_t stop_both(pipeline::Flow& flow, gateway::Gateways* gateways, Duration deadline,
                        const std::function<bool()>& hurry, pipeline::StopReport& report) {
  std::uint64_t given_up = 0;
  std::thread requests;
  if (gateways) requests = std::thread([&] { given_up = gateways->stop(deadline, hurry); });
  report = flow.stop(deadline, hurry);
  if (requests.joinable()) requests.join();
  return given_up;
}

int stop(pipeline::Flow& flow, gateway::Gateways* gateways, const config::Config& config, const Context& context,
         const sigset_t& signals, ServiceManager& manager) {
  manager.stopping();
  log::info("stopping: intake refused, draining for at most {} (a second signal ends it now)",
            pipeline::human(config.drain_deadline));
  pipeline::StopReport report;
  std::uint64_t given_up = 0;
  std::atomic<bool> hurried{false};
  TimePoint until = context.now() + config.drain_deadline + patience;
  const bool came_back = attend(
      signals,
      [&] { given_up = stop_both(flow, gateways, config.drain_deadline, [&] { return hurried.load(); }, report); },
      [&](int s) {
        manager.alive(context.now());
        if (asks_to_stop(s) && !hurried.exchange(true)) until = std::min(until, context.now() + patience);
        return context.now() < until;
      });
  if (!came_back) {
    log::error("stopped without its end ({}): what was accepted and not delivered is lost", flow.why_not_ready());
    std::_Exit(4);
  }
  log_final_ledger(flow.status());
  if (gateways) log_requests(gateways->status());
  if (given_up) log::warn("stopped: {} requests were under way at the deadline and were given up", given_up);
  say_what_was_left(report);
  return report.exit_code() == ok && given_up ? unsettled : report.exit_code();
}

}  // namespace

int run(const std::vector<std::string>& files, const Catalog& catalog, bool quiet) {
  ServiceManager manager = ServiceManager::from_environment();
  auto config = load_or_explain(files, catalog);
  if (!config) {
    log::start(log::Level::error);
    log::error("not started: the configuration has errors");
    log::stop();
    return bad_configuration;
  }
  set_up_malloc();
  start_log(config->log, quiet);
  if (const auto warning = descriptor_warning(config->memory, raise_descriptor_limit()); !warning.empty())
    log::warn("{}", warning);
  const sigset_t signals = block_signals();
  const Context context(system_clock(), random_seed());
  pipeline::Flow flow(*config, catalog, context);
  std::optional<gateway::Gateways> gateways;
  if (!config->gateways.empty()) gateways.emplace(*config, context);

  observe::Alerts alerts(context, config->alerts.rules);
  observe::AlertSenders receivers(config->alerts, catalog, context);
  observe::History history;
  Renewal renewal(*config, catalog, files);  // before the files are read
  // Admin first: a port in use is found before a sink has created a file.
  std::optional<observe::Admin> admin;
  std::string admin_address;
  if (!config->admin.listen.empty()) {
    const observe::Admin::Asks asks{[&flow] { return flow.status(); }, [&flow] { return flow.why_not_ready(); },
                                    [&gateways] { return gateways ? gateways->status() : gateway::Status{}; },
                                    [&alerts, &receivers] {
                                      auto state = alerts.state();
                                      state.receivers = receivers.status();
                                      return state;
                                    },
                                    [&](std::string_view part) { return history.json(part, context.now()); }};
    admin.emplace(config->admin, context, asks, &flow.taps());
    auto opened = admin->open();
    if (!opened && config->admin.by_default) {
      config::Admin elsewhere = config->admin;
      elsewhere.listen = "127.0.0.1:0";
      admin.emplace(elsewhere, context, asks, &flow.taps());
      const std::string why = std::move(opened.error().message);
      opened = admin->open();
      if (opened)
        log::warn("{}: this weir takes {}: say `--admin {}` to `weir top`, `why` and `tap`", why, *opened, *opened);
    }
    if (!opened) {
      log::error("not started: {}", opened.error().message);
      log::stop();
      return failed;
    }
    admin_address = (admin->speaks_tls() ? "https://" : "http://") + *opened;
  }
  if (gateways)
    if (auto opened = gateways->open(); !opened) {
      log::error("not started: {}", opened.error().message);
      log::stop();
      return failed;
    }
  if (const auto started = receivers.start(); !started) {
    log::error("not started: {}", started.error().message);
    log::stop();
    return failed;
  }
  bool hangup = false;
  const Running running{flow, *config, admin ? &*admin : nullptr, files, catalog, gateways ? &*gateways : nullptr};
  const Started started = start(flow, context, signals, hangup);
  if (started != Started::yes) return started == Started::given_up ? ok : failed;
  if (gateways) {
    gateways->start();
    greet(gateways->status());
  }
  greet(*config, flow.status(), admin_address);
  const std::string what_runs = admin_address.empty() ? "runs" : "runs; admin: " + admin_address;
  manager.ready(what_runs);

  Watch watch;
  Reload reload(running, renewal);
  TimePoint next_look = context.now(), next_renewal = context.now() + renew_every;
  // Whoever waits for /ready sees it, however short the input is.
  const TimePoint may_end = context.now() + (admin ? ready_at_least : Duration{0});
  while (true) {
    const int s = hangup ? SIGHUP : wait_for_signal(signals, look_for_end);
    hangup = false;
    if (s == SIGHUP) {
      manager.reloading(context.now());
      reload.ask();
    }
    if (asks_to_stop(s)) break;
    if (!gateways && context.now() >= may_end && flow.at_end()) {
      log::info("the input has ended (at_end: stop), and all of it has been delivered");
      break;
    }
    const bool reloads = reload.asked();
    reload.go_on(context.now());
    if (reloads && !reload.asked()) manager.ready(what_runs);
    manager.alive(context.now());
    if (context.now() >= next_renewal) {
      renewal.look();
      next_renewal = context.now() + renew_every;
    }
    if (context.now() < next_look) continue;
    const pipeline::FlowStatus status = flow.status();
    watch.look(status, context.now());
    const gateway::Status requests = gateways ? gateways->status() : gateway::Status{};
    receivers.tell(alerts.look(status, requests));
    if (admin) history.look(status, requests, context.now());
    next_look = context.now() + watch_every;
  }
  const int code = stop(flow, gateways ? &*gateways : nullptr, *config, context, signals, manager);
  if (admin) admin->stop();
  const bool all_back = receivers.stop(time_for_alerts);
  log::stop();
  if (!all_back) std::_Exit(code);
  return code;
}

}  // namespace weir::app
