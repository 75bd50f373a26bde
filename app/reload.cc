#include "reload.h"

#include <weir/base/terminal_text.h>

#include <algorithm>

#include "config/diff.h"
#include "loading.h"
#include "log/log.h"

namespace weir::app {
namespace {

using Outcome = pipeline::Flow::Reload;

void refuse(const std::vector<config::KeyChange>& changes) {
  for (const auto& change : changes) {
    if (change.in_place)
      log::warn("reload: {}: not applied, because of what is refused", terminal_text(change.text));
    else
      log::error("reload refused: {}: needs a new process", terminal_text(change.text));
  }
  log::error("reload: policy values can change while running; for the rest start a new process and stop this one");
}

Outcome reload(pipeline::Flow& flow, config::Config& running, const std::vector<std::string>& files,
               const Catalog& catalog) {
  auto next = load_or_explain(files, catalog);
  if (!next) {
    log::error("reload: the configuration has errors; the running one is kept");
    return Outcome::invalid;
  }
  const auto changes = config::changes(running, *next, catalog);
  if (!std::ranges::all_of(changes, &config::KeyChange::in_place)) {
    refuse(changes);
    return Outcome::refused;
  }
  if (auto applied = flow.reload(*next); !applied) {
    log::error("reload refused: {}: nothing was changed", terminal_text(applied.error().message));
    return Outcome::refused;
  }
  for (const auto& change : changes) log::info("reload: {}: applied", terminal_text(change.text));
  running = std::move(*next);
  log::info("reload: done{}", changes.empty() ? ", no key has changed" : "");
  return Outcome::applied;
}

}  // namespace

void on_hangup(pipeline::Flow& flow, config::Config& running, const std::vector<std::string>& files,
               const Catalog& catalog) {
  for (const auto& said : flow.on_hangup())
    log::say(said.went_well ? log::Level::info : log::Level::error, {}, "reload: {}", terminal_text(said.text));
  flow.count_reload(reload(flow, running, files, catalog));
}

}  // namespace weir::app
