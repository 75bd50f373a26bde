#pragma once
/// What a node counts about the events that pass it: the entries of the ledger (semantics G).
///
/// in + created = emitted + consumed{fate} + pending. `pending` is not here: it is counted from the structures that
/// hold the events. If it were derived from the other counters, the equation would always hold and prove nothing.
///
/// Thread: any; relaxed atomics, each written by few threads. Cost: one add per batch.
#include <weir/base/reason.h>
#include <weir/flow/demand/fate.h>
#include <weir/flow/queue/edge_book.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace weir::pipeline {

using flow::reason_count;

struct NodeCounters {
  std::atomic<std::uint64_t> in{0}, emitted{0}, merged{0}, bytes{0};
  std::array<std::atomic<std::uint64_t>, fate_count> consumed{};
  std::array<std::atomic<std::uint64_t>, reason_count>
      by_reason{};  ///< of what was refused, dropped, failed or abandoned

  void consume(Fate fate, std::uint64_t n) {
    consumed[static_cast<std::size_t>(fate)].fetch_add(n, std::memory_order_relaxed);
  }
  void consume(Fate fate, std::uint64_t n, Reason reason) {
    consume(fate, n);
    because(reason, n);
  }
  void because(Reason reason, std::uint64_t n) {
    by_reason[static_cast<std::size_t>(reason)].fetch_add(n, std::memory_order_relaxed);
  }
};

/// The stable ids of a process's events, dead letters included: one sequence, because a sink tells two events apart by
/// them. They start at 64 random bits (Flow's constructor), so that they repeat no other process's; modulo 2^64.
class Ids {
 public:
  explicit Ids(WallTime start) : next_(static_cast<std::uint64_t>(start.time_since_epoch().count())) {}
  /// The first of n.
  std::uint64_t take(std::uint64_t n) { return next_.fetch_add(n, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> next_;
};

/// A NodeCounters at one moment, with what the node holds.
struct NodeSnapshot {
  std::uint64_t in = 0, created = 0, emitted = 0, merged = 0, bytes = 0, pending = 0;
  std::array<std::uint64_t, fate_count> consumed{};
  std::array<std::uint64_t, reason_count> by_reason{};

  /// in + created - emitted - merged - consumed - pending: 0 at rest, never negative.
  std::int64_t difference() const {
    std::int64_t d = static_cast<std::int64_t>(in + created) - static_cast<std::int64_t>(emitted + merged + pending);
    for (auto n : consumed) d -= static_cast<std::int64_t>(n);
    return d;
  }
};

/// Reads what left, then what is held (`pending()`), then what came in: a difference while running can then only be a
/// surplus of `in` (semantics G2).
template <typename Pending>
NodeSnapshot snapshot(const NodeCounters& c, Pending&& pending) {
  NodeSnapshot s;
  for (std::size_t i = 0; i < fate_count; ++i) s.consumed[i] = c.consumed[i].load(std::memory_order_acquire);
  for (std::size_t i = 0; i < reason_count; ++i) s.by_reason[i] = c.by_reason[i].load(std::memory_order_relaxed);
  s.emitted = c.emitted.load(std::memory_order_acquire);
  s.merged = c.merged.load(std::memory_order_acquire);
  s.pending = pending();
  s.bytes = c.bytes.load(std::memory_order_relaxed);
  s.in = c.in.load(std::memory_order_acquire);
  return s;
}

}  // namespace weir::pipeline
