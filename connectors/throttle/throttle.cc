#include "throttle.h"

namespace weir::throttle {
namespace {

class Plan final : public StagePlan {
 public:
  Plan(PerSecond rate, std::uint64_t burst, WhenOver when_over)
      : shared_(new Shared{.lock = {}, .bucket = flow::TokenBucket(rate, burst)}), when_over_(when_over) {}
  std::unique_ptr<Stage> stage() override { return std::make_unique<Throttle>(shared_, when_over_); }
  Level strongest() const override { return sheds() ? Level::processed : Level::stored; }
  std::string why_weaker() const override { return sheds() ? "it sheds what is above the rate" : ""; }
  bool may_wait() const override { return !sheds(); }
  std::string when_behind() const override {
    return sheds() ? "events above the rate are shed" : "above the rate its sources wait";
  }

 private:
  bool sheds() const { return when_over_ == WhenOver::shed; }
  std::shared_ptr<Shared> shared_;
  WhenOver when_over_;
};

}  // namespace

Verdict Throttle::take(const Event& event, std::string& out) {
  (void)out;
  const std::scoped_lock hold(shared_->lock);
  const auto taken = shared_->bucket.try_take(1, event.now);
  if (taken) return Verdict::passed();
  return when_over_ == WhenOver::slow ? Verdict::later(taken.error().retry_after) : Verdict::dropped(Reason::throttled);
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "throttle";
  type.summary = "lets on at most a rate of events";
  type.options = {
      {.name = "rate", .kind = OptionKind::rate, .required = true, .help = "How many events may go on: 100/s."},
      {.name = "burst",
       .kind = OptionKind::count,
       .fallback = "1",
       .help = "How many may go on at once after a pause; the rate holds over any longer time."},
      {.name = "when_over",
       .kind = OptionKind::choice,
       .fallback = "slow",
       .help = "What happens above the rate: slow makes the sources wait, shed drops the event.",
       .choices = {"slow", "shed"}},
  };
  type.compile = [](const Options& options, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    const auto rate = options.rate("rate");
    const auto burst = options.get_or<std::uint64_t>("burst", 1);
    if (!(rate.value > 0 && rate.value <= 1e9)) return failure("rate: a rate is above 0 and at most 1000000000/s");
    if (burst < 1 || burst > 1'000'000'000) return failure("burst: a burst is 1 to 1000000000 events");
    const auto when_over = options.get_or<std::string>("when_over", "slow") == "shed" ? WhenOver::shed : WhenOver::slow;
    return std::make_shared<Plan>(rate, burst, when_over);
  };
  catalog.add(std::move(type));
}

}  // namespace weir::throttle
