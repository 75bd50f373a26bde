#pragma once
/// The `guards:` block of a source or a sink, as it was read: which limits what comes in, or goes out, has to keep to.
///
/// They are asked in one order, and what was taken before one refuses is given back in reverse (docs/guards.md):
/// pressure, the rates as they stand, concurrency with its shares.
///
///   source that can refuse    who is above a rate is refused: 429 (async/rate_guard.h)
///   source that can only wait  its events wait; nothing is refused (pipeline/delivery/pace.h)
///   sink                      its workers wait, all of them for the same rate (the same)
///
/// Thread: values. Cost: start only.
#include <weir/async/concurrency_guard.h>
#include <weir/async/rate_guard.h>
#include <weir/flow/admit/machine_pressure.h>

#include <optional>
#include <string>
#include <vector>

namespace weir::config {

struct Rate {
  async::RateGuardConfig guard;
  bool observe = false;   ///< decides and counts, holds nothing up
  bool of_calls = false;  ///< of a sink: `per: batches`, for which RateUnit::requests stands
  std::string path;       ///< "sinks.out.guards.rate"
  bool keyed() const { return guard.key.of != async::ClientKey::Of::none; }
};

/// How many may be under way at once, and whose turn it is (`concurrency`, `fairness`): at a door only.
struct Concurrency {
  async::ConcurrencyGuardConfig guard;
  bool observe = false;
  std::string path;  ///< "sources.in.guards.concurrency"
};

/// What the machine itself is short of (`pressure`): at a door only.
struct Pressure {
  flow::MachinePressureConfig machine;
  bool observe = false;
  std::string path;  ///< "sources.in.guards.pressure"
};

/// Where they stand: what they are asked of, and what happens when they say no.
enum class GuardPosition : std::uint8_t {
  door,    ///< a source that can refuse: 429
  intake,  ///< a source that can only wait
  sink,
};

struct Guards {
  static constexpr std::size_t most_rates = 8;
  GuardPosition position = GuardPosition::intake;
  std::vector<Rate> rates;
  std::optional<Concurrency> concurrency{};
  std::optional<Pressure> pressure{};
  bool empty() const { return rates.empty() && !concurrency && !pressure; }
};

/// Of a place whose clients are answered: whether one may become the other while it runs. Rates, bursts, the limit on
/// what is under way and weights may differ; not what there is, whom it is asked of, or how it counts.
bool only_values_differ(const Guards& was, const Guards& is);

/// "64 at once", "2 to 4096 at once (adaptive)".
std::string words_of(const Concurrency& concurrency);
/// "5000 events/s", "10 MiB/s", "1000 requests/min".
std::string words_of(const Rate& rate);
/// The same, and of whom: "10 events/s for each .tenant".
std::string words_of_each(const Rate& rate);
/// Of what it counts: "20 requests", "1 event", "10 MiB".
std::string amount(const Rate& rate, std::uint64_t n);
/// "header X-Api-Key", "address", "/24 network", "path", "field .tenant".
std::string words_of(const async::ClientKey& key);
/// As it is written: "header:X-Api-Key", "peer/24", ".tenant".
std::string to_text(const async::ClientKey& key);
/// As it is written: `per: batches`.
std::string_view unit_of(const Rate& rate);
/// As YAML: "header:X-Tenant" in quotes, or a list of several.
std::string quoted(const async::ClientKey& key);
/// What `fairness` says, as YAML.
std::string shares_text(const async::ClientKey& tenant, std::uint32_t tenants,
                        const std::vector<std::pair<std::string, std::uint32_t>>& weights);
/// As YAML that loads again: "{ rate: { name: rate, limit: 5000/s, ... } }".
std::string to_text(const Guards& guards);

}  // namespace weir::config
