// Whatever holds a flow up is in the sentence, and nothing else is: flows of one to three sinks, one of which is wrong
// in one way, in given time. What `weir why` says, what a refused client is told and the reason it is refused with are
// looked at after every step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Every word for a cause. None may be said while another is the case.
constexpr std::string_view every_cause[] = {
    "breaker open", "told to wait",  "retry budget empty", "<- locked",        "disk full",
    "journal full", "find no room",  "stalled:",           "cannot spill",     "<- trying",
    "<- serves",    "memory budget", "lets nothing",       "nothing confirmed"};

struct Trouble {
  const char* what;
  Reason reason;           ///< what a client is refused with
  std::string_view words;  ///< what the sentence says
  std::string_view state;  ///< of the sink; readers may be paused as well
  Delivery answer{};       ///< of the other side
  bool letters = false;    ///< it is refused for good, and there is no room for letters
  int failures_to_open = 0;
  bool no_retries = false;  ///< the retry budget is as small as it can be
  Level acks = Level::accepted;
};

Delivery again(Reason reason, Duration retry_after = Duration{0}) {
  return Delivery::again(Error{Error::Kind::overloaded, "10.1.2.3:5432 /data/events.db says no", retry_after, reason});
}
Delivery again() { return Delivery::again("10.1.2.3:5432 /data/events.db says no"); }

std::vector<Trouble> all_troubles() {
  Delivery named = again();
  named.error.retry_after = 30s;
  return {
      {"it fails", Reason::destination_failing, "<- trying", "held up", again()},
      {"its breaker opens", Reason::breaker_open, "breaker open", "held up", again(), false, 1},
      {"a lock opens its breaker", Reason::breaker_open, "breaker open", "held up", again(Reason::destination_locked),
       false, 1},
      {"it names a time", Reason::destination_hold, "told to wait", "held up", named},
      {"it asks for long intervals", Reason::destination_hold, "told to wait", "held up", Delivery{.rest = 300s}},
      {"it is locked", Reason::destination_locked, "<- locked", "held up", again(Reason::destination_locked)},
      {"it is locked and no retry is left", Reason::destination_locked, "<- locked", "held up",
       again(Reason::destination_locked), false, 0, true},
      {"its disk is full", Reason::disk_full, "disk full", "held up", again(Reason::disk_full)},
      {"a journal is full", Reason::journal_full, "journal full", "held up", again(Reason::journal_full, 1ms)},
      {"a journal is full and no retry is left", Reason::journal_full, "journal full", "held up",
       again(Reason::journal_full, 1ms), false, 1, true},
      {"its dead letters find no room", Reason::dead_letters_full, "find no room in sink sink", "held up",
       Delivery::failed("/data/events.db is no table"), true},
  };
}

/// Delivers what it is told to.
struct Told final : Sink {
  explicit Told(Delivery& answer) : answer(answer) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch>) override {
    if (during) during();
    return answer;
  }
  Delivery& answer;
  std::function<void()> during;
};

