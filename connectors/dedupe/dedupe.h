#pragma once
/// Stage `dedupe`: passes the first event of each key within a window. README.md has its guarantees.
///
/// Thread: one object for each reactor; they share what was seen, in stripes behind locks of their own. Cost: reading
/// the key and about 80 ns; no allocation per event.
#include <weir/component/catalog.h>
#include <weir/component/expression/event_json.h>

#include <array>
#include <mutex>

#include "memory.h"

namespace weir::dedupe {

/// The keys that all reactors have seen.
class Shared {
 public:
  Shared(std::size_t max_keys, Duration window, KeyHash secret);
  bool seen(const KeyHash& key, TimePoint now);
  const KeyHash& secret() const { return secret_; }
  std::uint64_t forgotten() const;
  static Bytes bytes_of(std::size_t max_keys);

 private:
  struct alignas(64) Stripe {
    mutable std::mutex lock;
    std::optional<Memory> memory;  // guarded by lock
  };
  std::array<Stripe, 16> stripes_;
  std::size_t used_;
  KeyHash secret_;
};

class Dedupe final : public Stage {
 public:
  Dedupe(std::shared_ptr<Shared> shared, KeyReader key) : shared_(std::move(shared)), key_(std::move(key)) {}
  Verdict take(const Event& event, std::string& out) override;

 private:
  std::shared_ptr<Shared> shared_;
  KeyReader key_;
  JsonEvent own_;
};

void add_to(Catalog& catalog);

}  // namespace weir::dedupe
