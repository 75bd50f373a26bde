#include "journal/lockstep_for_test.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::journal {
namespace {

using namespace std::chrono_literals;
using Cause = JournalModel::Cause;
using Crash = JournalModel::Crash;

LogConfig draw_config(Rng& rng) {
  LogConfig config = small_log(static_cast<Durability>(rng.below(3)));
  config.segment = 8_KiB;
  config.max_bytes = 8_KiB * (6 + rng.below(8));
  config.spares = rng.below(3);
  config.drop_oldest = rng.below(4) == 0;
  if (rng.below(4) == 0) config.keep = 5s;
  return config;
}

Batch batch_of(const Sent& sent) {
  std::string text;
  std::vector<Batch::Slot> index;
  for (const auto& event : sent.events) {
    index.push_back({static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(event.size()),
                     static_cast<std::uint32_t>(index.size())});
    text += event + "\n";
  }
  const Batch::Run run{nullptr, static_cast<std::uint32_t>(index.size())};
  BatchInfo info;
  info.priority = sent.priority;
  info.received_wall = sent.wall;
  info.first_id = sent.first_id;
  return make_batch(text, index, std::span(&run, 1), info, Ticket{}, false);
}

}  // namespace

Lockstep::Lockstep(std::uint64_t seed)
    : rng_(seed), config_(draw_config(rng_)), context_(clock_, seed), model_(config_, clock_.now()) {
  note(fmt::format("durability {}, {} bytes, {} spares{}{}", static_cast<int>(config_.durability),
                   config_.max_bytes.count(), config_.spares, config_.drop_oldest ? ", drop_oldest" : "",
                   config_.keep ? ", keep" : ""));
}

std::string Lockstep::run() {
  open();
  for (auto left = 30 + rng_.below(150); left > 0 && difference_.empty() && !model_.is_over(); --left) step();
  if (difference_.empty()) return {};
  std::string text;
  for (const auto& step : steps_) text += "  " + step + "\n";
  return fmt::format("after {} steps: {}\n{}", steps_.size(), difference_, text);
}

void Lockstep::differ(const std::string& what) {
  if (difference_.empty()) difference_ = what;
}

void Lockstep::step() {
  const auto draw = rng_.below(100);
  if (draw < 34) return write();
  if (draw < 60) return read();
  if (draw < 80) return settle();
  if (draw < 88) return tick();
  if (draw < 94) return advance();
  reopen();
}

// ---- the writer ----

