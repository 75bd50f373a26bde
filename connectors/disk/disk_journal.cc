#include "disk_journal.h"

#include <weir/base/terminal_text.h>

#include <algorithm>

#include "journal_source.h"
#include "journal_writer.h"
#include "log/log.h"

namespace weir::disk {
namespace {

constexpr auto keep_every = std::chrono::seconds(1);

}  // namespace

DiskJournal::DiskJournal(std::string name, journal::LogConfig config, const Context& context, journal::Disk& disk,
                         std::vector<std::string> forget)
    : name_(std::move(name)), config_(std::move(config)), forget_(std::move(forget)), context_(context), disk_(disk) {}

DiskJournal::~DiskJournal() { close(); }

Result<void> DiskJournal::check() const {
  constexpr Bytes least_segment = 64_KiB;
  constexpr Duration least_interval = std::chrono::milliseconds(1);
  if (config_.path.empty()) return failure("path: is empty: name the folder it lives in");
  if (config_.segment < least_segment) return failure("segment: is too small: at least 64KiB");
  if (config_.segment > config_.max_bytes)
    return failure("segment: is more than max_bytes: not even one of its files would fit");
  if (config_.max_bytes < least_segment) return failure("max_bytes: is too small: at least 64KiB");
  if (config_.durability == journal::Durability::interval && config_.interval < least_interval)
    return failure("interval: is too short: at least 1ms, or use durability: commit");
  return {};
}

Result<void> DiskJournal::open(std::span<const JournalConsumer> consumers) {
  auto log = journal::Log::open(disk_, config_, context_);
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  for (const auto& consumer : consumers) {
    auto added = log_->add_consumer({consumer.name, consumer.holds, consumer.from_newest});
    if (!added) return std::unexpected(added.error());
    ages_.push_back(std::make_unique<ConsumerAge>(*added));
  }
  for (const auto& note : log_->notes()) log::warn({"journal", name_}, "{}", terminal_text(note));
  if (auto forgotten = forget_consumers(); !forgotten) return forgotten;
  for (const auto& consumer : log_->consumers())
    if (!consumer.configured)
      log::warn({"journal", name_}, "nobody reads by the cursor {} ({} events behind); {}",
                terminal_text(consumer.name), consumer.lag_events,
                consumer.holds ? "they are kept until it is configured again or forgotten (`forget:`)"
                               : "it is kept and holds nothing up");
  keeper_ = std::thread([this] { keep(); });
  return {};
}

Result<void> DiskJournal::forget_consumers() {
  for (const auto& consumer : log_->consumers()) {
    if (consumer.configured || std::ranges::find(forget_, consumer.name) == forget_.end()) continue;
    if (auto forgotten = log_->forget(consumer.name); !forgotten) return std::unexpected(forgotten.error());
    log::warn({"journal", name_},
              "the consumer {} is forgotten, and the {} events it had not read are no longer kept for it",
              terminal_text(consumer.name), consumer.lag_events);
  }
  return {};
}

std::unique_ptr<Sink> DiskJournal::writer() { return std::make_unique<JournalWriter>(shared_from_this()); }

std::unique_ptr<Source> DiskJournal::reader(std::string_view consumer) {
  const auto age =
      std::ranges::find(ages_, consumer, [](const auto& p) -> std::string_view { return p->consumer->config.name; });
  WEIR_CHECK(age != ages_.end());
  return std::make_unique<JournalSource>(shared_from_this(), **age);
}

void DiskJournal::keep() {
  std::unique_lock lock(mutex_);
  std::string said;
  while (!closing_) {
    keeper_wakes_.wait_for(lock, config_.durability == journal::Durability::interval
                                     ? std::min<Duration>(keep_every, config_.interval)
                                     : Duration(keep_every));
    if (closing_) return;
    lock.unlock();
    log_->tick();
    look_at_growth();
    if (auto error = log_->stats().error; error != said) {
      if (!error.empty()) log::warn({"journal", name_}, "{}", terminal_text(error));
      said = std::move(error);
    }
    lock.lock();
    room_.notify_all();
  }
}

void DiskJournal::look_at_growth() {
  const TimePoint now = context_.now();
  const std::uint64_t bytes = log_->stats().bytes;
  if (looked_ != TimePoint{} && now > looked_) {
    const double time = seconds(now - looked_);
    const double rate = (static_cast<double>(bytes) - static_cast<double>(bytes_then_)) / time;
    const double weight = std::min(1.0, time / 60);
    growth_ = growth_ + weight * (rate - growth_);
  }
  looked_ = now;
  bytes_then_ = bytes;
}

void DiskJournal::wait_for_room(Duration most, const std::atomic<bool>& cancelled) {
  std::unique_lock lock(mutex_);
  if (closing_ || cancelled) return;
  keeper_wakes_.notify_all();  // cursors that are not saved yet may be the reason
  room_.wait_for(lock, most);
}

void DiskJournal::wake_writer() {
  const std::lock_guard lock(mutex_);
  room_.notify_all();
}

void DiskJournal::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closing_, true)) return;
  }
  keeper_wakes_.notify_all();
  room_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (!log_) return;
  if (auto closed = log_->close(); !closed) log::error({"journal", name_}, "{}", terminal_text(closed.error().message));
}

JournalStatus DiskJournal::status() const {
  JournalStatus status;
  status.name = name_;
  status.type = "disk";
  status.path = config_.path;
  if (!log_) return status;
  const auto log = log_->stats();
  status.first = log.first;
  status.end = log.end;
  status.bytes = log.bytes;
  status.max_bytes = config_.max_bytes.count();
  if (const double growth = growth_; growth >= 1 && log.bytes <= status.max_bytes)
    status.time_to_full = from_seconds(static_cast<double>(status.max_bytes - log.bytes) / growth);
  status.commits = log.commits;
  status.torn_bytes = log.torn_bytes;
  status.damaged_places = log.damaged_places;
  status.dropped_events = log.dropped_events;
  status.error = log.error;
  status.notes = log_->notes();
  const auto wall = context_.wall().time_since_epoch().count();
  for (const auto& c : log_->consumers()) {
    JournalStatus::Consumer consumer{c.name,      c.holds,     c.configured, c.settled.sequence, c.lag_events,
                                     c.lag_bytes, Duration{0}, c.skipped,    c.damaged};
    for (const auto& age : ages_)
      if (const auto oldest = age->oldest_wall.load(std::memory_order_relaxed);
          age->consumer->config.name == c.name && c.lag_events > 0 && oldest > 0)
        consumer.lag = Duration(std::max<std::int64_t>(0, wall - oldest));
    status.consumers.push_back(std::move(consumer));
  }
  return status;
}

journal::LogConfig log_config(const Options& options) {
  using journal::Durability;
  journal::LogConfig config;
  config.path = options.text("path");
  config.max_bytes = options.size("max_bytes");
  config.segment = options.get_or<Bytes>("segment", journal::usual_segment(config.max_bytes));
  if (options.has("keep")) config.keep = options.duration("keep");
  const auto& durability = options.text("durability");
  config.durability = durability == "commit"     ? Durability::commit
                      : durability == "interval" ? Durability::interval
                                                 : Durability::none;
  config.interval = options.duration("interval");
  config.drop_oldest = options.text("when_full") == "drop_oldest";
  return config;
}

}  // namespace weir::disk
