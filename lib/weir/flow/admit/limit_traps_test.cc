// Faults of other limiters, with a room before the limit and permits for what is at the service.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/waiting_room.h>

#include <map>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{100s};

/// A room before a limit, as its owner uses them.
template <ConcurrencyLimit L>
class Gateway {
 public:
  explicit Gateway(L limit) : in_flight(std::move(limit)) {}

  /// Starts it, lets it wait, or refuses it.
  void ask(std::uint64_t id, TimePoint now, TimePoint deadline = never) {
    if (in_flight.has_room() && room.empty()) {
      running.emplace(id, in_flight.start(now));
      return;
    }
    const auto entered = room.enter({.id = id, .deadline = deadline}, in_flight.reached_since(), now);
    if (entered) waiting[id] = entered->place;
    if (entered && entered->pushed_out) waiting.erase(*entered->pushed_out);
    call(now);
  }
  void end(std::uint64_t id, TimePoint now) {
    auto permit = std::move(running.extract(id).mapped());
    room.answered(now - permit.started(), in_flight.limit().wait_inside(), now);
    permit.answered(!room.empty(), now);
    call(now);
  }
  void give_up(std::uint64_t id, TimePoint now) {
    room.leave(waiting[id], now);
    waiting.erase(id);
  }
  void look(TimePoint now) {
    while (const auto called = room.expired(now)) waiting.erase(called->id);
  }

  InFlight<L> in_flight;
  WaitingRoom room{{}};
  std::map<std::uint64_t, typename InFlight<L>::Permit> running;
  std::map<std::uint64_t, WaitingRoom::Handle> waiting;

 private:
  void call(TimePoint now) {
    while (in_flight.has_room()) {
      const auto called = room.next(now);
      if (!called) break;
      waiting.erase(called->id);
      if (!called->refused) running.emplace(called->id, in_flight.start(now));
    }
    in_flight.left_free();
  }
};

TEST(LimitTraps, WaitersThatGaveUpTakeNoPermit) {
  Gateway gateway(FixedLimit({8}));
  TimePoint now = start;
  for (std::uint64_t id = 0; id < 8; ++id) gateway.ask(id, now);
  for (std::uint64_t id = 100; id < 108; ++id) gateway.ask(id, now, now + 20ms);
  ASSERT_EQ(gateway.waiting.size(), 8u);
  gateway.look(now += 20ms);
  EXPECT_TRUE(gateway.waiting.empty());
  for (std::uint64_t id = 0; id < 8; ++id) gateway.end(id, now);
  EXPECT_EQ(gateway.in_flight.in_flight(), 0u);
  for (std::uint64_t id = 200; id < 208; ++id) gateway.ask(id, now);
  EXPECT_EQ(gateway.running.size(), 8u) << "at once";
  gateway.running.clear();
}

TEST(LimitTraps, TenThousandRoundsOfGivingUpLoseNoPermit) {
  Gateway gateway(FixedLimit({8}));
  Rng rng(9);
  TimePoint now = start;
  for (std::uint64_t id = 0; id < 10'000; ++id) {
    gateway.ask(id, now += 100us, rng.below(2) == 0 ? never : now + 1ms);
    if (!gateway.waiting.empty() && rng.below(3) == 0) gateway.give_up(gateway.waiting.begin()->first, now);
    if (!gateway.running.empty() && rng.below(2) == 0) gateway.end(gateway.running.begin()->first, now);
    gateway.look(now);
    ASSERT_EQ(gateway.in_flight.in_flight(), gateway.running.size());
    ASSERT_LE(gateway.running.size(), 8u);
    ASSERT_EQ(gateway.room.waiting(), gateway.waiting.size());
    ASSERT_TRUE(gateway.waiting.empty() || gateway.running.size() == 8) << "nobody waits while a place is free";
  }
  while (!gateway.running.empty()) gateway.end(gateway.running.begin()->first, now);
  EXPECT_EQ(gateway.in_flight.in_flight(), 0u);
  EXPECT_TRUE(gateway.room.empty());
}

TEST(LimitTraps, WorkThatRunsOnAfterItsDeadlineKeepsItsPlace) {
  Gateway gateway(FixedLimit({4}));
  TimePoint now = start;
  std::map<std::uint64_t, TimePoint> ends;  // 5 s of work; clients leave after 50 ms, and ask again
  std::uint64_t id = 0;
  for (; now < start + 20s; now += 50ms) {
    for (int i = 0; i < 10; ++i) gateway.ask(id++, now, now + 50ms);
    for (const auto& [one, permit] : gateway.running) ends.try_emplace(one, now + 5s);
    ASSERT_LE(gateway.running.size(), 4u);
    ASSERT_EQ(gateway.in_flight.in_flight(), gateway.running.size()) << "and it says so";
    gateway.look(now);
    for (auto end = ends.begin(); end != ends.end();) {
      if (end->second > now) {
        ++end;
        continue;
      }
      gateway.end(end->first, now);
      end = ends.erase(end);
    }
  }
  gateway.running.clear();
}

