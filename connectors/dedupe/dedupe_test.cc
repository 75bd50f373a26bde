#include "dedupe.h"

#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/component/expression/counting_new.h>
#include <weir/component/expression/testing.h>

#include <deque>

namespace weir::dedupe {
namespace {

using namespace std::chrono_literals;

Result<std::shared_ptr<StagePlan>> compile(std::vector<std::string> by, Duration window, std::uint64_t max_keys) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("by", std::move(by));
  options.set("window", window);
  options.set("max_keys", max_keys);
  return catalog.stage("dedupe")->compile(options, Context());
}

bool passes(Stage& stage, std::string_view event, Duration at) {
  static const BatchInfo info;
  std::string out;
  const PaddedText padded(event);
  return stage.take({padded.view(), info, TimePoint(at), {}}, out).kind == Verdict::Kind::passed;
}

TEST(Dedupe, LetsOnTheFirstOfEachKeyAcrossReactors) {
  const auto plan = compile({".id", ".kind"}, 10s, 100);
  const auto one = (*plan)->stage(), two = (*plan)->stage();
  EXPECT_TRUE(passes(*one, R"({"id":1,"kind":"a"})", 0s));
  EXPECT_FALSE(passes(*two, R"({"kind":"a","n":7,"id":1})", 1s));
  EXPECT_TRUE(passes(*two, R"({"id":1,"kind":"b"})", 1s));
  EXPECT_FALSE(passes(*one, R"({"id":1,"kind":"a"})", 9s));
}

TEST(Dedupe, ForgetsAWindowAfterTheFirstNotTheLast) {
  const auto stage = (*compile({".id"}, 10s, 100))->stage();
  EXPECT_TRUE(passes(*stage, R"({"id":1})", 0s));
  EXPECT_FALSE(passes(*stage, R"({"id":1})", 9s));
  EXPECT_TRUE(passes(*stage, R"({"id":1})", 10s));
  EXPECT_FALSE(passes(*stage, R"({"id":1})", 19s));
}

TEST(Dedupe, LetsOnWhatHasNoKey) {
  const auto stage = (*compile({".id"}, 10s, 100))->stage();
  for (const auto* event : {"{}", "no json", R"({"id":{}})", R"({"id":""})"})
    for (int twice = 0; twice < 2; ++twice) EXPECT_TRUE(passes(*stage, event, 0s)) << event;
  const auto of_two = (*compile({".tenant", ".id"}, 10s, 100))->stage();
  EXPECT_TRUE(passes(*of_two, R"({"tenant":"","id":"7"})", 0s));
  EXPECT_FALSE(passes(*of_two, R"({"tenant":"","id":"7"})", 0s)) << "one of the two says which";
}

TEST(Dedupe, PromisesLessThanStoredAndDeclaresItsMemory) {
  const auto plan = compile({".id"}, 10s, 100'000);
  EXPECT_EQ((*plan)->strongest(), Level::processed);
  EXPECT_FALSE((*plan)->why_weaker().empty());
  const auto bytes = (*plan)->footprint(4).front().total().count();
  EXPECT_GT(bytes, 100'000u * 24);
  EXPECT_LT(bytes, 100'000u * 40);
}

TEST(Dedupe, RefusesWhatItCannotDo) {
  EXPECT_FALSE(compile({}, 10s, 100));
  EXPECT_FALSE(compile({"id"}, 10s, 100));
  EXPECT_FALSE(compile({".id"}, 0s, 100));
  EXPECT_FALSE(compile({".id"}, 10s, 0));
}

TEST(Memory, ForgetsTheOldestWhenItIsFullAndCountsIt) {
  Memory memory(3, 1h);
  for (std::uint64_t i = 1; i <= 4; ++i) EXPECT_FALSE(memory.seen({0, i}, TimePoint{}));
  EXPECT_EQ(memory.forgotten(), 1u);
  EXPECT_EQ(memory.size(), 3u);
  for (std::uint64_t i = 2; i <= 4; ++i) EXPECT_TRUE(memory.seen({0, i}, TimePoint{}));
  EXPECT_FALSE(memory.seen({0, 1}, TimePoint{}));
}

TEST(Memory, AnswersLikeASimpleListOverALongRun) {
  Memory memory(50, 100ns);
  std::deque<std::pair<KeyHash, TimePoint>> model;
  Rng rng(7);
  TimePoint now;
  for (int i = 0; i < 50'000; ++i) {
    now += Duration(rng.below(4));
    // Few homes, so that probes run into each other and over the end of the index.
    const KeyHash key{rng.below(9), (rng.below(12) + 120) & 127};
    while (!model.empty() && now - model.front().second >= 100ns) model.pop_front();
    const bool known = std::ranges::any_of(model, [&](const auto& each) { return each.first == key; });
    if (!known && model.size() == 50) model.pop_front();
    if (!known) model.emplace_back(key, now);
    ASSERT_EQ(memory.seen(key, now), known) << i;
    ASSERT_EQ(memory.size(), model.size());
  }
  EXPECT_GT(memory.forgotten(), 100u);
}

TEST(Dedupe, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("by", std::vector<std::string>{".n", ".msg"});
  const auto plan = catalog.stage("dedupe")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::dedupe
