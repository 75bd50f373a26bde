#include <weir/flow/recover/breaker.h>
#include <weir/flow/recover/later.h>

#include <algorithm>
#include <array>

namespace weir::flow {
namespace {

constexpr Duration longest_peek = std::chrono::seconds(1);

bool reaches(std::uint64_t part, double share, std::uint64_t of) {
  return part > 0 && static_cast<double>(part) >= share * static_cast<double>(of);
}

double part_of(std::uint64_t part, std::uint64_t of) { return static_cast<double>(part) / static_cast<double>(of); }

}  // namespace

std::string_view name(BreakerState state) {
  constexpr std::array<std::string_view, 3> names{"closed", "open", "half_open"};
  return names[static_cast<std::size_t>(state)];
}

Breaker::Permit& Breaker::Permit::operator=(Permit&& o) noexcept {
  if (this == &o) return *this;
  ignored();
  breaker_ = std::exchange(o.breaker_, nullptr);
  generation_ = o.generation_;
  started_ = o.started_;
  return *this;
}

void Breaker::Permit::ok(TimePoint now) {
  if (auto* breaker = std::exchange(breaker_, nullptr))
    breaker->settle(generation_, false, now - started_ > breaker->config_.slow_call, now);
}

void Breaker::Permit::failed(TimePoint now) {
  if (auto* breaker = std::exchange(breaker_, nullptr))
    breaker->settle(generation_, true, now - started_ > breaker->config_.slow_call, now);
}

void Breaker::Permit::ignored() {
  if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->settle_ignored(generation_);
}

Breaker::Breaker(const BreakerConfig& config) : config_(checked(config, "breaker")), window_(config) {}

Admitted<Breaker::Permit> Breaker::try_start(TimePoint now) {
  bool counts = true;
  if (const auto wait = refusal(now)) {
    ++refused_;
    if (mode_ != Mode::observe) return rejected(Reason::breaker_open, *wait);
    counts = false;
  } else if (state_ == BreakerState::half_open && probes_out_++ == 0) {
    probing_since_ = now;
  }
  ++permits_out_;
  return Permit(this, counts ? generation_ : 0, now);
}

std::optional<Duration> Breaker::refusal(TimePoint now) {
  if (mode_ == Mode::forced_open) return config_.open;
  if (state_ == BreakerState::closed) return std::nullopt;
  if (state_ == BreakerState::half_open) {
    const Duration wait = config_.half_open_wait > Duration{0} ? config_.half_open_wait : config_.open;
    if (probes_out_ > 0 && now >= later(probing_since_, wait)) open(now);
  }
  if (state_ == BreakerState::open) {
    const auto probe_at = later(opened_at_, config_.open);
    if (now < probe_at) return probe_at - now;
    change_to(BreakerState::half_open);
  }
  if (probes_out_ + probes_done_ < std::max(config_.half_open_calls, 1u)) return std::nullopt;
  return std::clamp(config_.open / 10, Duration(std::chrono::milliseconds(1)), longest_peek);
}

void Breaker::settle(std::uint64_t generation, bool failed, bool slow, TimePoint now) {
  --permits_out_;
  if (generation != generation_) return;
  if (state_ == BreakerState::half_open) {
    --probes_out_;
    ++probes_done_;
    probes_failed_ += failed;
    probes_slow_ += slow;
    return judge_probes(now);
  }
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
  window_.record(failed, slow, now);
  judge_closed(now);
}

void Breaker::settle_ignored(std::uint64_t generation) {
  --permits_out_;
  if (generation == generation_ && state_ == BreakerState::half_open) --probes_out_;
}

void Breaker::judge_closed(TimePoint now) {
  if (mode_ == Mode::forced_closed) return;
  if (config_.consecutive_failures > 0 && in_a_row_ >= config_.consecutive_failures) return open(now);
  if (config_.window == BreakerConfig::Window::none) return;
  const auto seen = window_.totals(now);
  if (seen.calls < minimum_calls()) return;
  if (reaches(seen.failures, config_.failure_rate, seen.calls) || reaches(seen.slow, config_.slow_rate, seen.calls))
    open(now);
}

void Breaker::judge_probes(TimePoint now) {
  const std::uint64_t all = std::max(config_.half_open_calls, 1u);
  const bool by_rate = config_.window != BreakerConfig::Window::none;
  const bool failed = reaches(probes_failed_, by_rate ? config_.failure_rate : 0.0, all);
  if (failed || (by_rate && reaches(probes_slow_, config_.slow_rate, all))) return open(now);
  if (probes_done_ >= all) change_to(BreakerState::closed);
}

void Breaker::open(TimePoint now) {
  change_to(BreakerState::open);
  opened_at_ = now;
  ++opened_;
}

void Breaker::change_to(BreakerState state) {
  state_ = state;
  ++generation_;
  window_.clear();
  in_a_row_ = 0;
  probes_out_ = probes_done_ = probes_failed_ = probes_slow_ = 0;
}

void Breaker::force(Mode mode) {
  mode_ = mode;
  change_to(BreakerState::closed);
}

void Breaker::reconfigure(const BreakerConfig& config) {
  refuse(check(config), "breaker");
  const bool same_window = config.window == config_.window && config.window_calls == config_.window_calls &&
                           config.window_time == config_.window_time;
  const bool same_probes = config.half_open_calls == config_.half_open_calls;
  config_ = config;
  if (!same_window) window_ = OutcomeWindow(config);
  // With fewer probes than have reported already nothing would ever decide this round.
  if (!same_probes && state_ == BreakerState::half_open) change_to(BreakerState::half_open);
}

std::uint64_t Breaker::minimum_calls() const {
  const bool by_count = config_.window == BreakerConfig::Window::count;
  const auto most = by_count ? config_.window_calls : config_.minimum_calls;
  return std::max(std::min(config_.minimum_calls, most), 1u);
}

BreakerStats Breaker::stats(TimePoint now) const {
  BreakerStats out;
  out.state = mode_ == Mode::forced_open ? BreakerState::open : state_;
  out.opened = opened_;
  out.refused = refused_;
  if (state_ == BreakerState::open) out.next_probe_at = later(opened_at_, config_.open);
  const auto seen = window_.totals(now);
  if (seen.calls >= minimum_calls()) {
    out.failure_rate = part_of(seen.failures, seen.calls);
    out.slow_rate = part_of(seen.slow, seen.calls);
  }
  return out;
}

}  // namespace weir::flow
