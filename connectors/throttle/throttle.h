#pragma once
/// Stage `throttle`: passes at most a rate of events, with bursts. README.md has its guarantees.
///
/// One token bucket for all reactors, so the rate is that of the whole stage.
///
/// Thread: one object for each reactor; they share a bucket behind a lock. Cost: about 30 ns.
#include <weir/component/catalog.h>
#include <weir/flow/admit/token_bucket.h>

#include <mutex>

namespace weir::throttle {

enum class WhenOver : std::uint8_t { slow, shed };

struct Shared {
  std::mutex lock;
  flow::TokenBucket bucket;  // guarded by lock
};

class Throttle final : public Stage {
 public:
  Throttle(std::shared_ptr<Shared> shared, WhenOver when_over) : shared_(std::move(shared)), when_over_(when_over) {}
  Verdict take(const Event& event, std::string& out) override;

 private:
  std::shared_ptr<Shared> shared_;
  WhenOver when_over_;
};

void add_to(Catalog& catalog);

}  // namespace weir::throttle
