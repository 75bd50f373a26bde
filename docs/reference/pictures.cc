// The runs behind the pictures of docs/reference: the real policies on given time, printed as picture, series, x and y
// between tabs. scripts/reference-docs plots them. Nothing here depends on the machine, so the pictures change only
// with the code.
#include "pictures.h"

#include <weir/async/channel.h>
#include <weir/async/gate.h>
#include <weir/async/recover_guards.h>
#include <weir/async/thread_pool.h>
#include <weir/flow/recover/backoff.h>
#include <weir/flow/recover/retry_throttle.h>

#include <latch>
#include <vector>

namespace weir::pictures {
namespace {

/// Calls of 100 operations a second against something that is down from 2 s to 5 s; each tries four times at most.
/// `may_start(retry, now)` decides about each attempt, `report(ok, now)` hears of it.
template <typename MayStart, typename Tell>
void outage(const char* picture, const char* series, MayStart&& may_start, Tell&& report) {
  TimePoint now = start;
  Rate calls(picture, series, 250ms);
  for (int operation = 0; operation < 800; ++operation, now += 10ms) {
    const bool down = now - start >= 2s && now - start < 5s;
    bool ok = false;
    for (int attempt = 0; attempt < 4 && !ok && may_start(attempt > 0, now); ++attempt) {
      calls.count(now);
      ok = !down;
      report(ok, now);
    }
    calls.advance(now);
  }
}

void breaker() {
  outage("breaker", "without a breaker", [](bool, TimePoint) { return true; }, [](bool, TimePoint) {});
  flow::Breaker breaker({.consecutive_failures = 5, .open = 1s});
  std::optional<flow::Breaker::Permit> permit;
  outage(
      "breaker", "with a breaker (5 in a row, open 1 s)",
      [&](bool, TimePoint now) {
        auto asked = breaker.try_start(now);
        if (asked) permit.emplace(std::move(*asked));
        return asked.has_value();
      },
      [&](bool ok, TimePoint now) { ok ? permit->ok(now) : permit->failed(now); });
  permit.reset();
}

void retry_budget() {
  outage(
      "retry_budget", "every operation tries four times", [](bool, TimePoint) { return true; }, [](bool, TimePoint) {});
  flow::RetryBudget budget({.ratio = 0.2, .minimum = {0}, .window = 2s});
  outage(
      "retry_budget", "retries at most 20 % of the first attempts",
      [&](bool retry, TimePoint now) {
        if (retry) return budget.try_retry(now);
        budget.on_attempt(now);
        return true;
      },
      [](bool, TimePoint) {});
}

void retry_throttle() {
  outage(
      "retry_throttle", "every operation tries four times", [](bool, TimePoint) { return true; },
      [](bool, TimePoint) {});
  flow::RetryThrottle throttle(100, 0.1);
  outage(
      "retry_throttle", "100 tokens, 0.1 back for each success",
      [&](bool retry, TimePoint) { return !retry || throttle.may_retry(); },
      [&](bool ok, TimePoint) { ok ? throttle.on_ok() : throttle.on_failure(); });
}

void guards() {
  ManualClock clock;
  const Context context(clock);
  async::GuardChain chain(2);
  flow::DestinationConfig config;
  config.breaker.open = 1s;
  config.retry_budget = {.ratio = 0.2, .minimum = {0}, .window = 2s};
  chain.add("destination", std::make_unique<async::DestinationGuard>(config, context, 1));
  async::Permit permit;
  const TimePoint zero = context.now();
  outage("guards", "nothing asked", [](bool, TimePoint) { return true; }, [](bool, TimePoint) {});
  outage(
      "guards", "a chain asked: breaker, hold and retry budget",
      [&](bool retry, TimePoint now) {
        clock.advance((now - start) - (context.now() - zero));
        auto asked = chain.try_start({.retry = retry});
        if (asked) permit = std::move(*asked);
        return asked.has_value();
      },
      [&](bool ok, TimePoint) { ok ? permit.ok() : permit.failed(); });
}

void backoff() {
  using Jitter = flow::BackoffConfig::Jitter;
  const std::array names{"additive", "full", "equal", "decorrelated"};
  for (const Jitter jitter : {Jitter::additive, Jitter::full, Jitter::equal, Jitter::decorrelated}) {
    const flow::Backoff backoff({.base = 100ms, .cap = 10s, .jitter = jitter});
    Rng rng(7);
    for (int n = 0; n <= 9; ++n) {
      double sum = 0;
      for (int draw = 0; draw < 400; ++draw) sum += seconds(backoff.delay(n, Duration{0}, rng));
      point("backoff", names[static_cast<std::size_t>(jitter)], n + 1, sum / 400);
    }
  }
}

void channel() {
  ManualClock clock;
  const Context context(clock);
  async::Channel<Item> line({{.bound = {100, 1_MiB}, .when_full = flow::WhenFull::block}}, context,
                            [](Item, Reason) {});
  Rate taken("channel", "taken from the sender per 100 ms", 100ms);
  const TimePoint zero = context.now();
  std::optional<Item> in_hand;
  for (int ms = 0; ms < 4000; ++ms, clock.advance(1ms)) {
    const bool burst = ms >= 500 && ms < 1500;
    for (int n = 0; n < (burst ? 3 : ms % 2); ++n) {  // 500/s, in the burst 3000/s; the receiver does 1000/s
      if (!in_hand) in_hand.emplace(Item{1, context.now()});
      if (!line.try_send(*in_hand)) break;  // the sender waits: it keeps what it has, and makes no more
      in_hand.reset();
      taken.count(start + (context.now() - zero));
    }
    (void)line.try_receive({1, 1_KiB});
    taken.advance(start + (context.now() - zero));
    if (ms % 20 == 0) point("channel", "waiting in the channel", ms / 1e3, line.stats().edge.pending.events);
  }
}

void gate() {
  ManualClock clock;
  const Context context(clock);
  async::Gate gate(context);
  Rng rng(3);
  std::vector<std::pair<int, async::Gate::Pass>> inside;
  int turned_away = 0;
  for (int ms = 0; ms <= 2000; ms += 10) {
    std::erase_if(inside, [&](const auto& one) { return one.first <= ms; });
    if (ms == 1000) gate.close();
    if (auto pass = gate.try_enter())
      inside.emplace_back(ms + 50 + static_cast<int>(rng.below(500)), std::move(*pass));
    else
      ++turned_away;
    point("gate", "inside", ms / 1e3, gate.inside());
    point("gate", "turned away so far", ms / 1e3, turned_away);
  }
}

void thread_pool() {
  const Context context;
  std::latch open(1);
  async::ThreadPool pool({.core = 4, .max = 8, .queue = {10, 1_MiB}}, context);
  for (int n = 1; n <= 24; ++n) {
    async::Task task{[&] { open.wait(); }};
    (void)pool.try_submit(task);
    const auto stats = pool.stats();
    point("thread_pool", "threads", n, static_cast<double>(stats.threads));
    point("thread_pool", "queued", n, static_cast<double>(stats.queue.pending.events));
    point("thread_pool", "refused", n, static_cast<double>(stats.refused));
  }
  open.count_down();
}

}  // namespace
}  // namespace weir::pictures

int main() {
  using namespace weir::pictures;
  limits();
  queues();
  theory();
  breaker();
  retry_budget();
  retry_throttle();
  guards();
  backoff();
  channel();
  gate();
  thread_pool();
}
