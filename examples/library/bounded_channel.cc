// Two threads and a channel of 8: the fast one is slowed down to the pace of the slow one by waiting, not by luck. What
// happens when the channel is full is one word of its configuration.
#include <weir/async/channel.h>
#include <weir/async/item.h>

#include <cstdio>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;

constexpr int count = 2000;

int main() {
  const Context context;
  int ended_otherwise = 0;  // every dropped item is told to us: with `block` there is none
  async::Channel<async::Item<int>> channel({{.bound = {8, 1_MiB}, .when_full = flow::WhenFull::block}}, context,
                                           [&](async::Item<int>, Reason) { ++ended_otherwise; });

  std::thread producer([&] {
    for (int n = 1; n <= count; ++n)
      if (!channel.send_for(n, 10s)) return;  // its Rejection says why, and when to come back
    channel.close();                          // nothing more; what waits can still be received
  });

  int received = 0;
  bool in_order = true;
  while (const auto number = channel.receive_for(async::one_item, 10s)) in_order = in_order && **number == ++received;
  producer.join();

  const auto stats = channel.stats();
  std::printf("%d received, in order: %s, lost: %d\n", received, in_order ? "yes" : "no", ended_otherwise);
  std::printf("the producer was paused %lu times; never more than 8 waited: at most %lu\n", stats.edge.pauses,
              stats.edge.max_waiting.events);
  return received == count && in_order && stats.edge.max_waiting.events <= 8 && ended_otherwise == 0 ? 0 : 1;
}
