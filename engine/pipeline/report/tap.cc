#include "pipeline/report/tap.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

// The rate is limited in slices of a tenth of a second, so that a page holds events from the whole second.
constexpr Duration slice = std::chrono::milliseconds(100);
constexpr std::uint32_t slices_per_second = 10;

}  // namespace

/// False: no room for it, nor for further events now.
bool Tap::copy(std::string_view event, TimePoint now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return false;
  if (now > until_) {
    turn_off();
    return false;
  }
  if (now - slice_ >= slice) {
    slice_ = now;
    copied_ = 0;
  }
  const auto bytes = std::min<std::size_t>(event.size(), limits_.largest.count());
  if (copied_ >= std::max(1u, limits_.per_second / slices_per_second) || held_ + bytes > limits_.memory.count())
    return false;
  ++copied_;
  held_ += bytes;
  ring_.push_back({++number_, std::string(event.substr(0, bytes)), bytes < event.size()});
  return true;
}

void Tap::turn_off() {
  on_.store(false, std::memory_order_relaxed);
  ring_ = {};
  held_ = 0;
}

Tap::Page Tap::read(std::uint64_t after, std::size_t most, std::uint64_t every, TimePoint now) {
  std::lock_guard lock(mutex_);
  if (!on() || now > until_) {
    turn_off();
    passed_.store(0, std::memory_order_relaxed);
    missed_.store(0, std::memory_order_relaxed);
  }
  until_ = now + limits_.lease;
  every_.store(std::max<std::uint64_t>(1, every), std::memory_order_relaxed);
  on_.store(true, std::memory_order_relaxed);
  // A reader that has seen number n is done with all before it; one that begins (0) takes what is there.
  while (!ring_.empty() && ring_.front().number <= after) {
    held_ -= ring_.front().event.size();
    ring_.pop_front();
  }
  Page page{after, passed_.load(std::memory_order_relaxed), missed_.load(std::memory_order_relaxed), {}};
  for (const Seen& seen : ring_) {
    if (page.events.size() == most) break;
    page.events.push_back(seen);
    page.next = seen.number;
  }
  return page;
}

Tap& TapBoard::add(const std::string& name) {
  auto& tap = taps_[name];
  if (!tap) tap = std::make_unique<Tap>();
  return *tap;
}

Tap* TapBoard::find(std::string_view name) const {
  const auto at = taps_.find(name);
  return at == taps_.end() ? nullptr : at->second.get();
}

bool TapBoard::may_turn_on(const Tap& tap) const {
  return tap.on() || static_cast<std::size_t>(
                         std::ranges::count_if(taps_, [](const auto& t) { return t.second->on(); })) < most_taps;
}

std::vector<std::string> TapBoard::names() const {
  std::vector<std::string> out;
  for (const auto& [name, tap] : taps_) out.push_back(name);
  return out;
}

}  // namespace weir::pipeline
