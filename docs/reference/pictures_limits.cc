#include "pictures.h"

#include "sim/scenarios.h"

#include <weir/async/concurrency_guard.h>

#include <array>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

namespace weir::pictures {
namespace {

/// 8 slots of 10 ms; 16 from 10 s, 4 from 20 s, and twice the time for each request from 30 s. More comes than it can
/// do.
sim::Setup changing() {
  using Kind = sim::Change::Kind;
  return {.traffic = {{.spans = {{40s, 4000}}, .mix = {0, 0, 1}}},
          .changes = {{10s, Kind::slots, 16}, {20s, Kind::slots, 4}, {30s, Kind::slower, 2}},
          .end = 40s,
          .seed = 1};
}

int slots_at(double s) { return s < 10 ? 8 : s < 20 ? 16 : 4; }

void limits_beside_slots(const char* picture, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const sim::Setup setup = changing();
    const sim::Run run = sim::run(setup, sim::limiter(name).make(setup.service));
    for (std::size_t tick = 0; tick < 8000; tick += 40)
      point(picture, name, static_cast<double>(tick) * 0.005, run.limits[tick]);
  }
  for (int tenth = 0; tenth < 400; tenth += 2) point(picture, "slots", tenth / 10.0, slots_at(tenth / 10.0));
}

/// The longest of what was seen in each 50 ms, as a series.
class Longest {
 public:
  Longest(const char* picture, const char* series) : picture_(picture), series_(series) {}
  void saw(Duration waited) { longest_ = std::max(longest_, waited); }
  void end_of(int ms) {
    if (ms % 50 != 49) return;
    point(picture_, series_, (ms + 1) / 1000.0, seconds(longest_) * 1e3);
    longest_ = Duration{0};
  }

 private:
  const char* picture_;
  const char* series_;
  Duration longest_{0};
};

/// A service that begins one request in each millisecond; two come in each between 1 and 3 s, else one in each two.
/// Of ten one is critical, six are normal and three batch.
Priority nth(std::uint64_t n) {
  return n % 10 == 0 ? Priority::critical : n % 10 < 7 ? Priority::normal : Priority::batch;
}
int come_in(int ms) { return ms >= 1000 && ms < 3000 ? 2 : ms % 2; }

void waiting_room() {
  flow::WaitingRoom room({.longest = 400ms});
  std::array<Longest, 3> waited{Longest("waiting_room", "critical"), Longest("waiting_room", "normal"),
                                Longest("waiting_room", "batch")};
  std::vector<std::pair<TimePoint, Priority>> came;
  TimePoint now = start;
  for (int ms = 0; ms < 5000; ++ms, now += 1ms) {
    for (int i = come_in(ms); i > 0; --i) {
      const Priority priority = nth(came.size());
      came.emplace_back(now, priority);
      (void)room.enter({.id = came.size() - 1, .priority = priority}, never, now);
    }
    while (const auto late = room.expired(now)) (void)late;
    for (auto called = room.next(now); called; called = room.next(now)) {
      if (called->refused) continue;
      const Priority of = came[called->id].second;
      waited[of == Priority::critical ? 0 : of == Priority::normal ? 1 : 2].saw(called->waited);
      room.answered(8ms, Duration{0}, now);
      break;
    }
    for (Longest& longest : waited) longest.end_of(ms);
  }
  Longest one("waiting_room", "one queue without a bound");
  std::deque<TimePoint> queue;
  now = start;
  for (int ms = 0; ms < 5000; ++ms, now += 1ms) {
    for (int i = come_in(ms); i > 0; --i) queue.push_back(now);
    if (!queue.empty()) {
      one.saw(std::min<Duration>(now - queue.front(), 500ms));
      queue.pop_front();
    }
    one.end_of(ms);
  }
}

/// Who sends when: one that floods between 1 and 3 s, one at half of what it may have, one of twice the weight that
/// always has work. A turn each 5 ms.
void fair_shares() {
  enum Share : std::uint32_t { flood, calm, heavy };
  flow::FairShares shares(3);
  std::array<int, 3> waiting{};
  std::array<Rate, 3> turns{Rate("fair_shares", "floods from 1 to 3 s", 250ms),
                            Rate("fair_shares", "sends 20 a second", 250ms),
                            Rate("fair_shares", "has work always, weight 2", 250ms)};
  const auto weight = [](std::uint32_t share) { return share == heavy ? 2u : 1u; };
  const auto join = [&](Share share) {
    ++waiting[share];
    shares.joined(share, weight(share));
  };
  TimePoint now = start;
  for (int ms = 0; ms < 5000; ++ms, now += 1ms) {
    if (ms >= 1000 && ms < 3000) join(flood);
    if (ms % 50 == 0) join(calm);
    if (waiting[heavy] == 0) join(heavy);
    if (ms % 5 == 0) {
      const auto next = shares.next();
      --waiting[*next];
      shares.served(*next, weight(*next));
      turns[*next].count(now);
    }
    if (ms == 3000) {  // it hangs up
      for (; waiting[flood] > 0; --waiting[flood]) shares.left(flood, 1);
    }
    for (Rate& rate : turns) rate.advance(now);
  }
}

struct Tenant final : async::Caller {
  explicit Tenant(const char* n) : name(n) {}
  const char* name;
  std::string_view header(std::string_view) const override { return name; }
};

/// Requests to a service of 4 slots and 10 ms: nine tenants send 20 a second each, one 2000 a second from 1 to 3 s.
class GuardedService {
 public:
  explicit GuardedService(const async::ConcurrencyGuardConfig& config) : guard_(config, context_) {
    clock_.advance(start - clock_.now());
  }
  template <typename Served>
  void run(Served served) {
    const Tenant flood("flood");
    const std::array<Tenant, 9> calm{Tenant("1"), Tenant("2"), Tenant("3"), Tenant("4"), Tenant("5"),
                                     Tenant("6"), Tenant("7"), Tenant("8"), Tenant("9")};
    for (int ms = 0; ms < 5000; ++ms, clock_.advance(1ms)) {
      if (ms >= 1000 && ms < 3000) arrive(flood), arrive(flood);
      for (std::size_t i = 0; i < calm.size(); ++i)
        if (ms % 50 == static_cast<int>(5 * i)) arrive(calm[i]);
      turn(served);
    }
    for (Call& call : calls_) call.permit.unused();
  }

