// Random traffic against a naive model: whatever the policy, the bound holds, and every event is waiting, delivered or
// a dropped item exactly once.
#include <gtest/gtest.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/parcel_for_test.h>

#include <algorithm>
#include <map>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

enum class At : std::uint8_t { waiting, delivered, dropped_item, returned };

class EdgeModel {
 public:
  EdgeModel(const EdgeConfig& config, std::uint64_t seed) : config_(config), edge_(config, seed), rng_(seed * 77 + 1) {}

  void step() {
    now_ += Duration(static_cast<Duration::rep>(rng_.below(20'000'000)));
    if (rng_.below(100) < 55)
      push();
    else
      pop();
    check();
  }
  void finish() {
    edge_.drain([&](const Parcel& p) { move_all(p, At::delivered); });
    for (const auto& [id, at] : events_) ASSERT_NE(at, At::waiting) << id;
    check();
  }

 private:
  void push() {
    Parcel p{{}, static_cast<Priority>(rng_.below(priority_count)), now_};
    const auto n = 1 + rng_.below(rng_.below(10) ? 8 : 40);
    for (std::uint64_t i = 0; i < n; ++i) {
      p.events.push_back({next_++, rng_.below(50) ? rng_.below(30) : 600});
      events_[p.events.back().id] = At::waiting;
    }
    const auto promised = edge_.room_for(p);
    const Parcel rest = edge_.push(p, now_, out_);
    if (may_drop(config_.when_full)) {
      ASSERT_EQ(rest.events.size(), 0u) << "drop policies return nothing";
    } else {
      ASSERT_EQ(rest.events.size(), n - promised) << "push takes what room_for said";
      ASSERT_TRUE(out_.empty());
      ASSERT_TRUE(rest.events.empty() || edge_.paused()) << "who was turned away must be able to wait for a resume";
    }
    move_all(rest, At::returned);
    take_dropped_items();
    const bool entered = std::ranges::any_of(p.events, [&](const auto& e) { return events_[e.id] == At::waiting; });
    if (entered && config_.reserved_for_high > 0 && p.of < Priority::high) entered_low();
  }
  void pop() {
    Parcel item;
    const Load most{1 + rng_.below(12), Bytes(rng_.below(200))};
    const bool some = edge_.pop(most, now_, item, out_);
    ASSERT_EQ(some, !item.events.empty());
    if (some) {
      ASSERT_TRUE(item.load().fits_in(most) || item.events.size() == 1);
      auto& last = last_of_[static_cast<std::size_t>(item.of)];
      if (config_.order == Order::fifo) ASSERT_GE(item.events.front().id, last) << "FIFO within a priority";
      last = item.events.back().id;
      if (rng_.below(2)) edge_.served(item.events.size(), 5ms);
    }
    move_all(item, At::delivered);
    take_dropped_items();
  }
  void entered_low() {
    const auto waiting = edge_.stats().pending;
    const double open = 1 - config_.reserved_for_high;
    ASSERT_TRUE(waiting.events == 1 ||
                static_cast<double>(waiting.events) <= open * static_cast<double>(edge_.bound_events()));
  }
  void take_dropped_items() {
    for (const auto& c : out_) {
      ASSERT_FALSE(c.item.events.empty());
      if (c.reason == Reason::codel) ASSERT_NE(c.item.of, Priority::critical);
      move_all(c.item, At::dropped_item);
      dropped_[static_cast<std::size_t>(c.reason)] += c.item.events.size();
    }
    out_.clear();
  }
  void move_all(const Parcel& p, At to) {
    for (const auto& e : p.events) {
      ASSERT_EQ(events_.at(e.id), At::waiting) << "event " << e.id << " left twice";
      events_[e.id] = to;
    }
  }
  void check() {
    const EdgeStats s = edge_.stats();
    std::map<At, std::uint64_t> count;
    for (const auto& [id, at] : events_) ++count[at];
    ASSERT_EQ(s.pending.events, count[At::waiting]);
    ASSERT_EQ(s.delivered.events + s.drained.events, count[At::delivered]);
    ASSERT_EQ(s.dropped, dropped_);
    ASSERT_EQ(s.offered.events, events_.size() - count[At::returned]);
    std::uint64_t dropped = 0;
    for (const auto n : s.dropped) dropped += n;
    ASSERT_EQ(s.offered.events, s.delivered.events + s.drained.events + dropped + s.pending.events);
    ASSERT_TRUE(s.pending.fits_in(config_.bound) || s.pending.events == 1);
    ASSERT_LE(s.max_waiting.events, config_.bound.events);
  }

  EdgeConfig config_;
  Edge<Parcel> edge_;
  Rng rng_;
  TimePoint now_{1h};
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, At> events_;
  std::array<std::uint64_t, priority_count> last_of_{};
  std::array<std::uint64_t, reason_count> dropped_{};
  DroppedItems<Parcel> out_;
};

class EdgePolicies : public ::testing::TestWithParam<WhenFull> {};

TEST_P(EdgePolicies, LoseAndDoubleNothingAndHoldTheBound) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    EdgeConfig config{.bound = {1 + seed % 40, Bytes(50 + seed * 10)}, .when_full = GetParam(), .age_boost = 100ms};
    if (seed % 2) config.reserved_for_high = 0.25;
    if (seed % 3 == 1) config.codel = CodelConfig{.target = 5ms, .interval = 50ms};
    if (seed % 4 == 1) config.expire_after = 300ms;
    if (seed % 5 == 1) config.max_wait = 20ms;
    if (seed % 7 > 3) config.order = Order::adaptive_lifo;
    EdgeModel model(config, seed);
    for (int i = 0; i < 300; ++i) {
      model.step();
      if (HasFatalFailure()) FAIL() << "seed " << seed << " step " << i;
    }
    model.finish();
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EdgePolicies,
                         ::testing::Values(WhenFull::block, WhenFull::reject, WhenFull::drop_newest,
                                           WhenFull::drop_oldest, WhenFull::drop_lowest, WhenFull::drop_random,
                                           WhenFull::spill),
                         [](const auto& policy) { return std::string(name(policy.param)); });

}  // namespace
}  // namespace weir::flow
