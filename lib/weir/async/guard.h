#pragma once
/// May this start? Every limiter, breaker, deadline, priority mark and pressure input answers this one question with a
/// Permit (permit.h) or a Rejection, so the door asks a list of guards and knows none of them.
///
/// A GuardChain asks in order. When a guard refuses, those before it get back what they gave (Outcome::unused), last
/// first, and the chain's answer is that Rejection. When all agree, the chain's Permit passes its report on to each,
/// last first. A guard that only observes decides and counts, and what it refuses goes on to the next guard; it is told
/// the outcome of what it permits. So its state is what it would be if it were enforced, and no enforced guard is
/// touched (semantics F9). It lets nobody wait: who would have to wait is one that it refuses.
///
/// Thread: a guard is asked by any thread and owns its lock; a chain is filled before it is asked. Cost: what its
/// guards cost, an atomic count each, and two allocations when more than one of them wants a report. On cancel: a
/// permit that is destroyed unsettled is ignored. Guards must outlive their permits. Ref: semantics F1, F9.
#include <weir/async/client_key.h>
#include <weir/async/permit.h>
#include <weir/base/result.h>

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::async {

class Waiter;

/// A rate, and what is left of it: what a client may be told (RateLimit-Policy and RateLimit).
struct Quota {
  std::string_view name;    ///< of the guard; valid as long as the guard
  std::uint64_t limit = 0;  ///< so many
  Duration window{0};       ///< in so long
  std::uint64_t remaining = 0;
  Duration reset{0};        ///< until it is whole again; refused: until this one would pass
  bool of_requests = true;  ///< else of events or bytes
};

/// What wants to start.
struct Arrival {
  std::string_view key{};  ///< the client's key, for limits per client; valid only during the call
  Priority priority = Priority::normal;
  Load load{1, {}};                      ///< what it brings; events may not be known at the door
  TimePoint deadline = never;            ///< after which its answer is useless
  bool retry = false;                    ///< an attempt after a failed one
  const Caller* caller = nullptr;        ///< for guards that look up their key themselves
  std::vector<Quota>* quotas = nullptr;  ///< rates that are enforced add theirs
  Waiter* waiter = nullptr;              ///< what lets it wait for its turn (waiter.h); null: it cannot wait
};

class Guard {
 public:
  virtual ~Guard() = default;
  [[nodiscard]] virtual Admitted<Permit> try_start(const Arrival& arrival) = 0;
};

struct GuardStats {
  std::string name;
  bool observed = false;  ///< refusals are what would have been refused
  std::uint64_t permitted = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Reason::client_gone) + 1> refused{};  ///< by Reason
  std::uint64_t given_back = 0;  ///< permitted here, refused further on
  std::uint64_t refusals() const;
};

class GuardChain final : public Guard {
 public:
  enum class Mode : std::uint8_t { enforce, observe };

  /// More than `most` guards is a defect.
  explicit GuardChain(std::size_t most) : most_(most) {}
  GuardChain(const GuardChain&) = delete;
  GuardChain& operator=(const GuardChain&) = delete;

  void add(std::string name, std::unique_ptr<Guard> guard, Mode mode = Mode::enforce);
  [[nodiscard]] Admitted<Permit> try_start(const Arrival& arrival) override;
  /// In the order in which they are asked.
  std::vector<GuardStats> stats() const;

 private:
  struct Link {
    Link(std::string n, std::unique_ptr<Guard> g, Mode m) : name(std::move(n)), guard(std::move(g)), mode(m) {}
    const std::string name;
    const std::unique_ptr<Guard> guard;
    const Mode mode;
    std::atomic<std::uint64_t> permitted{0}, given_back{0};
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<decltype(GuardStats::refused)>> refused{};
  };
  struct Given {
    Link* link;
    Permit permit;
  };
  static void give_back(std::span<Given> given);
  static Permit bundle(std::vector<Given> given);

  const std::size_t most_;
  std::deque<Link> links_;
};

}  // namespace weir::async
