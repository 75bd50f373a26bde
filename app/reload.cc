#include "reload.h"

#include <weir/base/terminal_text.h>

#include <algorithm>

#include "config/diff.h"
#include "loading.h"
#include "log/log.h"

namespace weir::app {
namespace {

constexpr Duration patience = std::chrono::seconds(5);

using ReloadOutcome = pipeline::Flow::Reload;
using Changes = std::vector<config::KeyChange>;

void refuse(const Changes& changes) {
  for (const auto& change : changes) {
    if (change.in_place)
      log::warn("reload: {}: not applied, because of what is refused", terminal_text(change.text));
    else
      log::error("reload refused: {}: needs a new process", terminal_text(change.text));
  }
  log::error("reload: policy values can change while running; for the rest start a new process and stop this one");
}

/// An error, and nothing was changed.
Result<void> take_over(const Running& running, config::Config& next) {
  if (auto applied = running.flow.reload(next); !applied) return applied;
  if (running.admin) running.admin->take_logins(next.admin.logins);
  running.config = std::move(next);
  return {};
}

ReloadOutcome reload(const Running& running) {
  auto next = load_or_explain(running.files, running.catalog);
  if (!next) {
    log::error("reload: the configuration has errors; the running one is kept");
    return ReloadOutcome::invalid;
  }
  const auto changes = config::changes(running.config, *next, running.catalog);
  if (!std::ranges::all_of(changes, &config::KeyChange::in_place)) {
    refuse(changes);
    return ReloadOutcome::refused;
  }
  if (auto taken = take_over(running, *next); !taken) {
    log::error("reload refused: {}: nothing was changed", terminal_text(taken.error().message));
    return ReloadOutcome::refused;
  }
  for (const auto& change : changes) log::info("reload: {}: applied", terminal_text(change.text));
  log::info("reload: done{}", changes.empty() ? ", no key has changed" : "");
  return ReloadOutcome::applied;
}

/// What is wrong with the configuration that holds the secrets, in one line.
std::string first_error(const config::Loaded& loaded) {
  const auto error = std::ranges::find(loaded.problems, false, &config::Problem::warning);
  return error == loaded.problems.end() ? std::string("it cannot be read") : error->text();
}

/// Secrets alone: what else has changed in the configuration waits for a SIGHUP, and they with it.
Result<Changes> renew_secrets(const Running& running) {
  auto loaded = config::load(running.files, running.catalog, config::system_load_options());
  if (!loaded.config) return failure(first_error(loaded));
  auto changes = config::changes(running.config, *loaded.config, running.catalog);
  for (const auto& change : changes)
    if (!change.in_place || !change.from_file)
      return failure(change.text +
                     (change.in_place ? ": send SIGHUP to take over all that has changed" : ": needs a new process"));
  if (auto taken = take_over(running, *loaded.config); !taken) return std::unexpected(taken.error());
  return changes;
}

using Said = std::vector<pipeline::Flow::Said>;

/// Nothing: it has no certificate.
Said admin_certificate(const Running& running) {
  if (!running.admin || !running.admin->speaks_tls()) return {};
  const auto read = running.admin->read_certificate_again();
  return {{read.has_value(), read ? "admin: has read its certificate again" : "admin: " + read.error().message}};
}

/// Of all gateways and upstreams, or of the one that is called so.
Said of_gateways(const Running& running, std::string_view part = {}) {
  Said all;
  if (running.gateways)
    for (auto& said : running.gateways->on_hangup(part)) all.push_back({said.went_well, std::move(said.text)});
  return all;
}

void renew_certificates(const Running& running, const std::string& part) {
  auto all = part == Renewal::admin_part           ? admin_certificate(running)
             : part.find(' ') != std::string::npos ? of_gateways(running, part)
                                                   : running.flow.on_hangup(part);
  if (all.empty()) all.push_back({false, part + ": it reads its certificates at its start only: start a new process"});
  for (const auto& said : all) {
    log::say(said.went_well ? log::Level::info : log::Level::warn, {}, "{}: {}",
             said.went_well ? "renewed" : "not renewed", terminal_text(said.text));
    running.flow.count_renewal(said.went_well);
  }
}

void read_everything(const Running& running, Renewal& renewal) {
  renewal.note();
  Said all = running.flow.on_hangup();
  for (auto& said : admin_certificate(running)) all.push_back(std::move(said));
  for (auto& said : of_gateways(running)) all.push_back(std::move(said));
  for (const auto& said : all)
    log::say(said.went_well ? log::Level::info : log::Level::error, {}, "reload: {}", terminal_text(said.text));
  running.flow.count_reload(reload(running));
  renewal.follow_secrets(running.config.secret_files);
}

void read_secrets(const Running& running) {
  const auto changes = renew_secrets(running);
  if (!changes) {
    log::warn("secrets that were replaced are not taken over: {}", terminal_text(changes.error().message));
    running.flow.count_renewal(false);
    return;
  }
  for (const auto& change : *changes) log::info("renewed: {}: applied", terminal_text(change.text));
  if (!changes->empty()) running.flow.count_renewal(true);
}

}  // namespace

void Reload::go_on(TimePoint now) {
  const auto changed = renewal_.take();
  watch_disk(now);
  if (changed.all_read) {
    asked_ = false;
    return read_everything(running_, renewal_);
  }
  for (const std::string& part : changed.parts) renew_certificates(running_, part);
  if (changed.secrets) read_secrets(running_);
}

void Reload::watch_disk(TimePoint now) {
  auto reading = renewal_.reading();
  if (reading.empty() || reading != reading_) {
    reading_ = std::move(reading);
    since_ = now;
    warned_ = false;
    return;
  }
  if (warned_ || now - since_ < patience) return;
  warned_ = true;
  log::warn("{} cannot be read: its disk does not answer; what runs goes on with what it has", terminal_text(reading_));
}

}  // namespace weir::app
