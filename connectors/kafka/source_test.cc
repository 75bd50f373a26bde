#include "source.h"

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/source_check.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "mock_for_test.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int rounds = 20'000;  // of about 1 ms

/// Keeps what it is given until it is told to settle it.
class KeepingOutlet final : public conformance::FakeOutlet {
 public:
  explicit KeepingOutlet(const Context& context) : FakeOutlet(context, 64_MiB) {}
  void push(Batch batch, Ticket) override {
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      events.emplace_back(batch[i]);
      places.push_back(fmt::format("{}@{}", batch.place_of(i)->name, batch.place_of(i)->position));
      classes.push_back(batch.cls());
    }
    kept.push_back(std::move(batch));
    if (settles) settle();
  }
  bool has_dead_letters() const override { return buries; }
  bool dead_letters_ready() const override { return buries; }
  void dead_letter(std::string_view event, Reason reason, std::string_view why, std::optional<EventPlace> place,
                   Receipt* receipt) override {
    letters.push_back(fmt::format("{}@{}|{}|{}|{}", place->name, place->position, key(reason), why, event));
    receipt->settle(1, Fate::dead_lettered);
  }
  void settle(Fate fate = Fate::stored) {
    for (Batch& batch : kept) batch.settle(fate);
    kept.clear();
  }
  std::vector<Batch> kept;
  std::vector<std::string> letters, places;
  bool settles = true, buries = false;
};

Options options_of(const MockCluster& cluster, const std::string& topic = "t", const std::string& group = "g") {
  Options o;
  o.set("brokers", std::vector<std::string>{cluster.address()});
  o.set("topics", std::vector<std::string>{topic});
  o.set("group", group);
  o.set("commit_interval", Duration(20ms));
  return o;
}

/// One source on a reactor of its own, with a clock that goes 1 ms each round.
class Rig {
 public:
  explicit Rig(Options options, Level acks = Level::stored, ClassRule classes = {},
               const std::function<void(KeepingOutlet&)>& prepare = {})
      : options_(std::move(options)),
        context_(clock_),
        outlet(context_),
        source_(source_type().make({"in", options_, acks, std::move(classes), false, context_})) {
    spdlog::set_level(spdlog::level::off);
    if (prepare) prepare(outlet);
    const auto opened = source_->open();
    EXPECT_TRUE(opened) << opened.error().message;
    intake_ = source_->intake({reactor_, 0, outlet});
    intake_->start();
  }
  ~Rig() {
    outlet.settle(Fate::abandoned);
    intake_->abandon();
    intake_.reset();
    EXPECT_THAT(outlet.violations, IsEmpty());
  }
  void step() {
    clock_.advance(1ms);
    reactor_.restart();
    reactor_.run_for(1ms);
  }
  void steps(int n) {
    while (n-- > 0) step();
  }
  template <typename Done>
  bool until(Done done) {
    for (int i = 0; i < rounds && !done(); ++i) step();
    return done();
  }
  bool has(std::size_t events) {
    return until([&] { return outlet.events.size() >= events; });
  }
  void stop() {
    intake_->stop(1s);
    EXPECT_TRUE(until([&] { return intake_->quiet(); }));
  }
  Intake& intake() { return *intake_; }

 private:
  ManualClock clock_;
  Options options_;
  Context context_;
  boost::asio::io_context reactor_;

 public:
  KeepingOutlet outlet;

 private:
  std::unique_ptr<Source> source_;
  std::unique_ptr<Intake> intake_;
};

}  // namespace

TEST(KafkaSource, BringsEveryMessageOnceAndCommitsWhatSettled) {
  MockCluster cluster;
  cluster.create("t", 2);
  cluster.produce_ids("t", 0, 0, 500);
  cluster.produce_ids("t", 1, 0, 500);
  Rig rig(options_of(cluster));
  ASSERT_TRUE(rig.has(1000));
  const std::set<std::string> distinct(rig.outlet.events.begin(), rig.outlet.events.end());
  EXPECT_EQ(distinct.size(), 1000u);
  EXPECT_EQ(rig.outlet.events.size(), 1000u);
  rig.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 500);
  EXPECT_EQ(cluster.committed("g", "t", 1), 500);
}

