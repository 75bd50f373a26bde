// What holding is worth: clients that send the next request as soon as the last one is answered, a queue that is a few
// milliseconds of work, virtual time.
#include <gtest/gtest.h>
#include <weir/flow/admit/door.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/parcel_for_test.h>

#include <algorithm>
#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr double service_rate = 100'000;  // events a second
constexpr std::uint32_t request = 20;     // events
constexpr std::uint64_t bound = 400;      // 4 ms of work
constexpr Duration round_trip = 100us;

struct Figures {
  double busy = 0;  ///< the part of the time in which the sink worked
  std::uint64_t refused = 0, most_waiting = 0;
};

/// Each client asks at `next`; who is held asks again then, or when the queue lets readers go on.
class World {
 public:
  World(std::size_t clients, Duration longest) : door_({.hold = {.longest = longest}}, 5), clients_(clients) {
    for (std::size_t i = 0; i < clients; ++i) clients_[i].next = start_ + i * 1us;
  }
  Figures run(Duration time) {
    while (true) {
      const auto next = std::ranges::min_element(clients_, {}, &Client::next);
      now_ = std::min(next->next, done_);
      if (now_ >= start_ + time) break;
      done_ <= next->next ? complete() : ask(*next);
    }
    return {seconds(busy_) / seconds(time), door_.stats().refused, edge_.stats().max_waiting.events};
  }

 private:
  struct Client {
    TimePoint next;
    BriefHold::HeldUnit unit{};
  };
  void ask(Client& client) {
    const DoorFacts facts{edge_.pressure(now_), edge_.paused(Priority::normal)};
    const auto answer = door_.decide({&facts, 1}, false, now_, &client.unit);
    if (!answer) {
      const bool held = client.unit.wait > Duration{0};
      client.next = now_ + (held ? client.unit.wait : answer.error().retry_after);
      return;
    }
    door_.on_admitted(request);
    edge_.push(parcel(0, request, Priority::normal, now_), now_, out_);
    client.next = now_ + round_trip;
    serve();
  }
  void serve() {
    if (done_ != never || !edge_.pop({100, 1_GiB}, now_, work_, out_)) return;
    began_ = now_;
    done_ = now_ + from_seconds(static_cast<double>(work_.events.size()) / service_rate);
  }
  void complete() {
    edge_.served(work_.events.size(), now_ - began_);
    busy_ += now_ - began_;
    done_ = never;
    const bool was_paused = edge_.paused(Priority::normal);
    serve();
    if (!was_paused || edge_.paused(Priority::normal)) return;
    wake();
  }
  /// In the order in which they came, as a line of waiters is woken.
  void wake() {
    std::vector<Client*> held;
    for (Client& client : clients_)
      if (client.unit.wait > Duration{0}) held.push_back(&client);
    std::ranges::sort(held, {}, [](const Client* client) { return client->unit.since; });
    for (std::size_t i = 0; i < held.size(); ++i) held[i]->next = now_ + i * 1ns;
  }

  Edge<Parcel> edge_{{.bound = {bound, 1_GiB}}, 5};
  Door door_;
  std::vector<Client> clients_;
  const TimePoint start_{1h};
  TimePoint now_ = start_, done_ = never, began_ = start_;
  Duration busy_{0};
  Parcel work_;
  DroppedItems<Parcel> out_;
};

TEST(BriefHoldFigures, AQueueOfFourMillisecondsKeepsItsSinkBusy) {
  for (const std::size_t clients : {8u, 64u, 200u}) {
    const Figures without = World(clients, Duration{0}).run(1s), with = World(clients, 50ms).run(1s);
    SCOPED_TRACE(::testing::Message() << clients << " clients: busy " << with.busy << ", without " << without.busy
                                      << "; refused " << with.refused << ", without " << without.refused);
    EXPECT_GE(with.busy, 0.9);
    EXPECT_LE(with.most_waiting, bound);
    EXPECT_LE(with.refused, without.refused / 4);
    EXPECT_LE(without.busy, 0.5) << "or holding is not needed";
  }
}

TEST(BriefHoldFigures, MoreClientsThanCanBeServedInTheTimeAreRefusedAndTheOthersKeepItBusy) {
  const Figures without = World(400, Duration{0}).run(2s), with = World(400, 50ms).run(2s);
  EXPECT_GT(with.refused, 0u);
  EXPECT_GE(with.busy, 10 * without.busy);
  EXPECT_LE(with.most_waiting, bound);
}

}  // namespace
}  // namespace weir::flow