/// A flow of n sinks, of which number `wrong` is wrong. With letters, one more sink takes those of the wrong one.
struct Scene {
  Scene(int n, std::size_t wrong, const Trouble& trouble, std::uint64_t bound)
      : trouble(trouble), wrong(wrong), answers(static_cast<std::size_t>(n)), harness(graph(n, bound)) {
    log::set_level(log::Level::off);
    for (std::size_t s = 0; s < answers.size(); ++s) {
      if (trouble.letters && s == wrong) continue;  // the queue of the letters knows this worker
      auto sink = std::make_unique<Told>(answers[s]);
      if (s == wrong) told = sink.get();
      harness.workers[s] = std::make_unique<Worker>(harness.sink(s), std::move(sink), harness.context);
    }
    harness.flow->source("source0").set_refuse_when_full(true);
    flow::DestinationConfig careful;
    careful.breaker = {.consecutive_failures = trouble.failures_to_open, .open = 10s};
    careful.backoff = {.base = 1s, .cap = 8s};
    careful.retry_budget.minimum = PerSecond{trouble.no_retries ? 0 : 1e9};
    harness.sink(wrong).destination.reconfigure(careful);
  }
  model::Graph graph(int n, std::uint64_t bound) const {
    model::Graph g = fan_out(n, bound);
    for (auto& sink : g.sinks) sink.most = {20, 1_MiB};
    for (auto& source : g.sources) source.acks = trouble.acks;
    if (!trouble.letters) return g;
    g.sinks.push_back(g.sinks[0]);
    g.sinks.back().from.clear();
    g.sinks.back().queue.bound = {1, 1_MiB};
    g.sinks[wrong].dead_letters = n;
    return g;
  }
  void goes_wrong() {
    answers[wrong] = trouble.answer;
    if (trouble.letters) harness.behave(wrong, Behaviour::Kind::fails);
  }
  void goes_well() {
    answers[wrong] = Delivery{};
    harness.behave(wrong, Behaviour::Kind::ok);
  }
  /// So many events, as far as there is room, and what the workers do with them.
  void offer(int n) {
    for (int i = 0; i < n && !harness.output->paused(Priority::normal); ++i) {
      harness.add(1);
      harness.turn();
    }
    for (std::size_t s = 0; s < answers.size(); ++s) work(s);
  }
  /// For as long as something happens at this moment.
  void work(std::size_t s) {
    for (int i = 0; i < 100; ++i)
      if (harness.step(s) != Worker::Need::nothing) return;
  }
  std::string why() { return harness.flow->status().sources[0].why; }
  std::optional<Reason> refused_with() {
    const auto admitted = harness.output->admit(Bytes(100), Priority::normal, nullptr);
    if (admitted) harness.output->brought(0);
    return admitted ? std::nullopt : std::optional(admitted.error().reason);
  }

  const Trouble& trouble;
  const std::size_t wrong;
  std::vector<Delivery> answers;
  Harness harness;
  Told* told = nullptr;
};

/// The sentence says `words` and no other cause.
void expect_only(const std::string& sentence, std::string_view words, const std::string& scene) {
  EXPECT_THAT(sentence, HasSubstr(std::string(words))) << scene;
  for (const auto other : every_cause)
    if (words.find(other) == words.npos) EXPECT_THAT(sentence, Not(HasSubstr(std::string(other)))) << scene;
}

void expect_the_trouble(Scene& scene, const std::string& where) {
  scene.harness.clock.advance(150ms);  // sentences are kept for a moment
  const FlowStatus status = scene.harness.flow->status();
  for (std::size_t s = 0; s < scene.answers.size(); ++s) {
    const SinkStatus& sink = status.sinks[s];
    if (s == scene.wrong) {
      EXPECT_EQ(sink.state, scene.trouble.state) << where << sink.why;
      expect_only(sink.why, scene.trouble.words, where);
    } else {
      EXPECT_THAT(sink.state, AnyOf("idle", "keeps up")) << where << sink.why;
    }
  }
  const std::string wrong = "sink sink" + std::to_string(scene.wrong) + ": ";
  const auto reason = scene.refused_with();
  const std::string told(scene.harness.output->why(reason.value_or(Reason::flow_full)));
  for (const std::string& sentence : {scene.why(), told}) {
    expect_only(sentence, scene.trouble.words, where);
    EXPECT_EQ(sentence.find(wrong), 0u) << where << sentence;
    EXPECT_EQ(sentence.find("; sink"), sentence.npos) << where << "nobody else is named: " << sentence;
  }
  for (const char* secret : {"10.1.2.3", "5432", "/data"}) EXPECT_THAT(told, Not(HasSubstr(secret))) << where;
  if (reason) EXPECT_EQ(*reason, scene.trouble.reason) << where << name(*reason) << ": " << told;
}

void expect_health(Scene& scene, const std::string& where) {
  scene.harness.clock.advance(150ms);
  for (const SinkStatus& sink : scene.harness.flow->status().sinks) {
    EXPECT_THAT(sink.state, AnyOf("idle", "keeps up")) << where << sink.name << ": " << sink.why;
    EXPECT_EQ(sink.why.find(" <- "), sink.why.npos) << where << sink.why;
  }
  EXPECT_THAT(scene.why(), IsEmpty()) << where;
  EXPECT_FALSE(scene.refused_with()) << where;
}