std::vector<Sent> Lockstep::draw_group() {
  struct Shape {
    std::uint64_t batches, events, longest;
  };
  static constexpr Shape shapes[] = {{3, 6, 200}, {2, 3, 900}, {6, 2, 3000}, {1, 1, 20'000}};
  const Shape shape = shapes[chance(60) ? 0 : rng_.below(std::size(shapes))];
  std::vector<Sent> group(1 + rng_.below(shape.batches));
  for (Sent& sent : group) {
    sent.priority = static_cast<Priority>(rng_.below(priority_count));
    sent.first_id = rng_.next();
    sent.wall = context_.wall();
    for (auto left = 1 + rng_.below(shape.events); left > 0; --left)
      sent.events.push_back(event(next_event_++, rng_.below(shape.longest)));
  }
  return group;
}

void Lockstep::write() {
  const auto group = draw_group();
  const bool fails = config_.durability == Durability::commit && !config_.drop_oldest && chance(4);
  if (fails)
    disk_->fail_once(chance(50) ? PowerDisk::Op::sync : PowerDisk::Op::write, 1 + rng_.below(3), PowerDisk::io_error());
  if (!fails) arm();
  const auto bytes_before = log_->stats().bytes;
  auto extents_before = extents();
  if (log_->stats().segments != extents_before.size()) extents_before.clear();  // an empty one goes beside them
  std::vector<Batch> batches;
  for (const Sent& sent : group) batches.push_back(batch_of(sent));
  model_.offer(group);
  const auto written = log_->write(batches);
  for (Batch& batch : batches) batch.dissolve();
  note(fmt::format("write {} batches, {} events: {}", group.size(), next_event_,
                   written ? "done" : written.error().message));
  if (written) model_.accept();
  if (fails) {
    disk_->mend();
    has_failed_ = true;
    return end_of_step(Cause::no_room);
  }
  if (written && !lost())
    judge_need(extents_before, std::ranges::all_of(group, [&](const Sent& sent) {
                 return segment_for(sent) == config_.segment.count();
               }));
  judge_written(group, written, bytes_before);
}

void Lockstep::judge_written(const std::vector<Sent>& group, const Result<void>& written, std::uint64_t bytes_before) {
  std::uint64_t most = 0;
  for (const Sent& sent : group) most += segment_for(sent);
  const Cause cause = bytes_before + most > config_.max_bytes.count() ? Cause::no_room : Cause::none;
  if (lost()) return crash(chance(70) ? Crash::power : Crash::kill, cause);
  if (!written && written.error().kind != Error::Kind::overloaded) return differ(written.error().message);
  if (!written) judge_refusal(group);
  has_refused_ = has_refused_ || !written;
  end_of_step(cause);
}

void Lockstep::judge_refusal(const std::vector<Sent>& group) {
  const auto takes = segments_for(group), holds = bytes_held();
  if (holds + 2 * takes + lives_ * config_.segment.count() <= config_.max_bytes.count())
    differ(fmt::format("a write of {} bytes was refused, and what is held takes {} of {}; spares {}", takes, holds,
                       config_.max_bytes.count(), log_->stats().spare_bytes));
}

void Lockstep::judge_need(const std::vector<Log::Extent>& before, bool only_usual_sizes) {
  const auto stats = log_->stats();
  const auto free = model_.may_go_before(Cause::tick, clock_.wall());
  std::uint64_t largest = 0;
  for (const auto& extent : before)
    if (extent.end <= stats.first && extent.end > free) largest = std::max(largest, size_of(extent));
  if (largest == 0) return;
  if (stats.bytes + largest <= config_.max_bytes.count() || (only_usual_sizes && stats.spare_bytes > 0))
    differ(fmt::format("all before {} was given up though not read by all; it takes {} bytes now, spares {}",
                       stats.first, stats.bytes, stats.spare_bytes));
}

std::uint64_t Lockstep::segment_for(const Sent& sent) const {
  std::uint64_t bytes = 0;
  for (const auto& event : sent.events) bytes += event.size() + 1;
  return std::max<std::uint64_t>(config_.segment.count(), segment_header_size + record_size(bytes, sent.events.size()));
}

/// What fresh segments for it take.
std::uint64_t Lockstep::segments_for(const std::vector<Sent>& group) const {
  std::uint64_t bytes = 0, left = 0;
  for (const Sent& sent : group) {
    std::uint64_t text = 0;
    for (const auto& event : sent.events) text += event.size() + 1;
    const auto size = record_size(text, sent.events.size());
    if (left < size) {
      bytes += segment_for(sent);
      left = segment_for(sent) - segment_header_size;
    }
    left -= size;
  }
  return bytes;
}

std::vector<Log::Extent> Lockstep::extents() const {
  std::vector<Log::Extent> all;
  for (auto at = model_.first(); const auto extent = log_->extent_of(at); at = extent->end) all.push_back(*extent);
  return all;
}

std::uint64_t Lockstep::size_of(const Log::Extent& extent) const {
  return std::max<std::uint64_t>(config_.segment.count(), extent.limit);
}

/// The segments with events that may not go, and the newest. How old a segment is that an earlier life wrote is known
/// roughly only, so what nobody reads counts as long as it is there.
std::uint64_t Lockstep::bytes_held() const {
  const bool nobody = sides_.empty() && !config_.drop_oldest;
  const auto from = nobody ? model_.first() : model_.may_go_before(Cause::no_room, clock_.wall());
  const auto all = extents();
  std::uint64_t bytes = 0;
  for (const auto& extent : all)
    if (extent.end > from || &extent == &all.back()) bytes += size_of(extent);
  return bytes;
}

// ---- time and the end of it ----

void Lockstep::tick() {
  note("tick");
  arm();
  log_->tick();
  if (lost()) return crash(chance(70) ? Crash::power : Crash::kill, Cause::tick);
  model_.tick(clock_.now());
  end_of_step(Cause::tick);
}

void Lockstep::advance() {
  clock_.advance(Duration(100ms) * static_cast<Duration::rep>(1 + rng_.below(30)));
  note("time passes");
  end_of_step(Cause::none);
}

/// The calls of this step may find the power gone.
void Lockstep::arm() {
  if (!chance(4)) return;
  crash_at_ = disk_->steps() + 1 + rng_.below(12);
  disk_->crash_after(crash_at_);
}

void Lockstep::disarm() {
  crash_at_ = UINT64_MAX;
  disk_->crash_after(crash_at_);
}

void Lockstep::reopen() {
  if (chance(50)) return crash(chance(50) ? Crash::power : Crash::kill, Cause::none);
  note("close");
  arm();
  const auto closed = log_->close();
  if (!closed && !lost()) return differ(closed.error().message);
  if (closed && !lost()) model_.close(clock_.now());
  crash(chance(50) ? Crash::power : Crash::kill, Cause::tick);
}

void Lockstep::crash(Crash how, Cause cause) {
  // After a failed sync a kernel shows data that the disk will never have. The writer of that data was told that it
  // failed.
  if (std::exchange(has_failed_, false)) how = Crash::power;
  // With `none` it may also be any of what was written to one place that comes back.
  if (has_refused_ && config_.durability == Durability::none) how = Crash::kill;
  static constexpr LossMode modes[] = {LossMode::nothing_unsynced, LossMode::everything, LossMode::random};
  const auto mode = modes[rng_.below(std::size(modes))];
  note(how == Crash::kill ? "kill -9" : fmt::format("loss of power {}", static_cast<int>(mode)));
  model_.crash(how, cause);
  sides_.clear();
  log_.reset();
  disk_ = how == Crash::kill ? disk_->clone() : disk_->after_power_loss(rng_, mode);
  disarm();
  open();
}

}  // namespace weir::journal