TEST(KafkaSource, CommitsNothingThatHasNotSettled) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 10);
  {
    Rig rig(options_of(cluster));
    ASSERT_TRUE(rig.has(10));
    rig.outlet.settles = false;
    cluster.produce_ids("t", 0, 10, 5);
    ASSERT_TRUE(rig.has(15));
    rig.steps(200);
    EXPECT_EQ(cluster.committed("g", "t", 0), 10);
  }
  EXPECT_EQ(cluster.committed("g", "t", 0), 10);
}

TEST(KafkaSource, StopsWhenWhatIsInTheFlowHasSettledAndCommitsIt) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 10);
  Rig rig(options_of(cluster));
  rig.outlet.settles = false;
  ASSERT_TRUE(rig.has(10));
  rig.intake().stop(1s);
  cluster.produce_ids("t", 0, 10, 5);
  rig.steps(200);
  EXPECT_FALSE(rig.intake().quiet());
  rig.outlet.settle();
  EXPECT_TRUE(rig.until([&] { return rig.intake().quiet(); }));
  EXPECT_EQ(rig.outlet.events.size(), 10u);
  EXPECT_EQ(cluster.committed("g", "t", 0), 10);
}

TEST(KafkaSource, NeverHasMoreThanMaxUnackedOnTheirWay) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 100);
  Options o = options_of(cluster);
  o.set("max_unacked", std::uint64_t{7});
  Rig rig(o);
  rig.outlet.settles = false;
  ASSERT_TRUE(rig.has(1));
  rig.steps(200);
  while (rig.outlet.events.size() < 100) {
    std::size_t kept = 0;
    for (const Batch& batch : rig.outlet.kept) kept += batch.size();
    ASSERT_LE(kept, 7u);
    const auto before = rig.outlet.events.size();
    rig.outlet.settle();
    ASSERT_TRUE(rig.has(before + 1));
  }
}

TEST(KafkaSource, PausesWhenTheFlowTakesNothingAndResumesWithoutALossOrADouble) {
  MockCluster cluster;
  cluster.create("t", 1);
  Rig rig(options_of(cluster));
  rig.outlet.is_ready = false;
  cluster.produce_ids("t", 0, 0, 20'000);
  rig.steps(6'000);  // about 3 s until the group lets it in, then patience
  EXPECT_THAT(rig.outlet.events, IsEmpty());
  rig.outlet.make_room();
  ASSERT_TRUE(rig.has(20'000));
  rig.steps(100);
  const std::set<std::string> distinct(rig.outlet.events.begin(), rig.outlet.events.end());
  EXPECT_EQ(distinct.size(), 20'000u);
  EXPECT_EQ(rig.outlet.events.size(), 20'000u);
  EXPECT_TRUE(std::ranges::is_sorted(
      rig.outlet.events, [](const auto& a, const auto& b) { return std::stoi(a.substr(9)) < std::stoi(b.substr(9)); }));
}

TEST(KafkaSource, WhatFailedIsReadAgainAndNothingIsCommittedOverIt) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 20);
  Rig rig(options_of(cluster));
  rig.outlet.settles = false;
  ASSERT_TRUE(rig.has(20));
  rig.outlet.settle(Fate::failed);
  ASSERT_TRUE(rig.has(40));
  EXPECT_EQ(rig.outlet.events[20], R"({"id":"0-0"})");
  EXPECT_LE(cluster.committed("g", "t", 0), 0);
  rig.outlet.settle();
  rig.stop();
  EXPECT_EQ(rig.outlet.events.size(), 40u);
  EXPECT_EQ(cluster.committed("g", "t", 0), 20);
}

TEST(KafkaSource, WhatFailedIsLetGoWhereNobodyWasPromisedThatItIsStored) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 20);
  Rig rig(options_of(cluster), Level::processed);
  rig.outlet.settles = false;
  ASSERT_TRUE(rig.has(20));
  rig.outlet.settle(Fate::failed);
  rig.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 20);
}

TEST(KafkaSource, SkipsAndCountsWhatHasNoValueOrIsTooLarge) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, nullptr, "gone");
  cluster.produce("t", 0, "");
  cluster.produce("t", 0, std::string(200, 'x').c_str());
  cluster.produce_ids("t", 0, 3, 1);
  Options o = options_of(cluster);
  o.set("max_event", Bytes(100));
  Rig rig(o);
  ASSERT_TRUE(rig.has(1));
  EXPECT_EQ(rig.outlet.refusals, 3u);
  EXPECT_EQ(rig.outlet.places, std::vector<std::string>{"t/0@3"}) << "its own, whatever was left out before it";
  rig.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 4);
}

