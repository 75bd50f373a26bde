#pragma once
/// The process's memory, as tickets (semantics C1, C2).
///
/// Only sources draw on the Budget, and they draw before they read: `try_take(worst case)` once for each unit, the rest
/// given back when its size is known. Everything that drains works in memory that is set aside at start and declared as
/// a Footprint, so a full budget can never stop what would empty it.
///
///   budget = memory - sum of footprints
///
/// A Ticket owns an amount until it is destroyed; it can be split (a request's reservation becomes its batches'
/// charges) and absorbed, and never grows: no part waits for memory while it holds memory of the same unit.
///
/// When to choose it: several sources share one memory, so that bounds of their own would either waste it or add up to
/// more than there is.
///
/// Thread: any; the amount in use is one word changed by compare-and-swap, so the limit is exact across threads. Cost:
/// about 10 ns uncontended. On cancel: a destroyed ticket gives its amount back.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <atomic>
#include <utility>

namespace weir {

class Budget;

class [[nodiscard]] Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& o) noexcept
      : budget_(std::exchange(o.budget_, nullptr)), amount_(std::exchange(o.amount_, Bytes{})) {}
  Ticket& operator=(Ticket&& o) noexcept {
    if (this != &o) {
      give_back();
      budget_ = std::exchange(o.budget_, nullptr);
      amount_ = std::exchange(o.amount_, Bytes{});
    }
    return *this;
  }
  ~Ticket() { give_back(); }

  Bytes amount() const { return amount_; }
  /// The part that is split off; to ask for more than the ticket holds is a broken invariant (too little was reserved).
  Ticket split(Bytes part) {
    WEIR_CHECK(part <= amount_);
    amount_ -= part;
    return Ticket(budget_, part);
  }
  void absorb(Ticket&& other) {
    if (!budget_) budget_ = other.budget_;
    WEIR_CHECK(other.budget_ == nullptr || other.budget_ == budget_);
    amount_ += std::exchange(other.amount_, Bytes{});
  }
  void give_back();

 private:
  friend class Budget;
  Ticket(Budget* budget, Bytes amount) : budget_(budget), amount_(amount) {}
  Budget* budget_ = nullptr;
  Bytes amount_;
};

class Budget {
 public:
  explicit Budget(Bytes total) : total_(total.count()) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// All of it, or Rejection{memory_full}: never a part, never a wait.
  [[nodiscard]] Admitted<Ticket> try_take(Bytes amount) {
    auto used = used_.load(std::memory_order_relaxed);
    do {
      if (amount.count() > total_ - used) return rejected(Reason::memory_full);
    } while (!used_.compare_exchange_weak(used, used + amount.count(), std::memory_order_relaxed));
    return Ticket(this, amount);
  }

  Bytes total() const { return Bytes(total_); }
  Bytes used() const { return Bytes(used_.load(std::memory_order_relaxed)); }

 private:
  friend class Ticket;
  const std::uint64_t total_;
  std::atomic<std::uint64_t> used_{0};
};

inline void Ticket::give_back() {
  if (budget_ && amount_.count()) budget_->used_.fetch_sub(amount_.count(), std::memory_order_relaxed);
  amount_ = Bytes{};
}

/// Memory a part declares it will hold at most, whatever happens: fixed + per_unit x max_units.
struct Footprint {
  Bytes fixed;
  Bytes per_unit;
  std::uint64_t max_units = 0;
  std::string_view unit;  ///< what a unit is, for the table of `weir check`: "connection", "batch"
  bool soft = false;      ///< a ceiling its library does not enforce; marked in `weir check`
  constexpr Bytes total() const { return fixed + per_unit * max_units; }
};

}  // namespace weir
