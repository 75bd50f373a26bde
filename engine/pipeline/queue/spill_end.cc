// The status of a spill, and how its contents are saved when a flow stops.
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "log/log.h"
#include "pipeline/queue/spill.h"

namespace weir::pipeline {
namespace {

constexpr Load read_at_once{1024, 1_MiB};

}  // namespace

Spill::~Spill() { stop(); }

void Spill::stop() {
  stopping_ = true;
  front_.interrupt();
  if (thread_.joinable()) thread_.join();
}

bool Spill::keep(const Batch& batch, std::span<const Batch::Ending> moved) {
  const std::lock_guard lock(keep_);
  if (receipts_.has_lent(batch)) return true;
  if (!log_) return false;
  Batch all = batch.share(false);
  bool kept = true;
  for (std::uint32_t at = 0; !all.empty();) {
    const bool skip = !moved.empty() && moved.front().index == at;
    const std::uint32_t most = skip ? 1 : moved.empty() ? all.size() : moved.front().index - at;
    Batch part = all.split(std::min(most, std::max(1u, all.prefix(read_at_once))));
    at += part.size();
    if (skip)
      moved = moved.subspan(1);
    else
      kept = kept && log_->write({&part, 1}).has_value();
    part.dissolve();
  }
  return kept;
}

void Spill::save(Batch batch, Left& lost) {
  if (!keep(batch)) lost.add(batch);
  batch.settle(Fate::abandoned, Reason::shutdown);
}

Left Spill::put_away() {
  Left lost;
  for (Batch& batch : back_.take_all()) save(std::move(batch), lost);
  if (!returning_.empty()) returning_.settle(Fate::abandoned, Reason::shutdown);
  const auto before = lost.events;
  for (Batch& batch : std::exchange(hand_, {})) save(std::move(batch), lost);
  {
    const std::lock_guard lock(status_);
    ended_[1] += lost.events - before;
  }
  held_.fetch_sub(lost.events - before);
  for (Batch& batch : front_.take_all()) save(std::move(batch), lost);
  receipts_.abandon();
  if (!log_) return lost;
  collect();
  if (auto closed = log_->close(); !closed)
    log::error({"sink", name_}, "spill: {}", terminal_text(closed.error().message));
  return lost;
}

std::uint64_t Spill::kept() const { return log_ ? log_->consumers().front().lag_events : 0; }

void Spill::say(const std::string& error, bool disk_full) {
  disk_full_.store(disk_full, std::memory_order_relaxed);
  {
    const std::lock_guard lock(status_);
    if (told_.error == error) return;
    told_.error = error;
  }
  if (error.empty()) return;
  could_not_ = true;
  log::warn({"sink", name_}, "cannot spill, so its queue holds its sources up: {}", terminal_text(error));
}

/// Only what was written shows it: a queue that needs no disk any more says nothing of the disk.
void Spill::say_that_it_spills() {
  say({});
  if (std::exchange(could_not_, false)) log::info({"sink", name_}, "spills again");
}

void Spill::publish() {
  const std::lock_guard lock(status_);
  told_.events = on_disk() + returning_.size();
  told_.bytes = Bytes(disk_bytes_);
}

SpillStatus Spill::status() const {
  const std::lock_guard lock(status_);
  return told_;
}

/// What has left is read before what is held, and that before what came in: an event that moves meanwhile is then seen
/// too late, but never twice (semantics G2).
flow::EdgeStats Spill::edge() const {
  flow::EdgeStats all = back_.stats();
  const auto moving = in_motion_.load(std::memory_order_acquire), held = held_.load(std::memory_order_acquire);
  const flow::EdgeStats front = front_.stats();
  all.offered = front.offered;
  all.drained += front.drained;
  all.pending += front.pending;
  all.pending.events += held > moving ? held - moving : 0;
  for (std::size_t i = 0; i < flow::reason_count; ++i) all.dropped[i] += front.dropped[i];
  all.pauses = front.pauses;
  all.resumes = front.resumes;
  all.max_waiting += front.max_waiting;
  all.oversized += front.oversized;
  const std::lock_guard lock(status_);
  all.offered.events += told_.recovered;
  all.dropped[static_cast<std::size_t>(Reason::sink_failed)] += ended_[0];
  all.drained.events += ended_[1];
  return all;
}

flow::Pressure Spill::pressure(TimePoint now) const {
  flow::Pressure all = front_.pressure(now);
  const flow::Pressure back = back_.pressure(now);
  all.waiting += back.waiting;
  all.bound += back.bound;
  const auto part = [](std::uint64_t of, std::uint64_t whole) {
    return whole ? static_cast<double>(of) / static_cast<double>(whole) : 0.0;
  };
  all.fill = std::min(1.0, std::max(part(all.waiting.events, all.bound.events),
                                    part(all.waiting.bytes.count(), all.bound.bytes.count())));
  all.service_rate = back.service_rate;
  all.oldest_age = std::max(all.oldest_age, back.oldest_age);
  for (std::size_t c = 0; c < priority_count; ++c) all.waiting_by_priority[c] += back.waiting_by_priority[c];
  return all;
}

void Spill::reconfigure(const flow::EdgeConfig& queue, std::uint64_t floor_events) {
  front_.reconfigure(spill_front(queue), floor_events);
  back_.reconfigure(spill_back(queue), floor_events);
}

}  // namespace weir::pipeline
