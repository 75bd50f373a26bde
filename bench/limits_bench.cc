// What a decision of a limiter costs, and what a table of keys does to memory and to the slowest decision.
//
// Each row is the median of seven rounds; `target` is what it should be at most. Times are CPU time of the whole
// process divided by decisions, so that neither another process nor a thread that sleeps on a lock counts. A decision
// of a limit on requests in flight is a start and its end; in a guard it includes making the permit and reporting to
// it.
//
//   bench_limits [--decisions N]     exit code 0 whether targets are met or not: a missed target is news, not an error
#include <fmt/format.h>
#include <weir/async/limit_guard.h>
#include <weir/async/rate_guard.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/aimd_limit.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/gradient2_limit.h>
#include <weir/flow/admit/vegas_limit.h>
#include <weir/flow/admit/windowed_limit.h>
#include <weir/flow/recover/client_throttle.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "support.h"

namespace weir::bench {
namespace {

using namespace std::chrono_literals;

std::uint64_t decisions = 400'000;
constexpr TimePoint start{1h};
std::uint64_t sink = 0;  // what decisions said: nothing may be optimised away

void row(std::string_view what, double figure, std::string_view unit, double target) {
  fmt::print("  {:<52} {:>9.1f} {:<3} target {:>7g}  {}\n", what, figure, unit, target,
             figure <= target ? "met" : "missed");
}

/// Nanoseconds of CPU for each of the decisions that `round(n)` makes; the median of seven rounds.
template <typename Round>
double cost(Round round) {
  round(decisions / 10);
  std::vector<double> figures;
  for (int i = 0; i < 7; ++i) {
    const auto before = process_cpu_ns();
    round(decisions);
    figures.push_back(static_cast<double>(process_cpu_ns() - before) / static_cast<double>(decisions));
  }
  std::ranges::nth_element(figures, figures.begin() + 3);
  return figures[3];
}

template <typename Decide>
void value(std::string_view what, Decide decide, double target = 25) {
  TimePoint now = start;
  row(what, cost([&](std::uint64_t n) {
        for (std::uint64_t i = 0; i < n; ++i) sink += decide(now += 1us);
      }),
      "ns", target);
}

template <flow::RateLimiter L>
void rate(std::string_view what, L limiter) {
  value(what,
        [limiter = std::move(limiter)](TimePoint now) mutable { return flow::try_take(limiter, 1, now).has_value(); });
}

/// Answers come in the order of starts, eight at a time in flight.
template <flow::ConcurrencyLimit L>
void limit(std::string_view what, L made) {
  flow::InFlight<L> in_flight(std::move(made));
  std::vector<std::optional<typename flow::InFlight<L>::Permit>> permits(8);
  std::size_t next = 0;
  value(
      what,
      [&](TimePoint now) {
        auto& permit = permits[next++ % permits.size()];
        if (permit) permit->answered(false, now);
        permit.reset();
        auto started = in_flight.try_start(now);
        if (started) permit.emplace(std::move(*started));
        return permit.has_value();
      },
      50);
}

void values() {
  fmt::print("one decision of a value, one thread\n");
  rate("token bucket", flow::TokenBucket(PerSecond{500'000}, 100));
  rate("leaky bucket", flow::LeakyBucket({.rate = PerSecond{500'000}, .burst = 100}));
  rate("fixed window", flow::FixedWindow({.limit = 500'000, .length = 1s}));
  rate("sliding counter", flow::SlidingCounter({.limit = 500'000, .length = 1s}));
  rate("sliding log of 1000", flow::SlidingLog({.limit = 1000, .length = 2ms}));
  rate("rate as configured", flow::RateLimit({.limit = 500'000, .burst = 100}));
  limit("fixed limit, start and end", flow::FixedLimit({100}));
  limit("AIMD, start and end", flow::AimdLimit({}));
  limit("Vegas, start and end", flow::WindowedLimit({}, flow::VegasLimit({}, 1)));
  limit("Gradient2, start and end", flow::WindowedLimit({}, flow::Gradient2Limit({})));
  limit("adaptive, start and end", flow::AdaptiveLimit({}));
  Rng rng(1);
  flow::ClientThrottle throttle({});
  value("client throttle", [&](TimePoint now) {
    const bool go = throttle.try_start(rng.uniform(), now);
    if (go) throttle.accepted(now);
    return go;
  });
}

class Client final : public async::Caller {
 public:
  std::string key;
  std::string_view header(std::string_view name) const override {
    return name == "X-Api-Key" ? key : std::string_view{};
  }
};

async::ClientKey by_header() { return {.of = async::ClientKey::Of::header, .header = "X-Api-Key"}; }

async::RateGuardConfig each(std::size_t keys) {
  return {.name = "each", .limit = {.limit = 1000, .burst = 100}, .key = by_header(), .keys = keys};
}

void ask(async::Guard& guard, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i)
    if (auto permit = guard.try_start({})) permit->ok();
}

/// The same as one of 1000 clients; writing the text of the key is part of what is measured.
void ask_as_clients(async::Guard& guard, std::uint64_t n, std::uint64_t seed) {
  Client client;
  Rng rng(seed);
  for (std::uint64_t i = 0; i < n; ++i) {
    client.key = "client-" + std::to_string(rng.below(1000));
    if (auto permit = guard.try_start({.caller = &client})) permit->ok();
  }
}

void threads(std::string_view what, async::Guard& guard, int count, double target, bool keyed = false) {
  row(fmt::format("{}, {} thread{}", what, count, count == 1 ? "" : "s"), cost([&](std::uint64_t n) {
        std::vector<std::jthread> running;
        for (int i = 0; i < count; ++i)
          running.emplace_back([&, i] {
            const auto each = n / static_cast<unsigned>(count);
            keyed ? ask_as_clients(guard, each, static_cast<unsigned>(i)) : ask(guard, each);
          });
      }),
      "ns", target);
}

/// What no shared decision can be below on this machine, in this run: one addition to a word that all threads add to.
void floor_of_shared_words(int count) {
  alignas(64) std::atomic<std::uint64_t> word{0};
  const double figure = cost([&](std::uint64_t n) {
    std::vector<std::jthread> running;
    for (int i = 0; i < count; ++i)
      running.emplace_back([&] {
        for (std::uint64_t k = n / static_cast<unsigned>(count); k > 0; --k) word.fetch_add(1);
      });
  });
  sink += word;
  fmt::print("  {:<52} {:>9.1f} ns  floor\n", fmt::format("fetch_add of one word, {} threads", count), figure);
}

void guards() {
  fmt::print("one decision of a guard, with its permit\n");
  floor_of_shared_words(8);
  const Context context;
  async::RateGuard all({.name = "all", .limit = {.limit = 10'000'000, .burst = 1000}}, context);
  threads("rate for all", all, 1, 200);
  threads("rate for all", all, 8, 200);
  async::LimitGuard adaptive(flow::AdaptiveLimit({}), context);
  threads("adaptive limit", adaptive, 1, 200);
  threads("adaptive limit", adaptive, 8, 200);
  async::GuardChain chain(4);
  chain.add("all", std::make_unique<async::RateGuard>(
                       async::RateGuardConfig{.name = "all", .limit = {.limit = 10'000'000, .burst = 1000}}, context));
  chain.add("each", std::make_unique<async::RateGuard>(each(10'000), context));
  chain.add("adaptive", std::make_unique<async::LimitGuard<flow::AdaptiveLimit>>(flow::AdaptiveLimit({}), context));
  threads("chain: a rate, one for each client, a limit", chain, 1, 1000, true);
  threads("chain: a rate, one for each client, a limit", chain, 8, 1000, true);
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

void table_of_keys() {
  fmt::print("tables of keys\n");
  const double before = resident_mb();
  flow::KeyedRates<flow::RateLimit> known(100'000, flow::RateLimit(each(0).limit));
  Rng rng(1);
  TimePoint now = start;
  for (int i = 0; i < 100'000; ++i) sink += known.try_take(rng.next(), 1, now += 1us).has_value();
  row("memory of 100 000 keys", resident_mb() - before, "MB", 32);

  flow::KeyedRates<flow::RateLimit> few(100'000, flow::RateLimit(each(0).limit));
  std::uint64_t slowest = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto at = thread_cpu_ns();
    sink += few.try_take(rng.next(), 1, now += 1us).has_value();
    slowest = std::max(slowest, thread_cpu_ns() - at);
  }
  row("slowest of 1 000 000 new keys in a table for 100 000", static_cast<double>(slowest) / 1000, "us", 1000);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  CLI::App app("What decisions of limiters cost");
  app.add_option("--decisions", weir::bench::decisions, "of each row, in each of seven rounds")
      ->check(CLI::Range(1000, 100'000'000));
  CLI11_PARSE(app, argc, argv);
  weir::bench::values();
  weir::bench::guards();
  weir::bench::table_of_keys();
  return weir::bench::sink == 0;
}
