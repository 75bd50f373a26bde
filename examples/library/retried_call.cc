// The same shaky service as in guarded_call, asked by coroutines that only say what to do: async::retry spreads the
// attempts, stays within the retry budget, stops at an open breaker and keeps the deadline. Takes a tenth of a second.
#include <weir/async/retry.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>

using namespace weir;
using namespace std::chrono_literals;
namespace asio = boost::asio;

/// Fails twice of three times, and says for how long it wants to be left alone at every tenth call.
struct Shaky {
  int calls = 0;
  asio::awaitable<Result<int>> ask() {
    ++calls;
    if (calls % 10 == 0) co_return std::unexpected(Error{Error::Kind::overloaded, "one moment", 20ms});
    if (calls % 3 != 0) co_return failure("connection reset", Error::Kind::disconnected);
    co_return calls;
  }
};

struct Counts {
  int worked = 0, given_up = 0;
};

asio::awaitable<void> operation(async::DestinationGuard& to, Shaky& service, Counts& counts, TimePoint deadline) {
  const auto ask = [&service] { return service.ask(); };
  const auto answer = co_await async::retry(to, ask, deadline, 5);
  if (answer) {
    ++counts.worked;
  } else if (counts.given_up++ == 0) {
    std::printf("the first that gave up: %s\n", answer.error().what().c_str());
  }
}

int main() {
  const Context context;
  flow::DestinationConfig config;
  config.backoff = {.base = 2ms, .cap = 50ms};
  config.retry_budget = {.ratio = 0.5, .minimum = {0}, .window = 10s};  // retries add at most half of the load
  async::DestinationGuard to(config, context, 7);
  Shaky service;
  Counts counts;
  asio::io_context io;
  for (int i = 0; i < 40; ++i) asio::co_spawn(io, operation(to, service, counts, context.now() + 1s), asio::detached);
  io.run();

  const auto stats = to.stats();
  std::printf("40 operations: %d worked, %d gave up; %d calls instead of up to 200, %lu of them retries\n",
              counts.worked, counts.given_up, service.calls, stats.retries);
  const bool accounted = counts.worked + counts.given_up == 40 && stats.attempts == std::uint64_t(service.calls);
  return accounted && counts.worked > 0 && service.calls <= 60 && stats.in_flight == 0 ? 0 : 1;
}
