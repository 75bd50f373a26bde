// A call to something that fails for a while. Backoff spreads the retries, the retry budget bounds them, the breaker
// sends nothing to a failing destination and finds out by single probes when it is back. Time is a ManualClock: ten
// virtual seconds take no time at all, and every run is the same.
#include <weir/async/recover_guards.h>

#include <cstdio>

using namespace weir;
using namespace std::chrono_literals;

/// Down from 2 s to 5 s of the virtual day.
struct Flaky {
  const Context& context;
  TimePoint start = context.now();
  int calls = 0, calls_while_down = 0;
  bool down() const { return context.now() - start >= 2s && context.now() - start < 5s; }
  bool call() {
    ++calls;
    if (down()) ++calls_while_down;
    return !down();
  }
};

/// One operation: up to three attempts, each asked for and each reported.
bool guarded(async::DestinationGuard& guard, Flaky& flaky, ManualClock& clock, int& refused) {
  for (int failed = 0; failed < 3; ++failed) {
    auto permit = guard.try_start({.retry = failed > 0});
    if (!permit) {
      ++refused;  // breaker open or budget empty; permit.error().retry_after says when to ask again
      return false;
    }
    if (flaky.call()) {
      permit->ok();
      return true;
    }
    permit->failed();
    clock.advance(guard.backoff(failed + 1));
  }
  return false;
}

int main() {
  ManualClock clock;
  const Context context(clock);
  flow::DestinationConfig config;
  config.breaker.consecutive_failures = 5;
  config.breaker.open = 1s;
  config.backoff.base = 5ms;
  async::DestinationGuard guard(config, context, 42);
  Flaky flaky{context};

  int operations = 0, worked = 0, refused = 0;
  bool worked_at_the_end = false;
  for (; context.now() - flaky.start < 10s; clock.advance(10ms), ++operations) {
    worked_at_the_end = guarded(guard, flaky, clock, refused);
    worked += worked_at_the_end;
  }
  const auto stats = guard.stats();
  std::printf("%d operations: %d worked, %d refused at once without touching the other side\n", operations, worked,
              refused);
  std::printf("while it was down it got %d calls instead of about 900\n", flaky.calls_while_down);
  std::printf("breaker opened %lu times and is %s now; %lu retries\n", stats.opened, name(stats.breaker).data(),
              stats.retries);
  const bool spared = flaky.calls_while_down < 20;
  return spared && worked_at_the_end && stats.breaker == flow::BreakerState::closed ? 0 : 1;
}
