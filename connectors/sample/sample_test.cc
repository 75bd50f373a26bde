#include "sample.h"

#include <gtest/gtest.h>
#include <weir/component/expression/counting_new.h>
#include <weir/component/expression/testing.h>

namespace weir::sample {
namespace {

Result<std::shared_ptr<StagePlan>> compile(double rate, const char* key = nullptr, std::uint64_t seed = 1) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("rate", rate);
  if (key) options.set("key", std::string(key));
  const Context context(system_clock(), seed);
  return catalog.stage("sample")->compile(options, context);
}

bool passes(Stage& stage, const std::string& event) {
  static const BatchInfo info;
  std::string out;
  const PaddedText padded(event);
  const auto verdict = stage.take({padded.view(), info, {}, {}}, out);
  EXPECT_TRUE(verdict.kind == Verdict::Kind::passed || verdict.kind == Verdict::Kind::filtered);
  return verdict.kind == Verdict::Kind::passed;
}

std::string keyed(int key, int n) {
  return R"({"user":"u-)" + std::to_string(key) + R"(","n":)" + std::to_string(n) + "}";
}

TEST(Sample, LetsOnAboutItsShare) {
  const auto stage = (*compile(0.1))->stage();
  int passed = 0;
  for (int i = 0; i < 20'000; ++i) passed += passes(*stage, "{}");
  EXPECT_NEAR(passed, 2000, 150);  // 3.5 standard deviations
  EXPECT_TRUE(passes(*(*compile(1))->stage(), "{}"));
}

TEST(Sample, RepeatsItselfWithTheSameSeedOnly) {
  const auto drawn = [](std::uint64_t seed) {
    const auto plan = compile(0.5, nullptr, seed);
    std::string bits;
    for (const auto& stage : {(*plan)->stage(), (*plan)->stage()})
      for (int i = 0; i < 64; ++i) bits += passes(*stage, "{}") ? '1' : '0';
    EXPECT_NE(bits.substr(0, 64), bits.substr(64)) << "two reactors draw the same";
    return bits;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(Sample, DecidesTheSameForTheSameKeyEverywhere) {
  const auto one = (*compile(0.25, ".user", 1))->stage(), two = (*compile(0.25, ".user", 2))->stage();
  int passed = 0;
  for (int key = 0; key < 4000; ++key) {
    const bool first = passes(*one, keyed(key, 1));
    EXPECT_EQ(passes(*one, keyed(key, 2)), first);
    EXPECT_EQ(passes(*two, keyed(key, 3)), first);
    passed += first;
  }
  EXPECT_NEAR(passed, 1000, 100);
}

TEST(Sample, TakesTheKeysOfASmallerShareFromThoseOfALargerOne) {
  const auto few = (*compile(0.1, ".user"))->stage(), many = (*compile(0.5, ".user"))->stage();
  for (int key = 0; key < 500; ++key) {
    if (passes(*few, keyed(key, 1))) EXPECT_TRUE(passes(*many, keyed(key, 1)));
  }
}

TEST(Sample, RefusesWhatIsNoShareOrNoPath) {
  EXPECT_FALSE(compile(0));
  EXPECT_FALSE(compile(1.5));
  EXPECT_EQ(compile(0.5, "user").error().message, "key: expected a path such as .status\n  user\n  ^");
}

TEST(Sample, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("rate", 0.5);
  options.set("key", std::string(".msg"));
  const auto plan = catalog.stage("sample")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::sample
