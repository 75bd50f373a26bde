#pragma once
/// flow's rate limiters as a guard: one rate for all, or one for each client, in requests, events or bytes.
///
/// In requests each arrival costs one unit. In events and bytes it is often not known before it is read: an arrival
/// starts when what is known of it passes (one unit at least), and when its permit reports what it brought the
/// difference is charged or given back. So it may overdraw once, and the next one of its key waits (semantics F4). One
/// that is larger than what ever passes at once starts when the whole quota is there.
///
///   refused   {rate_limited, the time until it passes if nobody else comes}; Duration::max() never occurs
///   unused    what it cost is given back
///
/// A token bucket without a key is one atomic word (word_bucket.h), so threads that share it move one cache line a
/// decision; everything else is a table behind a lock.
///
/// Thread: any. Cost: the limiter's; the word two atomic operations, a table a lock of about 20 ns, an allocation for
/// the permit and what hashing the key costs. Memory: `footprint`. On cancel: a permit that is destroyed costs what was
/// known at the start. Ref: semantics F4, F5.
#include <weir/async/guard.h>
#include <weir/base/context.h>
#include <weir/flow/admit/keyed_rates.h>
#include <weir/flow/admit/rate_limit.h>
#include <weir/flow/admit/word_bucket.h>

#include <weir/base/brief_mutex.h>

#include <atomic>
#include <memory>

namespace weir::async {

enum class RateUnit : std::uint8_t { requests, events, bytes };
std::string_view name(RateUnit unit);

struct RateGuardConfig {
  std::string name = "rate";  ///< as clients are told it
  flow::RateLimitConfig limit{};
  RateUnit per = RateUnit::requests;
  ClientKey key{};
  std::size_t keys = 10'000;  ///< at most so many clients are told apart; unused without a key
  bool operator==(const RateGuardConfig&) const = default;
};

class RateGuard final : public Guard {
 public:
  RateGuard(const RateGuardConfig& config, const Context& context);
  static Bytes footprint(const RateGuardConfig& config);

  [[nodiscard]] Admitted<Permit> try_start(const Arrival& arrival) override;
  /// Another limit for the same clients, who keep the part of their quota that they have used (keyed_rates.h).
  void reconfigure(const flow::RateLimitConfig& limit);
  /// Arrivals whose key found no place of its own (flow/admit/keyed_rates.h).
  std::uint64_t shared() const;

 private:
  /// One rate for all, and nothing else on its cache line. What a thread read of it stays whole when the limit changes:
  /// then there is another one.
  struct alignas(64) Single {
    explicit Single(const flow::RateLimitConfig& config) : bucket(config), limit(config) {}
    std::atomic<flow::WordBucket::Word> word{flow::WordBucket::full};
    const flow::WordBucket bucket;
    alignas(64) const flow::RateLimitConfig limit;
  };
  struct Taken {
    Admitted<Duration> answer;
    flow::RateFacts facts{};
    flow::RateLimitConfig limit{};
  };
  std::uint64_t known(Load load) const;
  Taken take(Single& single, std::uint64_t n, bool wants_facts) const;
  Taken take_of(std::uint64_t key, std::uint64_t n, bool wants_facts);
  Permit permit(std::uint64_t key, std::uint64_t n);
  /// Of what has been read, what the difference is: nothing to do, or so much to pay or to get back.
  std::optional<std::uint64_t> cost_of(const Report& report) const;
  void settle(std::uint64_t key, std::uint64_t& taken, const Report& report);
  void correct(Single& single, std::uint64_t taken, std::uint64_t cost) const;

  RateGuardConfig config_;  // `limit` with the lock
  const Context& context_;
  const KeyHash secret_;
  std::atomic<Single*> single_{nullptr};  // null: the table decides
  mutable BriefMutex mutex_;
  std::vector<std::unique_ptr<Single>> singles_;  // 128 bytes for each limit that a reload brought
  flow::KeyedRates<flow::RateLimit> rates_;
};

}  // namespace weir::async
