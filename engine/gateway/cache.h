#pragma once
/// Answers that are kept for the requests of one route, bounded in bytes: when one does not fit, those that were used
/// longest ago go. What it holds of an answer counts with its key, its fields and a fixed share; one that is being sent
/// lives until it has been.
///
/// One answer of each variant (cache_rules.h) of a key, and at most `most_variants` of them.
///
/// A Flight is a request on its way for an answer that others wait for. Answers that may not be kept are remembered as
/// that for `remembers_passing`, so that nobody waits for them.
///
/// What was asked for before the resource `changed` may be what it was before: nobody who comes later waits for it, and
/// it is kept only while `changes` is what it was when it was asked for. Keys share 256 counts by their hash; who
/// shares one loses an answer that could have been kept.
///
/// Thread: one reactor. Cost: a look-up in a hash table, about 200 ns. Memory: `max_bytes`.
#include <weir/async/signal.h>

#include <array>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/gateways.h"
#include "gateway/cache_rules.h"

namespace weir::gateway {

struct KeptAnswer {
  int status = 200;
  std::string fields;  ///< whole lines, without Age
  std::string body, tag, modified;
  CacheControl control;
  Freshness freshness;  ///< as it came
  TimePoint came{};
  std::vector<std::string> varies_by;
  std::string variant;

  Duration age(TimePoint now) const { return freshness.age + (now - came); }
  /// How long it has been too old; negative: how long it is fresh yet.
  Duration staleness(TimePoint now) const { return age(now) - freshness.lifetime; }
};

class Cache {
 public:
  static constexpr std::size_t most_variants = 8;
  static constexpr Duration remembers_passing = std::chrono::seconds(10);
  using Kept = std::shared_ptr<const KeptAnswer>;
  enum class Landing : std::uint8_t { aborted, kept, passes, failed };
  struct Flight {
    explicit Flight(boost::asio::io_context& io) : landed(io) {}
    async::WaitLine landed;
    std::uint32_t waiting = 0;
    bool over = false;
    Landing how = Landing::aborted;
  };
  struct Stats {
    std::uint64_t hits = 0, validated = 0, stale = 0, coalesced = 0, kept = 0, pushed_out = 0, bytes = 0, answers = 0;
  };

  explicit Cache(const config::CacheConfig& config) : config_(config) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  Kept find(const std::string& key, std::string_view request_fields);
  void keep(const std::string& key, Kept answer, TimePoint now);
  void forget(const std::string& key);
  void changed(const std::string& key);
  std::uint32_t changes(const std::string& key) const { return changes_[count_of(key)]; }
  /// Whether answers of this key were not to be kept lately.
  bool passes(const std::string& key, TimePoint now) const;

  std::shared_ptr<Flight> flight(const std::string& key) const;
  std::shared_ptr<Flight> take_off(boost::asio::io_context& io, const std::string& key);
  /// Whoever waits for it goes on.
  void land(const std::string& key, Flight& flight, Landing how, TimePoint now);

  const config::CacheConfig& config() const { return config_; }
  Stats& stats() { return stats_; }

 private:
  struct Slot {
    std::string key;
    Kept answer;  ///< null: answers pass
    TimePoint until{};
    std::uint64_t bytes = 0;
  };
  using Place = std::list<Slot>::iterator;
  void insert(Slot slot);
  void erase(Place place);
  static std::size_t count_of(const std::string& key) { return std::hash<std::string>{}(key) % 256; }

  const config::CacheConfig config_;
  std::list<Slot> slots_;  // the last used first
  std::unordered_map<std::string, std::vector<Place>> by_key_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  std::array<std::uint32_t, 256> changes_{};
  Stats stats_;
};

}  // namespace weir::gateway
