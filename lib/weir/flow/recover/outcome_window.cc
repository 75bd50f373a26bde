#include <weir/flow/recover/outcome_window.h>

namespace weir::flow {
namespace {

constexpr std::uint32_t most_calls = 100'000;
enum Kind : std::size_t { calls, failures, slow_calls };

}  // namespace

OutcomeWindow::OutcomeWindow(const BreakerConfig& config) : kind_(config.window), sums_(config.window_time) {
  if (kind_ == BreakerConfig::Window::count) ring_.resize(std::clamp(config.window_calls, 1u, most_calls));
}

void OutcomeWindow::record(bool failed, bool slow, TimePoint now) {
  if (kind_ == BreakerConfig::Window::count) return record_in_ring(failed, slow);
  if (kind_ == BreakerConfig::Window::none) return;
  sums_.add(calls, now);
  if (failed) sums_.add(failures, now);
  if (slow) sums_.add(slow_calls, now);
}

void OutcomeWindow::record_in_ring(bool failed, bool slow) {
  std::uint8_t& call = ring_[recorded_ % ring_.size()];
  if (recorded_ >= ring_.size()) {
    in_ring_.failures -= call & 1u;
    in_ring_.slow -= call >> 1;
  } else {
    ++in_ring_.calls;
  }
  ++recorded_;
  call = static_cast<std::uint8_t>((failed ? 1 : 0) | (slow ? 2 : 0));
  in_ring_.failures += failed;
  in_ring_.slow += slow;
}

OutcomeWindow::Totals OutcomeWindow::totals(TimePoint now) const {
  if (kind_ != BreakerConfig::Window::time) return in_ring_;
  auto sums = sums_;
  sums.advance(now);
  return {sums.total(calls), sums.total(failures), sums.total(slow_calls)};
}

void OutcomeWindow::clear() {
  recorded_ = 0;
  in_ring_ = {};
  sums_.clear();
}

}  // namespace weir::flow