TEST(KafkaSource, BuriesWhatHasNoValueOrIsTooLargeWithItsPlace) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, nullptr, "gone");
  cluster.produce("t", 0, std::string(200, 'x').c_str());
  cluster.produce_ids("t", 0, 2, 1);
  Options o = options_of(cluster);
  o.set("max_event", Bytes(100));
  o.set("on_tombstone", std::string("dead_letter"));
  Rig rig(o, Level::stored, {}, [](KeepingOutlet& outlet) { outlet.buries = true; });
  ASSERT_TRUE(rig.has(1));
  ASSERT_TRUE(rig.until([&] { return rig.outlet.letters.size() == 2; }));
  EXPECT_THAT(rig.outlet.letters, Contains("t/0@0|malformed|it has no value|"));
  EXPECT_THAT(rig.outlet.letters,
              Contains(HasSubstr("t/0@1|event_too_large|an event of 200 bytes; these are its first 200|xxx")));
  rig.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 3);
}

TEST(KafkaSource, TellsWhatKafkaKnowsOfAnEventInAMember) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, R"({"id":1})", "k\"1", {{"trace", "abc"}});
  cluster.produce("t", 0, " { } ");
  cluster.produce("t", 0, "no object");
  cluster.flush();
  Options o = options_of(cluster);
  o.set("metadata", std::string("kafka"));
  Rig rig(o);
  ASSERT_TRUE(rig.has(3));
  EXPECT_THAT(rig.outlet.events[0], testing::MatchesRegex(R"(\{"kafka":\{"topic":"t","partition":0,"offset":0,)"
                                                          R"("timestamp":[0-9]+,"key":"k\\"1",)"
                                                          R"("headers":\{"trace":"abc"\}\},"id":1\})"));
  EXPECT_THAT(rig.outlet.events[1], testing::MatchesRegex(R"(\{"kafka":\{.*"key":null\} \} )"));
  EXPECT_EQ(rig.outlet.events[2], "no object");
}

TEST(KafkaSource, TakesTheClassFromAHeader) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, "a", nullptr, {{"priority", "high"}});
  cluster.produce("t", 0, "b");
  cluster.flush();
  ClassRule rule;
  rule.header = "priority";
  rule.map = {{"high", Class::high}};
  rule.fallback = Class::low;
  Rig rig(options_of(cluster), Level::stored, rule);
  ASSERT_TRUE(rig.has(2));
  EXPECT_EQ(rig.outlet.events, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rig.outlet.classes, (std::vector{Class::high, Class::low}));
}

TEST(KafkaSource, TakesTheClassFromAField) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, R"({"severity":"info"})");
  cluster.produce("t", 0, R"({"severity":"fatal"})");
  cluster.flush();
  ClassRule rule;
  rule.path = ".severity";
  rule.map = {{"fatal", Class::critical}};
  rule.fallback = Class::normal;
  Rig rig(options_of(cluster), Level::stored, rule);
  ASSERT_TRUE(rig.has(2));
  const auto fatal = std::ranges::find(rig.outlet.events, R"({"severity":"fatal"})") - rig.outlet.events.begin();
  EXPECT_EQ(rig.outlet.classes[static_cast<std::size_t>(fatal)], Class::critical);
  EXPECT_EQ(rig.outlet.classes[static_cast<std::size_t>(1 - fatal)], Class::normal);
}

TEST(KafkaSource, KeepsTheContractOfSources) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 3000);
  SourceType type = source_type();
  int groups = 0;  // each trial reads from the beginning
  type.make = [&, make = type.make](const SourceSetup& setup) {
    Options o = setup.options;
    o.set("group", fmt::format("group-{}", groups++));
    return make({setup.name, o, setup.acks, setup.classes, setup.refuse_when_full, setup.context});
  };
  Options o = options_of(cluster);
  o.set("max_unacked", std::uint64_t{50});
  EXPECT_THAT(conformance::check_source(
                  {.type = type, .options = o, .events = 3000, .step = [](ManualClock& clock) { clock.advance(5ms); }}),
              IsEmpty());
}

}  // namespace weir::kafka
