#include <weir/flow/demand/ledger.h>

#include <gtest/gtest.h>

#include <limits>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{100s};

NodeAccount balanced() {
  return {.in = 100,
          .created = {.recovered = 5, .aggregate = 2, .split = 3},
          .emitted = 60,
          .consumed =
              {.stored = 10, .filtered = 9, .merged = 8, .dead_lettered = 7, .dropped = 6, .failed = 4, .abandoned = 1},
          .pending = 5};
}

TEST(Ledger, ABalancedNodeHasNoDifference) { EXPECT_EQ(balanced().difference(), 0); }

TEST(Ledger, EveryTermOfANodeCountsOnItsSide) {
  auto plus_one = [](auto member) {
    auto account = balanced();
    ++member(account);
    return account.difference();
  };
  using A = NodeAccount;
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.in; }), 1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.created.recovered; }), 1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.created.aggregate; }), 1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.created.split; }), 1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.emitted; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.stored; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.filtered; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.merged; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.dead_lettered; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.dropped; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.failed; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.consumed.abandoned; }), -1);
  EXPECT_EQ(plus_one([](A& a) -> auto& { return a.pending; }), -1);
}

TEST(Ledger, EveryTermOfAnEdgeCountsOnItsSide) {
  const EdgeAccount account{.offered = 10, .delivered = 4, .refused = 3, .dropped = 2, .pending = 1};
  EXPECT_EQ(account.difference(), 0);
  auto lost = account, doubled = account;
  lost.pending = 0;
  doubled.delivered += 2;
  EXPECT_EQ(lost.difference(), 1);
  EXPECT_EQ(doubled.difference(), -2);
  EXPECT_EQ((EdgeAccount{.offered = 3, .refused = 1, .dropped = 1}.difference()), 1);
}

TEST(Ledger, AnUncountedDropIsNoticed) {
  auto account = balanced();
  --account.consumed.dropped;
  EXPECT_EQ(judge_at_rest(account.difference()), Verdict::violation);
}

TEST(Ledger, ADoubleSettlementIsNoticedWhileRunning) {
  auto account = balanced();
  ++account.consumed.stored;
  EXPECT_EQ(judge(account.difference(), 1000, 0s), Verdict::violation) << "more cannot have ended than came";
}

TEST(Ledger, G2RunningMayShowOnlyWhatIsInFlight) {
  EXPECT_EQ(judge(0, 0, 0s), Verdict::ok);
  EXPECT_EQ(judge(0, 0, 1h), Verdict::ok);
  EXPECT_EQ(judge(512, 512, 1s), Verdict::surplus_in_flight);
  EXPECT_EQ(judge(513, 512, 1s), Verdict::violation);
  EXPECT_EQ(judge(-1, 512, 0s), Verdict::violation);
  EXPECT_EQ(judge(-1, std::numeric_limits<std::uint64_t>::max(), 0s), Verdict::violation);
  EXPECT_EQ(judge(std::numeric_limits<std::int64_t>::min(), 512, 0s), Verdict::violation);
}

TEST(Ledger, G2ADifferenceOlderThanTenSecondsIsAViolation) {
  EXPECT_EQ(judge(1, 512, 10s), Verdict::surplus_in_flight);
  EXPECT_EQ(judge(1, 512, 10s + 1ns), Verdict::violation);
}

TEST(Ledger, G2AtRestTheDifferenceIsExactlyZero) {
  EXPECT_EQ(judge_at_rest(0), Verdict::ok);
  EXPECT_EQ(judge_at_rest(1), Verdict::violation);
  EXPECT_EQ(judge_at_rest(-1), Verdict::violation);
}

TEST(LedgerWatch, MeasuresAgeFromTheLastTimeItBalanced) {
  LedgerWatch watch;
  EXPECT_EQ(watch.judge(3, 10, t0), Verdict::surplus_in_flight);
  EXPECT_EQ(watch.judge(5, 10, t0 + 8s), Verdict::surplus_in_flight);
  EXPECT_EQ(watch.judge(0, 10, t0 + 9s), Verdict::ok);
  EXPECT_EQ(watch.judge(1, 10, t0 + 19s), Verdict::surplus_in_flight);
  EXPECT_EQ(watch.judge(1, 10, t0 + 20s), Verdict::violation);
  EXPECT_EQ(watch.judge(0, 10, t0 + 21s), Verdict::ok);
}

}  // namespace
}  // namespace weir::flow
