#include <weir/async/guard.h>

#include <gmock/gmock.h>

namespace weir::async {
namespace {

using testing::ElementsAre;

/// Has so many places, and writes down what it hears.
class Places final : public Guard {
 public:
  Places(int places, Reason reason, std::vector<std::string>& log, std::string name)
      : places_(places), reason_(reason), log_(log), name_(std::move(name)) {}
  Admitted<Permit> try_start(const Arrival&) override {
    if (places_ == 0) return rejected(reason_, std::chrono::seconds(7));
    --places_;
    return Permit([this](Report r) {
      ++places_;
      static constexpr std::array names{"ok", "failed", "refused", "ignored", "unused"};
      log_.push_back(name_ + ":" + names[static_cast<std::size_t>(r.outcome)]);
    });
  }

 private:
  int places_;
  Reason reason_;
  std::vector<std::string>& log_;
  std::string name_;
};

struct GuardChainTest : testing::Test {
  std::vector<std::string> log;
  GuardChain chain{4};
  void add(std::string name, int places, Reason reason, GuardChain::Mode mode = GuardChain::Mode::enforce) {
    chain.add(name, std::make_unique<Places>(places, reason, log, name), mode);
  }
  std::uint64_t refused(std::size_t guard, Reason reason) {
    return chain.stats()[guard].refused[static_cast<std::size_t>(reason)];
  }
};

TEST_F(GuardChainTest, LetsEverythingThroughWhenItIsEmpty) {
  const auto permit = chain.try_start({});
  ASSERT_TRUE(permit);
  EXPECT_TRUE(permit->settled());
}

TEST_F(GuardChainTest, TellsEveryGuardTheOutcomeLastFirst) {
  add("rate", 1, Reason::rate_limited);
  add("slots", 1, Reason::concurrency_limited);
  auto permit = chain.try_start({});
  ASSERT_TRUE(permit);
  permit->failed();
  EXPECT_THAT(log, ElementsAre("slots:failed", "rate:failed"));
}

TEST_F(GuardChainTest, GivesBackWhatEarlierGuardsGaveWhenALaterOneRefuses) {
  add("rate", 1, Reason::rate_limited);
  add("slots", 1, Reason::concurrency_limited);
  add("breaker", 0, Reason::breaker_open);
  for (int i = 0; i < 2; ++i) {  // the second time only if the first gave all back
    const auto answer = chain.try_start({});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, Reason::breaker_open);
    EXPECT_EQ(answer.error().retry_after, std::chrono::seconds(7));
  }
  EXPECT_THAT(log, ElementsAre("slots:unused", "rate:unused", "slots:unused", "rate:unused"));
  EXPECT_EQ(chain.stats()[0].given_back, 2u);
}

TEST_F(GuardChainTest, AsksNobodyAfterARefusal) {
  add("rate", 0, Reason::rate_limited);
  add("slots", 1, Reason::concurrency_limited);
  EXPECT_FALSE(chain.try_start({}));
  EXPECT_EQ(chain.stats()[1].permitted, 0u);
}

TEST_F(GuardChainTest, CountsRefusalsByReason) {
  add("slots", 1, Reason::concurrency_limited);
  auto permit = chain.try_start({});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(chain.try_start({}));
  EXPECT_EQ(refused(0, Reason::concurrency_limited), 3u);
  EXPECT_EQ(chain.stats()[0].refusals(), 3u);
  EXPECT_EQ(chain.stats()[0].permitted, 1u);
}

TEST_F(GuardChainTest, LetsThroughWhatAnObservedGuardRefusesAndCountsIt) {
  add("new limit", 0, Reason::rate_limited, GuardChain::Mode::observe);
  add("slots", 1, Reason::concurrency_limited);
  auto permit = chain.try_start({});
  ASSERT_TRUE(permit);
  permit->ok();
  EXPECT_EQ(refused(0, Reason::rate_limited), 1u);
  EXPECT_TRUE(chain.stats()[0].observed);
  EXPECT_THAT(log, ElementsAre("slots:ok"));
}

TEST_F(GuardChainTest, TellsAnObservedGuardTheOutcomeOfWhatItPermitted) {
  add("new limit", 1, Reason::rate_limited, GuardChain::Mode::observe);
  auto permit = chain.try_start({});
  permit->ok();
  EXPECT_THAT(log, ElementsAre("new limit:ok"));
}

TEST_F(GuardChainTest, CanItselfBeAGuardOfAChain) {
  auto inner = std::make_unique<GuardChain>(2);
  inner->add("a", std::make_unique<Places>(1, Reason::rate_limited, log, "a"));
  inner->add("b", std::make_unique<Places>(1, Reason::rate_limited, log, "b"));
  chain.add("inner", std::move(inner));
  add("closed", 0, Reason::breaker_open);
  EXPECT_FALSE(chain.try_start({}));
  EXPECT_THAT(log, ElementsAre("b:unused", "a:unused"));
}

TEST_F(GuardChainTest, IgnoresInEveryGuardAPermitThatDies) {
  add("rate", 1, Reason::rate_limited);
  add("slots", 1, Reason::concurrency_limited);
  {
    const auto permit = chain.try_start({});
  }
  EXPECT_THAT(log, ElementsAre("slots:ignored", "rate:ignored"));
}

}  // namespace
}  // namespace weir::async
