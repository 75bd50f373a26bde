#pragma once
/// One type for all limits on requests in flight, so that a simulated world is compiled once.
///
/// Thread: a value; its owner guards it. Cost: a virtual call.
#include <weir/flow/admit/concurrency_limit.h>

#include <memory>

namespace weir::sim {

class AnyLimit {
 public:
  template <flow::ConcurrencyLimit L>
  explicit AnyLimit(L limit) : held_(std::make_unique<Holder<L>>(std::move(limit))) {}

  std::uint32_t limit() const { return held_->limit(); }
  void answered(const flow::Answer& answer, TimePoint now) { held_->answered(answer, now); }
  flow::LimitFacts facts() const { return held_->facts(); }
  Duration wait_inside() const { return held_->wait_inside(); }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::uint32_t limit() const = 0;
    virtual void answered(const flow::Answer& answer, TimePoint now) = 0;
    virtual flow::LimitFacts facts() const = 0;
    virtual Duration wait_inside() const = 0;
  };
  template <typename L>
  struct Holder final : Held {
    explicit Holder(L l) : value(std::move(l)) {}
    std::uint32_t limit() const override { return value.limit(); }
    void answered(const flow::Answer& answer, TimePoint now) override { value.answered(answer, now); }
    flow::LimitFacts facts() const override { return value.facts(); }
    Duration wait_inside() const override { return value.wait_inside(); }
    L value;
  };
  std::unique_ptr<Held> held_;
};

static_assert(flow::ConcurrencyLimit<AnyLimit>);

}  // namespace weir::sim
