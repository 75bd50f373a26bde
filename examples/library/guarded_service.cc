// Five guards before one handler. Ten clients ask sixty times a second each and an eleventh a thousand times; the
// handler can do 800 requests a second, and fails for two seconds. Nobody tells the guards what it can do. Time is a
// ManualClock: twelve virtual seconds take a moment, and every run is the same.
#include <weir/async/limit_guard.h>
#include <weir/async/rate_guard.h>
#include <weir/async/recover_guards.h>
#include <weir/flow/admit/adaptive_limit.h>

#include <algorithm>
#include <cstdio>
#include <map>

using namespace weir;
using namespace std::chrono_literals;

/// Eight places, 10 ms a request; what it was asked to do ends in the order in which it began.
struct Handler {
  std::vector<TimePoint> places = std::vector<TimePoint>(8);
  std::multimap<TimePoint, std::pair<int, async::Permit>> running;  // by their end; whose it is

  void begin(int client, async::Permit permit, TimePoint now) {
    auto place = std::ranges::min_element(places);
    *place = std::max(*place, now) + 10ms;
    running.emplace(*place, std::pair(client, std::move(permit)));
  }
};

/// The header that names the client.
struct Request final : async::Caller {
  std::string key;
  std::string_view header(std::string_view name) const override {
    return name == "X-Client" ? key : std::string_view{};
  }
};

int main() {
  ManualClock clock;
  const Context context(clock);
  const async::ClientKey client{.of = async::ClientKey::Of::header, .header = "X-Client"};

  async::GuardChain guards(5);  // asked in this order; what was taken before a refusal is given back
  const auto rate = [&](const char* name, std::uint64_t limit, std::uint64_t burst, const async::ClientKey& key) {
    return std::make_unique<async::RateGuard>(
        async::RateGuardConfig{.name = name, .limit = {.limit = limit, .burst = burst}, .key = key}, context);
  };
  guards.add("strict", rate("strict", 50, 10, client), async::GuardChain::Mode::observe);  // what if it were 50?
  guards.add("all", rate("all", 5000, 500, {}));
  guards.add("each", rate("each", 100, 20, client));
  guards.add("breaker", std::make_unique<async::BreakerGuard>(
                            flow::BreakerConfig{.consecutive_failures = 20, .open = 500ms}, context));
  guards.add("adaptive", std::make_unique<async::LimitGuard<flow::AdaptiveLimit>>(flow::AdaptiveLimit({}), context));

  Handler handler;
  std::vector<int> asked(11), answered(11), failed(11);
  const TimePoint start = context.now();
  const auto broken = [&](TimePoint now) { return now >= start + 5s && now < start + 7s; };

  for (int tick = 0; tick < 12'000; ++tick, clock.advance(1ms)) {
    const TimePoint now = context.now();
    while (!handler.running.empty() && handler.running.begin()->first <= now) {
      auto [whose, permit] = std::move(handler.running.extract(handler.running.begin()).mapped());
      broken(now) ? permit.failed() : permit.ok();
      ++(broken(now) ? failed : answered)[static_cast<std::size_t>(whose)];
    }
    for (int who = 0; who < 11; ++who) {
      const bool asks = who == 10 || (tick + 2 * who) % 17 == 0;
      if (!asks) continue;
      Request request;
      request.key = "client-" + std::to_string(who);
      ++asked[static_cast<std::size_t>(who)];
      auto permit = guards.try_start({.caller = &request});  // its Rejection says why, and when to come back
      if (permit) handler.begin(who, std::move(*permit), now);
    }
  }
  handler.running.clear();  // permits end before their guards

  int polite_asked = 0, polite = 0, touched = 0;
  for (std::size_t who = 0; who < 10; ++who) {
    polite_asked += asked[who];
    polite += answered[who];
    touched += failed[who];
  }
  touched += failed[10];
  for (const auto& guard : guards.stats())
    std::printf("%-9s let through %6lu  refused %6lu%s  given back %5lu\n", guard.name.c_str(), guard.permitted,
                guard.refusals(), guard.observed ? " (only counted)" : "", guard.given_back);
  std::printf("polite clients: %d of %d answered; the greedy one: %d of %d\n", polite, polite_asked, answered[10],
              asked[10]);
  std::printf("while the handler was broken it got %d calls instead of about 1400\n", touched);
  const bool polite_served =
      polite > 0.75 * polite_asked;  // a sixth of the time it was broken, and looked at each 0.5 s
  const bool greedy_held = answered[10] <= 100 * 12 + 20;
  return polite_served && greedy_held && touched < 200 ? 0 : 1;
}
