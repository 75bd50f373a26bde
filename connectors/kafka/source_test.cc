#include "source.h"
#include "log/log.h"

#include <gmock/gmock.h>
#include <weir/base/until_for_test.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/source_check.h>
#include <weir/component/event_id.h>

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "mock_for_test.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// Keeps what it is given until it is told to settle it.
class KeepingOutput final : public conformance::FakeOutput {
 public:
  explicit KeepingOutput(const Context& context) : FakeOutput(context, 64_MiB) {}
  void push(Batch batch, Ticket) override {
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      events.emplace_back(batch[i]);
      places.push_back(fmt::format("{}@{}", batch.place_of(i)->name, batch.place_of(i)->position));
      priorities.push_back(batch.priority());
    }
    kept.push_back(std::move(batch));
    if (settles) settle();
  }
  bool has_dead_letters() const override { return buries; }
  bool dead_letters_ready() const override { return buries; }
  void dead_letter(std::string_view event, Reason reason, std::string_view why, std::optional<EventPosition> place,
                   Receipt* receipt) override {
    letters.push_back(fmt::format("{}@{}|{}|{}|{}", place->name, place->position, name(reason), why, event));
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
class Harness {
 public:
  explicit Harness(Options options, Level acks = Level::stored, PriorityRule priorities = {},
                   const std::function<void(KeepingOutput&)>& prepare = {},
                   const std::function<void(SourceConfig&)>& change = {})
      : options_(std::move(options)),
        context_(clock_),
        output(context_),
        source_(source_type().make({"in", options_, acks, std::move(priorities), context_})) {
    log::set_level(log::Level::off);
    if (prepare) prepare(output);
    if (change) {
      auto config = read_source({"in", options_, acks, {}, context_});
      change(*config);
      source_ = std::make_unique<KafkaSource>(std::move(config), context_);
    }
    const auto opened = source_->open();
    EXPECT_TRUE(opened) << opened.error().message;
    intake_ = source_->intake({reactor_, 0, output});
    intake_->start();
  }
  ~Harness() {
    output.settle(Fate::abandoned);
    intake_->abandon();
    intake_.reset();
    EXPECT_THAT(output.violations, IsEmpty());
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
    return weir::until(done, [this] { step(); });
  }
  bool has(std::size_t events) {
    return until([&] { return output.events.size() >= events; });
  }
  void stop() {
    intake_->stop(1s);
    EXPECT_TRUE(until([&] { return intake_->quiet(); }));
  }
  Intake& intake() { return *intake_; }
  Source& source() { return *source_; }

 private:
  ManualClock clock_;
  Options options_;
  Context context_;
  boost::asio::io_context reactor_;

 public:
  KeepingOutput output;

 private:
  std::unique_ptr<Source> source_;
  std::unique_ptr<Intake> intake_;
};

}  // namespace

TEST(KafkaSource, EndsWhileItsGroupHasNotAnsweredYet) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.hold_back_assignments();
  Harness harness(options_of(cluster));
  ASSERT_TRUE(harness.until([&] { return cluster.holds_an_assignment_back(); }));
  harness.stop();
}

TEST(KafkaSource, BringsEveryMessageOnceAndCommitsWhatSettled) {
  MockCluster cluster;
  cluster.create("t", 2);
  cluster.produce_ids("t", 0, 0, 500);
  cluster.produce_ids("t", 1, 0, 500);
  Harness harness(options_of(cluster));
  ASSERT_TRUE(harness.has(1000));
  const std::set<std::string> distinct(harness.output.events.begin(), harness.output.events.end());
  EXPECT_EQ(distinct.size(), 1000u);
  EXPECT_EQ(harness.output.events.size(), 1000u);
  harness.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 500);
  EXPECT_EQ(cluster.committed("g", "t", 1), 500);
}

TEST(KafkaSource, AnEventsOwnIdTellsATopicFromOneThatWasMadeAgain) {
  std::vector<std::string> ids;
  for (const char* written : {"1700000000000", "1800000000000"}) {
    MockCluster cluster;
    cluster.create("t", 1);
    cluster.produce_at("t", 0, "{}", std::stoll(written));
    cluster.flush();
    for (int reads = 0; reads < 2; ++reads) {
      Options o = options_of(cluster, "t", "g" + std::to_string(reads));
      Harness harness(o);
      harness.output.settles = false;
      ASSERT_TRUE(harness.has(1));
      append_own_id(ids.emplace_back(), harness.output.kept.front(), 0);
      EXPECT_FALSE(own_ids_are_new(harness.output.kept.front()));
    }
  }
  EXPECT_THAT(ids, testing::ElementsAre("t/0/0/1700000000000", "t/0/0/1700000000000", "t/0/0/1800000000000",
                                        "t/0/0/1800000000000"));
}

