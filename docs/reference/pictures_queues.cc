#include "pictures.h"

#include <weir/flow/admit/door.h>
#include <weir/flow/admit/token_bucket.h>
#include <weir/flow/demand/budget.h>
#include <weir/flow/demand/credit.h>
#include <weir/flow/queue/edge.h>

#include <deque>
#include <map>
#include <vector>

namespace weir::pictures {
namespace {

using flow::Edge;
using flow::EdgeConfig;
using flow::WhenFull;

/// 1000 served a second; `arrivals(ms)` come in each millisecond. Tells the age of what is served.
template <typename Arrivals, typename Served>
void serve(const EdgeConfig& config, int ms_in_all, Arrivals&& arrivals, Served&& served) {
  Edge<Item> edge(config, 1);
  flow::DroppedItems<Item> out;
  TimePoint now = start;
  for (int ms = 0; ms < ms_in_all; ++ms, now += 1ms) {
    for (int n = arrivals(ms, edge); n > 0; --n) (void)edge.push(Item{1, now}, now, out);
    out.clear();
    Item item;
    if (edge.pop({1, 1_KiB}, now, item, out)) {
      served(ms, edge, now - item.born);
      edge.served(1, 1ms);
    }
  }
}

/// Twice the capacity between 0.5 and 2.5 s, half of it before and after.
int overload(int ms) { return ms >= 500 && ms < 2500 ? 2 : ms % 2; }

void when_full() {
  for (const WhenFull policy : {WhenFull::reject, WhenFull::drop_oldest, WhenFull::drop_random})
    serve(
        {.bound = {400, 1_MiB}, .when_full = policy}, 4000, [](int ms, auto&) { return overload(ms); },
        [&](int ms, auto&, Duration age) {
          const char* series = policy == WhenFull::reject ? "reject, drop_newest" : name(policy).data();
          if (ms % 40 == 0) point("when_full", series, ms / 1e3, seconds(age) * 1e3);
        });
}

void watermarks() {
  serve(
      {.bound = {400, 1_MiB}, .when_full = WhenFull::block}, 3000,
      [](int, auto& edge) { return edge.paused() ? 0 : 3; },
      [](int ms, auto& edge, Duration) {
        if (ms % 10 != 0) return;
        point("watermark", "waiting", ms / 1e3, static_cast<double>(edge.stats().pending.events));
        point("watermark", "pause_at 0.8", ms / 1e3, 320);
        point("watermark", "resume_at 0.2", ms / 1e3, 80);
      });
}

void codel() {
  for (const bool with : {false, true}) {
    EdgeConfig config{.bound = {8000, 1_MiB}, .when_full = WhenFull::reject};
    if (with) config.codel.emplace();
    serve(
        config, 9000, [](int ms, auto&) { return ms >= 500 && ms < 6500 ? 1 + (ms % 10 == 0) : ms % 2; },
        [&](int ms, auto&, Duration age) {
          if (ms % 25 == 0) point("codel", with ? "CoDel (5 ms, 100 ms)" : "without", ms / 1e3, seconds(age) * 1e3);
        });
  }
}

void lanes() {
  Edge<Item> edge({.bound = {5000, 1_MiB}, .when_full = WhenFull::drop_lowest, .age_boost = 1s}, 1);
  flow::DroppedItems<Item> out;
  TimePoint now = start;
  std::map<Priority, Rate> rates;
  rates.emplace(Priority::high, Rate("lanes", "high", 250ms));
  rates.emplace(Priority::normal, Rate("lanes", "normal", 250ms));
  rates.emplace(Priority::batch, Rate("lanes", "batch", 250ms));
  for (int ms = 0; ms < 6000; ++ms, now += 1ms) {
    const bool busy = ms >= 1000 && ms < 4000;  // high work alone fills the server
    if (busy || ms % 4 == 0) (void)edge.push(Item{1, now, Priority::high}, now, out);
    if (ms % 4 == 1) (void)edge.push(Item{1, now, Priority::normal}, now, out);
    if (ms % 4 == 2) (void)edge.push(Item{1, now, Priority::batch}, now, out);
    Item item;
    if (edge.pop({1, 1_KiB}, now, item, out)) rates.at(item.of).count(now);
    for (auto& [priority, rate] : rates) rate.advance(now);
  }
}

void credit() {
  const Load window{64, Bytes(64 << 10)};
  flow::CreditWindow stream(window), connection(window);
  std::deque<Bytes> under_way;
  std::uint64_t bytes = 0;
  Rng rng(5);
  for (int ms = 0; ms <= 2000; ++ms) {
    const Bytes size(200 + rng.below(1800));
    for (int n = 0; n < 2; ++n)  // the sender would send two a millisecond
      if (flow::try_spend(stream, connection, {1, size})) {
        under_way.push_back(size);
        bytes += size.count();
      }
    const bool stalled = ms >= 800 && ms < 1200;  // the receiver takes one a millisecond, and for a while none
    if (!stalled && !under_way.empty()) {
      const Load done{1, under_way.front()};
      under_way.pop_front();
      bytes -= done.bytes.count();
      WEIR_CHECK(stream.grant(done) && connection.grant(done));
    }
    if (ms % 10 != 0) continue;
    point("credit", "under way", ms / 1e3, static_cast<double>(bytes) / 1024);
    point("credit", "credit left", ms / 1e3, static_cast<double>(stream.bytes()) / 1024);
  }
}

void budget() {
  Budget budget(64_MiB);
  std::deque<std::pair<int, Ticket>> held;
  Rng rng(9);
  for (int ms = 0; ms <= 4000; ms += 10) {
    std::erase_if(held, [&](const auto& one) { return one.first <= ms; });
    for (int n = 0; n < (ms >= 1000 && ms < 3000 ? 4 : 1); ++n) {
      auto ticket = budget.try_take(Bytes(rng.below(2 << 20)));
      if (ticket) held.emplace_back(ms + 100 + static_cast<int>(rng.below(400)), std::move(*ticket));
    }
    if (ms % 20 != 0) continue;
    point("budget", "in use, MiB", ms / 1e3, static_cast<double>(budget.used().count()) / (1 << 20));
    point("budget", "total, MiB", ms / 1e3, 64);
  }
}

void token_bucket() {
  flow::TokenBucket bucket({100}, 50);
  Rate asking("token_bucket", "asking", 200ms), through("token_bucket", "let through", 200ms);
  TimePoint now = start;
  for (int ms = 0; ms < 6000; ++ms, now += 1ms) {
    const int every = ms >= 1000 && ms < 3000 ? 4 : 20;  // 250 a second, else 50
    if (ms % every == 0) {
      asking.count(now);
      if (bucket.try_take(1, now)) through.count(now);
    }
    asking.advance(now);
    through.advance(now);
  }
}

/// 1000 requests a second are served; 2500 come between 5 and 15 s. Who is refused comes back when told.
void door() {
  Edge<Item> edge({.bound = {1000, 1_MiB}, .when_full = WhenFull::reject}, 1);
  flow::DroppedItems<Item> out;
  flow::Door door({}, 1);
  std::multimap<TimePoint, int> returns;
  Rate asked("door", "asking, in 1 s", 1s), admitted("door", "admitted, in 1 s", 1s);
  TimePoint now = start;
  double told_in = 0, told_out = 0;  // of those who come back when told
  auto ask = [&](bool told) {
    asked.count(now);
    const std::array facts{flow::DoorFacts{.pressure = edge.pressure(now), .paused = edge.paused()}};
    const auto answer = door.decide(facts, false, now);
    if (told) ++(answer ? told_in : told_out);
    if (!answer) return (void)returns.emplace(now + answer.error().retry_after, 0);
    admitted.count(now);
    door.on_admitted(1);
    (void)edge.push(Item{1, now}, now, out);
  };
  for (int ms = 0; ms < 40'000; ++ms, now += 1ms) {
    const int fresh = ms >= 5000 && ms < 15'000 ? 2 + ms % 2 : (ms % 2);
    for (int n = 0; n < fresh; ++n) ask(false);
    while (!returns.empty() && returns.begin()->first <= now) {
      returns.erase(returns.begin());
      ask(true);
    }
    Item item;
    if (edge.pop({1, 1_KiB}, now, item, out)) edge.served(1, 1ms);
    asked.advance(now);
    admitted.advance(now);
    if (ms % 100 == 0) point("door", "waiting", ms / 1e3, static_cast<double>(edge.stats().pending.events));
  }
  WEIR_CHECK(told_in > 0.88 * (told_in + told_out) && door.stats().unpromised == 0);  // what the page says
}

void sizing() {
  Edge<Item> edge({.bound = {10'000, 1_MiB}, .max_wait = 200ms, .when_full = WhenFull::reject}, 1);
  flow::DroppedItems<Item> out;
  TimePoint now = start;
  for (int ms = 0; ms < 30'000; ++ms, now += 1ms) {
    const int slow = ms >= 10'000 && ms < 20'000 ? 4 : 1;  // the server takes four times as long
    for (int n = 0; n < 2; ++n) (void)edge.push(Item{1, now}, now, out);
    Item item;
    if (ms % slow == 0 && edge.pop({1, 1_KiB}, now, item, out)) {
      edge.served(1, slow * 1ms);
      if (ms % 200 == 0) point("sizing", "longest wait, ms", ms / 1e3, seconds(now - item.born) * 1e3);
    }
    if (ms % 200 == 0) point("sizing", "bound, events", ms / 1e3, static_cast<double>(edge.bound_events()));
  }
}

}  // namespace

void queues() {
  when_full();
  watermarks();
  codel();
  lanes();
  credit();
  budget();
  door();
  token_bucket();
  sizing();
}

}  // namespace weir::pictures
