#pragma once
/// Several inlets locked at once, for a fan-out that gives each branch the same prefix (semantics A6).
///
/// Thread: any. Cost: one lock for each.
#include <span>

#include "pipeline/inlet.h"

namespace weir::pipeline {

/// Locks several inlets in the one order that cannot deadlock. `inlets` must be sorted by index and without doubles.
class InletLocks {
 public:
  explicit InletLocks(std::span<Inlet* const> inlets) : inlets_(inlets) {
    for (Inlet* inlet : inlets_) inlet->lock();
  }
  ~InletLocks() {
    for (Inlet* inlet : inlets_) inlet->unlock();
  }
  InletLocks(const InletLocks&) = delete;
  InletLocks& operator=(const InletLocks&) = delete;

 private:
  std::span<Inlet* const> inlets_;
};

}  // namespace weir::pipeline