// The brokers of this cluster ask nobody for a password: whether one is right only a real one can say.
TEST(KafkaSource, JoinsItsGroupAnewWithAReplacedPasswordAndBringsEverythingOnce) {
  const std::string file = testing::TempDir() + "/kafka_password_" + std::to_string(::getpid());
  std::ofstream(file) << "first\n";
  MockCluster cluster;
  cluster.create("t", 2);
  cluster.produce_ids("t", 0, 0, 10);
  Options options = options_of(cluster);
  // This cluster keeps the place of a member that has left for as long, and lets the first one in after 3 s.
  options.set("session_timeout", Duration(6s));
  Harness harness(options, Level::stored, {}, {}, [&](SourceConfig& config) {
    config.poller.client.settings.push_back({"sasl.password", "first", "password_env"});
    config.poller.client.password_file = file;
  });
  ASSERT_TRUE(harness.has(10));
  EXPECT_EQ(harness.source().on_hangup().value_or("an error"), "has the password that its files hold");
  std::ofstream(file) << "";
  const auto empty = harness.source().on_hangup();
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message, testing::EndsWith("it keeps the password it has"));
  std::ofstream(file) << "second\n";
  EXPECT_EQ(harness.source().on_hangup().value_or("an error"), "has read its password again, and joins its group anew");
  const auto assigned = [&] { return harness.source().upstream().counts[0].second; };
  ASSERT_TRUE(harness.until([&] { return assigned() >= 4; })) << "both partitions a second time";
  cluster.produce_ids("t", 0, 10, 10);
  cluster.produce_ids("t", 1, 0, 10);
  ASSERT_TRUE(harness.has(30));
  harness.steps(100);
  EXPECT_EQ(harness.output.events.size(), 30u) << "nothing comes twice";
  harness.stop();
  EXPECT_EQ(cluster.committed("g", "t", 0), 20);
  std::filesystem::remove(file);
}

TEST(KafkaSource, CommitsNothingThatHasNotSettled) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 10);
  {
    Harness harness(options_of(cluster));
    ASSERT_TRUE(harness.has(10));
    harness.output.settles = false;
    cluster.produce_ids("t", 0, 10, 5);
    ASSERT_TRUE(harness.has(15));
    harness.steps(200);
    EXPECT_EQ(cluster.committed("g", "t", 0), 10);
  }
  EXPECT_EQ(cluster.committed("g", "t", 0), 10);
}

TEST(KafkaSource, StopsWhenWhatIsInTheFlowHasSettledAndCommitsIt) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 10);
  Harness harness(options_of(cluster));
  harness.output.settles = false;
  ASSERT_TRUE(harness.has(10));
  harness.intake().stop(1s);
  cluster.produce_ids("t", 0, 10, 5);
  harness.steps(200);
  EXPECT_FALSE(harness.intake().quiet());
  harness.output.settle();
  EXPECT_TRUE(harness.until([&] { return harness.intake().quiet(); }));
  EXPECT_EQ(harness.output.events.size(), 10u);
  EXPECT_EQ(cluster.committed("g", "t", 0), 10);
}

TEST(KafkaSource, NeverHasMoreThanMaxUnackedOnTheirWay) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 100);
  Options o = options_of(cluster);
  o.set("max_unacked", std::uint64_t{7});
  Harness harness(o);
  harness.output.settles = false;
  ASSERT_TRUE(harness.has(1));
  harness.steps(200);
  while (harness.output.events.size() < 100) {
    std::size_t kept = 0;
    for (const Batch& batch : harness.output.kept) kept += batch.size();
    ASSERT_LE(kept, 7u);
    const auto before = harness.output.events.size();
    harness.output.settle();
    ASSERT_TRUE(harness.has(before + 1));
  }
}

