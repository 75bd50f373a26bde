// What a promise to who is refused at a full limit is worth: an open load of clients that come back when told, against
// a room, eight slots of exponential 10 ms and a limit that is not told of them, in virtual time.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/returners.h>
#include <weir/flow/admit/waiting_room.h>

#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <queue>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start = TimePoint(1000s);
constexpr std::uint32_t slots = 8;
constexpr double service_time = 0.01, capacity = slots / service_time;

struct Load {
  double rate = 0;      ///< new clients, as a multiple of the capacity
  double once = 0;      ///< which part of them never comes back
  double critical = 0;  ///< more of these, which never come back
};

struct Figures {
  double back = 0, admitted = 0, busy = 0;
  double newcomers = 0, newcomers_admitted = 0, part = 0;
};

class World {
 public:
  World(bool with_promises, std::uint64_t seed) : with_promises_(with_promises), rng_(seed) {}

  /// The load for `time`, then what is left of it for `after`.
  Figures run(const Load& load, Duration time, Duration after = 0s) {
    end_ = start + time;
    arrive_next(load, Priority::normal, load.rate);
    if (load.critical > 0) arrive_next(load, Priority::critical, load.critical);
    at(start, [this] { look(); });
    while (!events_.empty() && events_.top().at < end_ + after) {
      Event event = events_.top();
      events_.pop();
      now_ = event.at;
      event.what();
    }
    permits_.clear();
    figures_.part = returners_.stats().part;
    figures_.busy /= seconds(time) * slots;
    return figures_;
  }

 private:
  struct Event {
    TimePoint at;
    std::function<void()> what;
    bool operator<(const Event& o) const { return at > o.at; }
  };
  struct Client {
    std::uint64_t key;
    Priority priority;
    bool once;
    int tried = 0;
    bool back = false;
  };

  double around(double mean) { return -mean * std::log(1 - rng_.uniform()); }
  void at(TimePoint when, std::function<void()> what) { events_.push({when, std::move(what)}); }
  void look() {
    while (const auto called = room_.expired(now_)) refuse(called->id);
    at(now_ + 5ms, [this] { look(); });
  }
  void arrive_next(const Load& load, Priority priority, double rate) {
    const TimePoint when = now_ + from_seconds(around(1 / (rate * capacity)));
    if (when >= end_) return;
    at(when, [=, this] {
      clients_.push_back({++keys_, priority, priority == Priority::critical || rng_.uniform() < load.once});
      ask(clients_.size() - 1);
      arrive_next(load, priority, rate);
    });
  }
  void ask(std::size_t id) {
    Client& client = clients_[id];
    client.back = with_promises_ && returners_.came_back(client.key, now_);
    ++client.tried;
    count(client, 1, 0);
    if (in_flight_.has_room() && room_.empty()) return begin(id);
    const auto entered =
        room_.enter({.id = id, .priority = client.priority, .returns = client.back}, in_flight_.reached_since(), now_);
    if (!entered) return refuse(id);
    if (entered->pushed_out) refuse(*entered->pushed_out);
    call_next();
  }
  /// Of the first try, and of the first one after it.
  void count(const Client& client, int came, int admitted) {
    if (client.priority == Priority::critical || client.tried > 2) return;
    (client.tried == 2 ? figures_.back : figures_.newcomers) += came;
    (client.tried == 2 ? figures_.admitted : figures_.newcomers_admitted) += admitted;
  }
  void begin(std::size_t id) {
    Client& client = clients_[id];
    count(client, 0, 1);
    if (client.back) returners_.kept(true);
    permits_.emplace(id, in_flight_.start(now_));
    const Duration takes = from_seconds(around(service_time));
    if (now_ < end_) figures_.busy += seconds(std::min(takes, end_ - now_));
    at(now_ + takes, [this, id, takes] {
      permits_.at(id).answered(!room_.empty(), now_);
      permits_.erase(id);
      room_.answered(takes, 0s, now_);
      call_next();
    });
  }
  void call_next() {
    while (in_flight_.has_room()) {
      const auto called = room_.next(now_);
      if (!called) break;
      called->refused ? refuse(called->id) : begin(called->id);
    }
    in_flight_.left_free();
  }
  void refuse(std::size_t id) {
    Client& client = clients_[id];
    if (client.back) returners_.kept(false);
    const Duration told = with_promises_ ? returners_.tell(client.key, room_.dispatches_of_others(), now_)
                                         : times_.tell(in_flight_.between_ends(), now_);
    if (client.once || client.tried == 9) return;
    at(now_ + told + from_seconds(around(0.005)), [this, id] { ask(id); });
  }

