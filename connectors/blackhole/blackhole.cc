#include "blackhole.h"

#include <algorithm>
#include <array>

namespace weir::blackhole {
namespace {

constexpr Duration longest_hang = std::chrono::seconds(1);
constexpr auto slice = std::chrono::milliseconds(5);

struct Registry {
  struct Entry {
    std::string name;
    BlackholeControl control;
  };
  std::mutex mutex;
  std::array<Entry, 64> entries;
  std::size_t used = 0;
};

Registry& registry() {
  static Registry all;
  return all;
}

template <typename T>
std::optional<T> optional(const Options& options, std::string_view name) {
  return options.has(name) ? std::optional(options.get<T>(name)) : std::nullopt;
}

BlackholeConfig config_of(const Options& options) {
  BlackholeConfig config;
  config.rate = optional<PerSecond>(options, "rate");
  config.delay = options.get_or<Duration>("delay", Duration{0});
  config.stall_after = optional<std::uint64_t>(options, "stall_after");
  config.stall_for = optional<Duration>(options, "stall_for");
  config.error_rate = options.get_or<double>("error_rate", 0.0);
  const auto error = options.get_or<std::string>("error", "again");
  config.error = error == "failed"    ? BlackholeConfig::Error::failed
                 : error == "refused" ? BlackholeConfig::Error::refused
                                      : BlackholeConfig::Error::again;
  config.seed = options.get_or<std::uint64_t>("seed", 1);
  return config;
}

SinkAck pretended(const Options& options) {
  const auto pretend = options.get_or<std::string>("pretend", "received");
  return pretend == "sent" ? SinkAck::sent : pretend == "durable" ? SinkAck::durable : SinkAck::received;
}

}  // namespace

BlackholeControl* control(std::string_view name) {
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  for (std::size_t i = 0; i < all.used; ++i)
    if (all.entries[i].name == name) return &all.entries[i].control;
  if (all.used == all.entries.size()) return nullptr;
  auto& entry = all.entries[all.used++];
  entry.name = name;
  return &entry.control;
}

Blackhole::Blackhole(std::string name, const BlackholeConfig& config, const Context& context)
    : name_(std::move(name)),
      config_(config),
      context_(context),
      control_([&]() -> BlackholeControl& {
        auto* const shared = control(name_);
        return shared ? *shared : own_;
      }()),
      rng_(config.seed) {}

void Blackhole::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
}

bool Blackhole::wait_until(TimePoint when) {
  std::unique_lock lock(mutex_);
  // Waits in slices, because it waits for the context's time and not for that of the condition variable.
  while (!closed_ && context_.now() < when)
    wake_.wait_for(lock, std::min<Duration>(slice, when - context_.now()), [&] { return closed_; });
  return !closed_;
}

bool Blackhole::stalled(TimePoint now) {
  if (control_.stalled.load(std::memory_order_relaxed)) return true;
  if (!config_.stall_after || taken_ < *config_.stall_after) return false;
  if (!stall_ends_) stall_ends_ = config_.stall_for ? now + *config_.stall_for : never;
  return now < *stall_ends_;
}

Delivery Blackhole::fault() {
  control_.failed_calls.fetch_add(1, std::memory_order_relaxed);
  if (config_.error == BlackholeConfig::Error::failed) return Delivery::failed("sink " + name_ + ": fails on purpose");
  return Delivery::again("sink " + name_ + ": fails on purpose, try again");
}

void Blackhole::refuse_some(std::span<const Batch> batches, Delivery& delivery) {
  const double share = control_.failing.load(std::memory_order_relaxed) ? 1.0 : config_.error_rate;
  for (std::uint32_t b = 0; b < batches.size(); ++b)
    for (std::uint32_t i = 0; i < batches[b].size(); ++i)
      if (rng_.uniform() < share) delivery.refused.push_back({b, i, "refused on purpose"});
}

Delivery Blackhole::deliver(std::span<const Batch> batches) {
  Load all;
  for (const Batch& batch : batches) all += batch.load();
  if (all.empty()) return {};
  control_.calls.fetch_add(1, std::memory_order_relaxed);
  const auto start = context_.now();
  for (auto now = start; stalled(now); now = context_.now()) {
    if (now - start < longest_hang && wait_until(now + slice)) continue;
    return Delivery::again("sink " + name_ + ": hangs on purpose");
  }
  free_at_ = std::max(free_at_, context_.now());
  if (config_.rate) free_at_ += from_seconds(static_cast<double>(all.events) / config_.rate->value);
  free_at_ += config_.delay;
  if (!wait_until(free_at_)) return Delivery::again("sink " + name_ + ": is closing");

  Delivery delivery;
  if (config_.error == BlackholeConfig::Error::refused)
    refuse_some(batches, delivery);
  else if (control_.failing.load(std::memory_order_relaxed) || rng_.uniform() < config_.error_rate)
    return fault();
  taken_ += all.events;
  control_.refused.fetch_add(delivery.refused.size(), std::memory_order_relaxed);
  control_.delivered.fetch_add(all.events - delivery.refused.size(), std::memory_order_relaxed);
  control_.bytes.fetch_add(all.bytes.count(), std::memory_order_relaxed);
  return delivery;
}

void add_to(Catalog& catalog) {
  SinkType type;
  type.name = "blackhole";
  type.summary = "takes everything and keeps nothing, at the speed and with the faults it is told";
  type.options = {
      {.name = "rate", .kind = OptionKind::rate, .help = "Events it serves a second; without it, all at once."},
      {.name = "delay",
       .kind = OptionKind::duration,
       .fallback = "0s",
       .help = "How long each delivery takes besides."},
      {.name = "stall_after", .kind = OptionKind::count, .help = "Hangs after so many events."},
      {.name = "stall_for", .kind = OptionKind::duration, .help = "How long it then hangs; without it, for ever."},
      {.name = "error_rate",
       .kind = OptionKind::ratio,
       .fallback = "0",
       .help = "Share of deliveries (or events, with refused) that fail."},
      {.name = "error",
       .kind = OptionKind::choice,
       .fallback = "again",
       .help = "How they fail.",
       .choices = {"again", "failed", "refused"}},
      {.name = "seed", .kind = OptionKind::count, .fallback = "1", .help = "Of the chance which ones fail."},
      {.name = "pretend",
       .kind = OptionKind::choice,
       .fallback = "received",
       .help = "What its ack claims to mean.",
       .choices = {"sent", "received", "durable"}},
  };
  type.ack = pretended;
  type.max_workers = [](const Options&) { return 64; };
  type.refuses = [](const Options& options) {
    return options.get_or<std::string>("error", "again") == "again" ? Refuses::none : Refuses::any;
  };
  type.footprint = [](const Options&, Load batch) {
    return std::vector{Footprint{.fixed = 4_KiB, .per_unit = 64_B, .max_units = batch.events, .unit = "refusal"}};
  };
  type.make = [](const SinkSetup& setup) {
    return std::make_unique<Blackhole>(setup.name, config_of(setup.options), setup.context);
  };
  catalog.add(std::move(type));
}

}  // namespace weir::blackhole
