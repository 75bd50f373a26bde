// What handing over costs, and what a deadline costs: the figures in channel.h and with_deadline.h.
#include <weir/async/channel.h>
#include <weir/async/with_deadline.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <benchmark/benchmark.h>

#include <thread>

namespace weir::async {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

constexpr Load anything{1'000'000, 1_GiB};

/// As light as an item can be, so that the channel is what is measured.
struct Count {
  std::uint32_t events = 0;
  TimePoint born{};
  Load load() const { return {events, Bytes(events)}; }
  Priority priority() const { return Priority::normal; }
  TimePoint since() const { return born; }
  std::uint32_t prefix(Load room) const {
    return static_cast<std::uint32_t>(std::min({std::uint64_t{events}, room.events, room.bytes.count()}));
  }
  Count split(std::uint32_t n) {
    events -= n;
    return {n, born};
  }
};

const Context& context() {
  static const Context it;
  return it;
}
ChannelConfig config() { return {{.bound = {64 * 1024, 64_MiB}}, 64}; }
void ignore(Count, Reason) {}

void try_send_and_receive(benchmark::State& state) {
  Channel<Count> channel(config(), context(), ignore);
  for (auto _ : state) {
    Count item{64};
    (void)channel.try_send(item);
    benchmark::DoNotOptimize(channel.try_receive(anything));
  }
}
BENCHMARK(try_send_and_receive);

asio::awaitable<void> send_all(Channel<Count>& channel, benchmark::State& state) {
  for (auto _ : state) {
    Count item{64};
    (void)co_await channel.send(item, never);
  }
  channel.close();
}
asio::awaitable<void> receive_until_closed(Channel<Count>& channel) {
  while ((co_await channel.receive_all(anything, never)).has_value()) {
  }
}
void coroutines_on_one_context(benchmark::State& state) {
  Channel<Count> channel(config(), context(), ignore);
  asio::io_context io(1);
  asio::co_spawn(io, receive_until_closed(channel), asio::detached);
  asio::co_spawn(io, send_all(channel, state), asio::detached);
  io.run();
}
BENCHMARK(coroutines_on_one_context);

void blocking_threads(benchmark::State& state) {
  Channel<Count> channel(config(), context(), ignore);
  std::thread consumer([&] {
    while (channel.receive_all_for(anything, std::chrono::hours(1))) {
    }
  });
  for (auto _ : state) {
    Count item{64};
    (void)channel.send_for(item, std::chrono::hours(1));
  }
  channel.close();
  consumer.join();
}
BENCHMARK(blocking_threads)->UseRealTime();

// ---- deadlines: around an operation that goes once through the event loop ----

asio::awaitable<int> once_around() {
  co_await asio::post(asio::use_awaitable);
  co_return 1;
}
asio::awaitable<void> timer(Duration most) {
  asio::steady_timer t(co_await asio::this_coro::executor, most);
  co_await t.async_wait(asio::use_awaitable);
}

template <typename Loop>
void run(benchmark::State& state, Loop loop) {
  asio::io_context io(1);
  asio::co_spawn(io, loop(state), asio::detached);
  io.run();
}
asio::awaitable<void> plain(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await once_around());
}
asio::awaitable<void> ours(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await with_deadline(once_around(), std::chrono::hours(1)));
}
asio::awaitable<void> or_timer(benchmark::State& state) {
  for (auto _ : state) {
    auto either = co_await (once_around() || timer(std::chrono::hours(1)));
    benchmark::DoNotOptimize(either);
  }
}
void without_deadline(benchmark::State& state) { run(state, plain); }
void with_deadline_bench(benchmark::State& state) { run(state, ours); }
void operation_or_timer(benchmark::State& state) { run(state, or_timer); }
BENCHMARK(without_deadline);
BENCHMARK(with_deadline_bench);
BENCHMARK(operation_or_timer);

}  // namespace
}  // namespace weir::async

BENCHMARK_MAIN();