TEST(KafkaSource, PausesWhenTheFlowTakesNothingAndResumesWithoutALossOrADouble) {
  MockCluster cluster;
  cluster.create("t", 1);
  Harness harness(options_of(cluster));
  harness.output.is_ready = false;
  cluster.produce_ids("t", 0, 0, 20'000);
  harness.steps(6'000);  // about 3 s until the group lets it in, then patience
  EXPECT_THAT(harness.output.events, IsEmpty());
  harness.output.make_room();
  ASSERT_TRUE(harness.has(20'000));
  harness.steps(100);
  const std::set<std::string> distinct(harness.output.events.begin(), harness.output.events.end());
  EXPECT_EQ(distinct.size(), 20'000u);
  EXPECT_EQ(harness.output.events.size(), 20'000u);
  EXPECT_TRUE(std::ranges::is_sorted(harness.output.events, [](const auto& a, const auto& b) {
    return std::stoi(a.substr(9)) < std::stoi(b.substr(9));
  }));
}

TEST(KafkaSource, WhatFailedIsReadAgainAndNothingIsCommittedOverIt) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 20);
  Harness harness(options_of(cluster));
  harness.output.settles = false;
  ASSERT_TRUE(harness.has(20));
  harness.output.settle(Fate::failed);
  ASSERT_TRUE(harness.has(40));
  EXPECT_EQ(harness.output.events[20], R"({"id":"0-0"})");
  EXPECT_LE(cluster.committed("g", "t", 0), 0);
  harness.output.settle();
  harness.stop();
  EXPECT_EQ(harness.output.events.size(), 40u);
  EXPECT_EQ(cluster.committed("g", "t", 0), 20);
}

TEST(KafkaSource, WhatFailedIsLetGoWhereNobodyWasPromisedThatItIsStored) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce_ids("t", 0, 0, 20);
  Harness harness(options_of(cluster), Level::processed);
  harness.output.settles = false;
  ASSERT_TRUE(harness.has(20));
  harness.output.settle(Fate::failed);
  harness.stop();
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
  Harness harness(o);
  ASSERT_TRUE(harness.has(1));
  EXPECT_EQ(harness.output.refusals, 3u);
  EXPECT_EQ(harness.output.places, std::vector<std::string>{"t/0@3"}) << "its own, whatever was left out before it";
  harness.stop();
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
  Harness harness(o, Level::stored, {}, [](KeepingOutput& output) { output.buries = true; });
  ASSERT_TRUE(harness.has(1));
  ASSERT_TRUE(harness.until([&] { return harness.output.letters.size() == 2; }));
  EXPECT_THAT(harness.output.letters, Contains("t/0@0|malformed|it has no value|"));
  EXPECT_THAT(harness.output.letters,
              Contains(HasSubstr("t/0@1|event_too_large|an event of 200 bytes; these are its first 200|xxx")));
  harness.stop();
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
  Harness harness(o);
  ASSERT_TRUE(harness.has(3));
  EXPECT_THAT(harness.output.events[0], testing::MatchesRegex(R"(\{"kafka":\{"topic":"t","partition":0,"offset":0,)"
                                                              R"("timestamp":[0-9]+,"key":"k\\"1",)"
                                                              R"("headers":\{"trace":"abc"\}\},"id":1\})"));
  EXPECT_THAT(harness.output.events[1], testing::MatchesRegex(R"(\{"kafka":\{.*"key":null\} \} )"));
  EXPECT_EQ(harness.output.events[2], "no object");
}

TEST(KafkaSource, MakesAListOfHeadersWithOneName) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, R"({"id":1})", nullptr, {{"a", "1"}, {"b", "2"}, {"a", "3"}});
  cluster.flush();
  Options o = options_of(cluster);
  o.set("metadata", std::string("kafka"));
  Harness harness(o);
  ASSERT_TRUE(harness.has(1));
  EXPECT_THAT(harness.output.events[0], HasSubstr(R"("headers":{"a":["1","3"],"b":"2"})"));
}

TEST(KafkaSource, TakesThePriorityFromAHeader) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, "a", nullptr, {{"priority", "high"}});
  cluster.produce("t", 0, "b");
  cluster.flush();
  PriorityRule rule;
  rule.header = "priority";
  rule.map = {{"high", Priority::high}};
  rule.fallback = Priority::low;
  Harness harness(options_of(cluster), Level::stored, rule);
  ASSERT_TRUE(harness.has(2));
  EXPECT_EQ(harness.output.events, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(harness.output.priorities, (std::vector{Priority::high, Priority::low}));
}

TEST(KafkaSource, TakesThePriorityFromAField) {
  MockCluster cluster;
  cluster.create("t", 1);
  cluster.produce("t", 0, R"({"severity":"info"})");
  cluster.produce("t", 0, R"({"severity":"fatal"})");
  cluster.flush();
  PriorityRule rule;
  rule.path = ".severity";
  rule.map = {{"fatal", Priority::critical}};
  rule.fallback = Priority::normal;
  Harness harness(options_of(cluster), Level::stored, rule);
  ASSERT_TRUE(harness.has(2));
  const auto fatal =
      std::ranges::find(harness.output.events, R"({"severity":"fatal"})") - harness.output.events.begin();
  EXPECT_EQ(harness.output.priorities[static_cast<std::size_t>(fatal)], Priority::critical);
  EXPECT_EQ(harness.output.priorities[static_cast<std::size_t>(1 - fatal)], Priority::normal);
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
    return make({setup.name, o, setup.acks, setup.priorities, setup.context});
  };
  Options o = options_of(cluster);
  o.set("max_unacked", std::uint64_t{50});
  EXPECT_THAT(conformance::check_source(
                  {.type = type, .options = o, .events = 3000, .step = [](ManualClock& clock) { clock.advance(5ms); }}),
              IsEmpty());
}

}  // namespace weir::kafka