TEST(LimitTraps, AServiceThatOnlyTimesOutIsLeftAloneAndUsedAgainAfter) {
  InFlight<AdaptiveLimit> in_flight{AdaptiveLimit{{}}};
  TimePoint now = start;
  const auto turns = [&](int times, Duration time, bool fails) {
    for (int i = 0; i < times; ++i) {
      std::vector<InFlight<AdaptiveLimit>::Permit> permits;
      while (auto permit = in_flight.try_start(now)) permits.push_back(std::move(*permit));
      now += time;
      for (auto& permit : permits) fails ? permit.failed(true, now) : permit.answered(true, now);
    }
    return in_flight.limit().limit();
  };
  const auto before = turns(40, 10ms, false);
  ASSERT_GE(before, 16u);
  EXPECT_LE(turns(6, 1s, true), before / 4) << "within six turns";
  EXPECT_GE(turns(400, 10ms, false), before);
}

/// Users in a closed loop: each of a user's threads calls, takes about a second of the service, thinks, and calls
/// again.
struct User {
  int threads;
  double think;
  std::uint32_t weight = 1;
};

/// The calls that each got, of `slots` for `time` seconds.
std::vector<double> served(std::vector<User> users, int slots, double time) {
  FairShares fair(static_cast<std::uint32_t>(users.size()));
  Rng rng(1);
  std::multimap<double, std::pair<std::uint32_t, bool>> agenda;  // when, whose, whether it ends a call
  const auto thinks = [&](std::uint32_t user) { return users[user].think * rng.uniform(0.9, 1.1); };
  for (std::uint32_t user = 0; user < users.size(); ++user)
    for (int i = 0; i < users[user].threads; ++i) agenda.emplace(thinks(user), std::pair(user, false));
  std::vector<double> got(users.size());
  for (int busy = 0; !agenda.empty() && agenda.begin()->first < time;) {
    const auto [now, event] = *agenda.begin();
    agenda.erase(agenda.begin());
    const auto [user, ends] = event;
    if (ends) {
      --busy;
      got[user] += 1;
      agenda.emplace(now + thinks(user), std::pair(user, false));
    } else {
      fair.joined(user, users[user].weight);
    }
    for (; busy < slots && fair.waiting() > 0; ++busy) {
      const auto next = *fair.next();
      fair.served(next, users[next].weight);
      agenda.emplace(now + rng.uniform(0.8, 1.2), std::pair(next, true));
    }
  }
  return got;
}

TEST(Fairness, EqualUsersGetEqualServiceAndOneThatWantsLessGetsAllItWants) {
  const auto equal = served({{8, 1}, {8, 1}}, 4, 2000);
  EXPECT_NEAR(equal[0] / equal[1], 1, 0.01);
  EXPECT_NEAR(equal[0] + equal[1], 8000, 80) << "nothing is idle";
  const auto unlike = served({{8, 0}, {4, 0}}, 3, 2000);
  EXPECT_NEAR(unlike[0] / unlike[1], 1, 0.01) << "half of three is less than either wants";
  const auto few = served({{4, 0}, {2, 0}}, 3, 2000);
  EXPECT_GE(few[1], 0.9 * few[0]) << "two threads that wait for the next slot each time just miss their half";
  const auto modest = served({{20, 0}, {1, 1}}, 4, 2000);
  EXPECT_GE(modest[1], 600) << "a second of work, one of thought, at most one to wait for a slot";
  EXPECT_NEAR(modest[0] + modest[1], 8000, 80);
}

TEST(Fairness, TenTenantsOfWhomOneAsksForFiftyTimesItsShareGetATenthEach) {
  std::vector<User> users(10, {4, 0});
  users[3].threads = 200;
  const auto got = served(users, 8, 3000);
  for (const double one : got) EXPECT_NEAR(one, 2400, 0.03 * 2400);
}

TEST(Fairness, WeightsOfOneToTenGetServiceInThatRatio) {
  std::vector<User> users;
  for (std::uint32_t weight = 1; weight <= 10; ++weight) users.push_back({40, 0, weight});
  const auto got = served(users, 8, 5000);
  for (std::size_t i = 0; i < users.size(); ++i)
    EXPECT_NEAR(got[i], 40'000.0 / 55 * users[i].weight, 0.03 * 40'000.0 / 55 * users[i].weight) << i + 1;
}

}  // namespace
}  // namespace weir::flow