void recover(Scene& scene) {
  scene.goes_well();
  for (int i = 0; i < 400; ++i) {
    scene.harness.clock.advance(1s);
    for (std::size_t s = 0; s < scene.harness.workers.size(); ++s) scene.work(s);
    scene.harness.turn();
  }
}

// Seeds choose how many sinks there are, which is wrong, how long their queues are, what comes and how time passes.
TEST(Why, NamesWhateverHoldsAFlowUpAndNothingElse) {
  for (const Trouble& trouble : all_troubles())
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      Rng rng(seed);
      const int n = 1 + static_cast<int>(rng.below(3));
      Scene scene(n, rng.below(static_cast<std::uint64_t>(n)), trouble, 20 + rng.below(80));
      const std::string where = fmt::format("{}, {} sinks, seed {}: ", trouble.what, n, seed);
      scene.offer(5);
      expect_health(scene, where + "before: ");
      scene.goes_wrong();
      scene.offer(1);  // what it takes to find out
      if (trouble.answer.outcome == Delivery::Outcome::done) scene.offer(1);
      if (trouble.letters) scene.offer(3);
      for (int step = 0; step < 12 && !::testing::Test::HasFailure(); ++step) {
        expect_the_trouble(scene, fmt::format("{}step {}: ", where, step));
        scene.offer(static_cast<int>(rng.below(rng.below(3) == 0 ? 200 : 3)));
        expect_the_trouble(scene, fmt::format("{}step {}, more came: ", where, step));
        scene.harness.clock.advance(Duration(rng.below(3'000'000'000)));
        for (std::size_t s = 0; s < scene.answers.size(); ++s) scene.work(s);
      }
      recover(scene);
      expect_health(scene, where + "after: ");
      if (::testing::Test::HasFailure()) return;
    }
}

TEST(Why, NamesTheRetryBudgetWhileNothingBetterIsKnown) {
  const Trouble no_retry{
      "no retry is left", Reason::retry_budget_empty, "retry budget empty", "held up", again(), false, 0, true};
  Scene scene(2, 0, no_retry, 50);
  scene.goes_wrong();
  scene.offer(1);
  const auto cause = [&] { return scene.harness.sink(0).hold_up(scene.harness.context.now()).cause(); };
  EXPECT_EQ(cause(), Reason::destination_failing);
  for (int i = 0; i < 100 && cause() != Reason::retry_budget_empty; ++i) {
    scene.harness.clock.advance(500ms);
    scene.work(0);
  }
  expect_the_trouble(scene, "no retry is left: ");
  recover(scene);
  expect_health(scene, "after: ");
}

TEST(Why, AFullJournalIsNoFailureAndWaitingForItNoRetry) {
  const Trouble full{"a journal is full",
                     Reason::journal_full,
                     "journal full",
                     "held up",
                     again(Reason::journal_full, 1ms),
                     false,
                     1,
                     true};
  Scene scene(1, 0, full, 50);
  scene.goes_wrong();
  scene.offer(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(scene.refused_with()) << "there is room in front of it";
    scene.harness.clock.advance(500ms);
    scene.work(0);
  }
  const auto stats = scene.harness.sink(0).destination.stats();
  EXPECT_GE(stats.attempts, 10u);
  EXPECT_EQ(stats.retries + stats.failures + stats.refusals, 0u);
}

TEST(Why, NamesAStallWhileTheDeliveryLasts) {
  const Trouble stall{"it hangs", Reason::destination_stalled, "stalled: nothing has come back for", "held up"};
  Scene scene(2, 1, stall, 50);
  scene.offer(5);
  expect_health(scene, "before: ");
  bool seen = false;
  scene.told->during = [&] {
    scene.harness.clock.advance(40s);
    for (int i = 0; i < 60 && !scene.harness.output->paused(Priority::normal); ++i) {
      scene.harness.add(1);
      scene.harness.turn();
      scene.work(0);
    }
    EXPECT_TRUE(scene.harness.output->paused(Priority::normal));
    expect_the_trouble(scene, "while it hangs: ");
    EXPECT_EQ(scene.refused_with(), Reason::destination_stalled);
    seen = true;
    scene.told->during = nullptr;
  };
  scene.offer(1);
  EXPECT_TRUE(seen);
  recover(scene);
  expect_health(scene, "after: ");
}

TEST(Why, WhoeverWaitsForItsAnswerIsToldOfAStallAndOfNothingElse) {
  Trouble stall{"it hangs", Reason::destination_stalled, "stalled: nothing has come back for", "held up"};
  stall.acks = Level::stored;
  Scene scene(2, 1, stall, 50);
  scene.offer(5);
  const auto& output = *scene.harness.output;
  EXPECT_FALSE(output.stalled());
  bool seen = false;
  scene.told->during = [&] {
    scene.harness.clock.advance(200ms);
    EXPECT_FALSE(output.stalled()) << "it is only slow";
    scene.harness.clock.advance(40s);
    const auto told = output.stalled();
    EXPECT_TRUE(told);
    if (told) EXPECT_EQ(told->reason, Reason::destination_stalled);
    if (told) EXPECT_GE(told->retry_after, 40s);
    seen = true;
    scene.told->during = nullptr;
  };
  scene.offer(1);
  EXPECT_TRUE(seen);
  EXPECT_FALSE(output.stalled()) << "it has answered";
}

TEST(Why, NamesAStallOfASinkThatHasNeverAnsweredWhenItsSendersGiveUp) {
  const Trouble stall{"it hangs", Reason::destination_stalled, "stalled: nothing has come back for", "held up"};
  Scene scene(1, 0, stall, 50);
  scene.harness.sink(0).senders_wait(3s);
  scene.harness.sink(0).senders_wait(10s);
  bool seen = false;
  scene.told->during = [&] {
    scene.harness.clock.advance(2s);
    EXPECT_EQ(scene.harness.flow->status().sinks[0].state, "keeps up");
    scene.harness.clock.advance(2s);
    expect_the_trouble(scene, "while it hangs: ");
    seen = true;
    scene.told->during = nullptr;
  };
  scene.offer(1);
  EXPECT_TRUE(seen);
}

TEST(Why, SaysOfASinkThatIsOnlySlowHowFastItIs) {
  const Trouble slow{"it is slow", Reason::flow_full, "<- serves", "readers are paused"};
  Scene scene(2, 0, slow, 50);
  scene.offer(5);
  scene.told->during = [&] { scene.harness.clock.advance(100ms); };
  for (int i = 0; i < 5; ++i) scene.offer(20);
  scene.told->during = nullptr;
  for (int i = 0; i < 60 && !scene.harness.output->paused(Priority::normal); ++i) {
    scene.harness.add(1);
    scene.harness.turn();
    scene.work(1);
  }
  ASSERT_TRUE(scene.harness.output->paused(Priority::normal));
  expect_the_trouble(scene, "slow: ");
  EXPECT_EQ(scene.refused_with(), Reason::flow_full);
  recover(scene);
  expect_health(scene, "after: ");
}

TEST(Why, NamesTheMemoryWhenNothingElseIsInTheWay) {
  const Trouble none{"nothing", Reason::memory_full, "memory budget", "idle"};
  Scene scene(2, 0, none, 50);
  scene.offer(5);
  Budget& budget = scene.harness.flow->source("source0").budget();
  const auto all = budget.try_take(budget.total() - budget.used());
  ASSERT_TRUE(all);
  EXPECT_EQ(scene.refused_with(), Reason::memory_full);
  expect_only(scene.why(), "memory budget", "operators: ");
  expect_only(std::string(scene.harness.output->why(Reason::memory_full)), "memory budget", "clients: ");
  for (const SinkStatus& sink : scene.harness.flow->status().sinks) EXPECT_EQ(sink.state, "idle");
}

TEST(Why, NamesAStageThatLetsNothingThrough) {
  const Trouble none{"nothing", Reason::throttled, "lets nothing", "idle"};
  Scene scene(1, 0, none, 50);
  scene.offer(5);
  scene.harness.flow->source("source0").hold_until(scene.harness.context.now() + 30s);
  EXPECT_EQ(scene.refused_with(), Reason::throttled);
  expect_only(scene.why(), "lets nothing", "operators: ");
  expect_only(std::string(scene.harness.output->why(Reason::throttled)), "lets nothing", "clients: ");
}

}  // namespace
}  // namespace weir::pipeline
