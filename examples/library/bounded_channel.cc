// Two threads and a channel of 8: the fast one is slowed down to the pace of the slow one by waiting, not by luck. What
// happens when the channel is full is one word of its configuration.
#include <weir/async/channel.h>

#include <cstdio>
#include <thread>
#include <utility>

using namespace weir;
using namespace std::chrono_literals;

// Anything with these five functions can wait in a channel; this one is a single event that cannot be cut.
struct Number {
  int value = 0;  // 0: nothing
  TimePoint sent{};
  Load load() const { return value ? Load{1, 64_B} : Load{}; }
  Priority priority() const { return Priority::normal; }
  TimePoint since() const { return sent; }
  std::uint32_t prefix(Load room) const { return load().fits_in(room) ? 1 : 0; }
  Number split(std::uint32_t n) { return n ? std::exchange(*this, Number{}) : Number{}; }
};

constexpr int count = 2000;

int main() {
  const Context context;
  int ended_otherwise = 0;  // every dropped item is told to us: with `block` there is none
  async::Channel<Number> channel({{.bound = {8, 1_MiB}, .when_full = flow::WhenFull::block}}, context,
                                 [&](Number, Reason) { ++ended_otherwise; });

  std::thread producer([&] {
    for (int n = 1; n <= count; ++n) {
      Number number{n, context.now()};
      if (!channel.send_for(number, 10s)) return;  // its Rejection says why, and when to come back
    }
    channel.close();  // nothing more; what waits can still be received
  });

  int received = 0;
  bool in_order = true;
  while (const auto number = channel.receive_for({1, 1_KiB}, 10s)) in_order = in_order && number->value == ++received;
  producer.join();

  const auto stats = channel.stats();
  std::printf("%d received, in order: %s, lost: %d\n", received, in_order ? "yes" : "no", ended_otherwise);
  std::printf("the producer was paused %lu times; never more than 8 waited: at most %lu\n", stats.edge.pauses,
              stats.edge.max_waiting.events);
  return received == count && in_order && stats.edge.max_waiting.events <= 8 && ended_otherwise == 0 ? 0 : 1;
}