  bool with_promises_;
  Rng rng_;
  WaitingRoom room_{{.shares = 1, .longest = 100ms}};
  InFlight<FixedLimit> in_flight_{FixedLimit({slots})};
  Returners returners_;
  ReturnTimes times_;
  TimePoint now_ = start, end_{};
  std::uint64_t keys_ = 0;
  std::deque<Client> clients_;
  std::map<std::size_t, InFlight<FixedLimit>::Permit> permits_;
  std::priority_queue<Event> events_;
  Figures figures_;
};

void say(const char* what, const Figures& f) {
  std::printf("[ figures  ] %-40s back %6.0f, admitted %.3f; new admitted %.3f; slots busy %.3f; part %.2f\n", what,
              f.back, f.admitted / std::max(1.0, f.back), f.newcomers_admitted / f.newcomers, f.busy, f.part);
}

TEST(Returners, WhoIsBackWhenToldIsAdmittedAndNoSlotIsIdleForIt) {
  say("2 C, without", World(false, 1).run({.rate = 2}, 6s, 8s));
  for (const auto& [name, load] :
       {std::pair("2 C", Load{.rate = 2}), std::pair("1.2 C", Load{.rate = 1.2}), std::pair("10 C", Load{.rate = 10}),
        std::pair("2 C, half of them never come back", Load{.rate = 2, .once = 0.5}),
        std::pair("2 C and 0.5 C critical", Load{.rate = 2, .critical = 0.5})})
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      const Figures figures = World(true, seed).run(load, 6s, 8s);
      say(name, figures);
      EXPECT_GT(figures.back, 100) << name;
      EXPECT_GE(figures.admitted / figures.back, 0.9) << name << ", seed " << seed;
      EXPECT_GE(figures.busy, 0.95) << name << ", seed " << seed;
    }
}

TEST(Returners, OneThatAsksOftenBooksOnePlace) {
  Returners returners;
  EXPECT_EQ(returners.tell(7, PerSecond{2}, start), 1s);
  for (int i = 0; i < 1000; ++i) (void)returners.tell(7, PerSecond{2}, start + 200ms);
  EXPECT_EQ(returners.stats().promised, 1u);
  EXPECT_EQ(returners.tell(8, PerSecond{2}, start + 300ms), 2s) << "one a second of two, and no thousand of them";
  EXPECT_TRUE(returners.came_back(7, start + 1s)) << "its own promise holds";
  EXPECT_FALSE(returners.came_back(7, start + 1s));
}

TEST(Returners, ClientsThatAreTakenForOneAreSpread) {
  Returners returners;
  std::map<Duration, int> told;
  for (int i = 0; i < 100; ++i) ++told[returners.tell(7, PerSecond{20}, start + 200ms)];
  EXPECT_GE(told.size(), 5u);
  for (const auto& [when, count] : told) EXPECT_LE(count, 21) << when.count();
}

TEST(Returners, APromiseHoldsAtItsTimeAndOnce) {
  const auto told = [] {
    Returners returners;
    EXPECT_EQ(returners.tell(7, PerSecond{100}, start), 1s);
    return returners;
  };
  EXPECT_FALSE(told().came_back(7, start + 900ms)) << "early";
  EXPECT_TRUE(told().came_back(7, start + 960ms)) << "within the tolerance";
  EXPECT_TRUE(told().came_back(7, start + 6s)) << "late";
  EXPECT_FALSE(told().came_back(7, start + 7s)) << "too late";
  EXPECT_FALSE(told().came_back(8, start + 1s)) << "another one";
  Returners returners = told();
  EXPECT_TRUE(returners.came_back(7, start + 1s));
  EXPECT_FALSE(returners.came_back(7, start + 1s)) << "a second time";
}

TEST(Returners, WhereNoPlaceIsLeftNothingIsPromised) {
  Returners returners({.clients = 16});
  for (std::uint64_t key = 1; key <= 16; ++key) EXPECT_EQ(returners.tell(key, PerSecond{1000}, start), 1s);
  EXPECT_EQ(returners.tell(17, PerSecond{1000}, start), 60s);
  EXPECT_FALSE(returners.came_back(17, start + 60s));
  EXPECT_TRUE(returners.came_back(1, start + 1s)) << "nobody was pushed out";
  EXPECT_EQ(returners.stats().unpromised, 1u);
  EXPECT_EQ(returners.tell(17, PerSecond{1000}, start + 8s), 1s) << "the places of who never came are free again";
}

TEST(Returners, PromisesFewerWhileThoseThatHoldAreNotKept) {
  Returners returners;
  for (int i = 0; i < 100; ++i) returners.kept(false);
  EXPECT_LT(returners.stats().part, 0.2);
  EXPECT_GE(returners.stats().part, Returners::least_part);
  for (int i = 0; i < 1000; ++i) returners.kept(true);
  EXPECT_DOUBLE_EQ(returners.stats().part, Returners::most_part);
}

}  // namespace
}  // namespace weir::flow