 private:
  struct Call {
    bool floods;
    std::unique_ptr<async::Waiter> waiter;
    async::Permit permit;
    TimePoint ends = never;
    bool over = false;
  };
  void arrive(const Tenant& tenant) {
    auto waiter = std::make_unique<async::Waiter>();
    auto permit = guard_.try_start({.caller = &tenant, .waiter = waiter.get()});
    if (!permit) return;
    const TimePoint ends = waiter->waits() ? never : context_.now() + 10ms;
    calls_.push_back({tenant.name == std::string_view("flood"), std::move(waiter), std::move(*permit), ends});
  }
  template <typename Served>
  void turn(Served served) {
    const TimePoint now = context_.now();
    for (Call& call : calls_)
      if (call.ends <= now) {
        call.permit.ok();
        call.over = true;
        served(call.floods, now);
      }
    for (Call& call : calls_) {
      if (call.over || call.ends != never) continue;
      const auto found = call.waiter->look();
      if (found && *found) call.ends = now + 10ms;
      if (found && !*found) call.permit.unused(), call.over = true;
    }
    std::erase_if(calls_, [](const Call& call) { return call.over; });
    served(std::nullopt, now);
  }

  ManualClock clock_;
  Context context_{clock_};
  async::ConcurrencyGuard guard_;
  std::deque<Call> calls_;
};

void concurrency_guard() {
  async::ConcurrencyGuardConfig config{
      .limit = {.algorithm = flow::AnyLimitConfig::Algorithm::fixed, .range = {.start = 4}}, .max_wait = 100ms};
  const auto run = [&](const char* nine_are, const char* flood_is) {
    Rate nine("concurrency_guard", nine_are, 250ms);
    std::optional<Rate> flood;
    if (flood_is) flood.emplace("concurrency_guard", flood_is, 250ms);
    GuardedService(config).run([&](std::optional<bool> floods, TimePoint now) {
      if (!floods) return nine.advance(now), flood ? flood->advance(now) : void();
      if (!*floods) nine.count(now);
      if (*floods && flood) flood->count(now);
    });
  };
  run("the nine, first come first served", nullptr);
  config.tenant = {.of = async::ClientKey::Of::header, .header = "X-Tenant"};
  run("the nine, with shares", "the flood, with shares");
}

}  // namespace

void limits() {
  limits_beside_slots("adaptive_limit", {"adaptive", "Gradient2"});
  limits_beside_slots("aimd_limit", {"AIMD"});
  limits_beside_slots("vegas_limit", {"Vegas"});
  limits_beside_slots("gradient2_limit", {"Gradient2"});
  waiting_room();
  fair_shares();
  concurrency_guard();
}

}  // namespace weir::pictures
