// A receiver that is slow, a sender that is not, and nothing thrown away: the receiver grants credit in messages and in
// bytes, the sender spends it, and what is under way is bounded by what was granted.
#include <weir/flow/demand/credit.h>

#include <algorithm>
#include <cstdio>
#include <deque>

using namespace weir;

constexpr Load stream_window{4, 4096_B};
constexpr Load connection_window{16, 16384_B};

int main() {
  flow::CreditWindow stream(stream_window), connection(connection_window);
  std::deque<Bytes> under_way;  // sent, not yet consumed
  Load now_under_way, most_under_way;
  int sent = 0, consumed = 0, stalls_for_messages = 0, stalls_for_bytes = 0;

  // Messages of 100 to 1900 bytes; the receiver consumes one for every three that the sender would like to send.
  auto size_of = [](int n) { return Bytes(100 + static_cast<std::uint64_t>(n * 700 % 1801)); };
  for (int step = 0; consumed < 1000; ++step) {
    const Load cost{1, size_of(sent)};
    if (sent < 1000 && flow::try_spend(stream, connection, cost)) {
      under_way.push_back(cost.bytes);
      now_under_way += cost;
      most_under_way.events = std::max(most_under_way.events, now_under_way.events);
      most_under_way.bytes = std::max(most_under_way.bytes, now_under_way.bytes);
      ++sent;
    } else if (sent < 1000) {
      ++(stream.available().events == 0 ? stalls_for_messages : stalls_for_bytes);
    }
    if (step % 3 != 0 || under_way.empty()) continue;
    const Load done{1, under_way.front()};  // consumed: give back exactly what it cost, at both levels
    under_way.pop_front();
    now_under_way -= done;
    ++consumed;
    if (!stream.grant(done) || !connection.grant(done)) return 1;
  }

  const bool bounded = most_under_way.fits_in(stream_window);
  std::printf("%d sent, %d consumed, none lost\n", sent, consumed);
  std::printf("the sender waited %d times for messages and %d times for bytes\n", stalls_for_messages,
              stalls_for_bytes);
  std::printf("never more than 4 messages or 4096 bytes under way: at most %lu and %lu\n", most_under_way.events,
              most_under_way.bytes.count());
  return bounded && sent == 1000 && stalls_for_messages > 0 && stalls_for_bytes > 0 ? 0 : 1;
}
