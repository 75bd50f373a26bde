// What the configuration says of a queue that spills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/diff.h"
#include "config/loaded_for_test.h"
#include "config/memory.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string flow(const std::string& sink, const std::string& more = {}) {
  return "memory: 256MiB\nsources:\n  orders: { type: http, listen: '127.0.0.1:80', acks: stored }\nsinks:\n"
         "  warehouse: { type: store, path: p, from: orders, queue: { when_full: spill" +
         sink + " } }\n" + more;
}

TEST(SpillConfig, CarriesStoredAndSpillsIntoAFolderOfItsOwnUnlessToldWhereA4) {
  const Config config = config_of(flow(""));
  EXPECT_TRUE(config.sinks.at(0).spills());
  EXPECT_EQ(config.sinks.at(0).spill, (SpillConfig{"data/spill/warehouse", 1_GiB, {}}));
  const Config told = config_of(flow(", spill: { path: 'a b', max_bytes: 64MiB, mode: '0640' }"));
  EXPECT_EQ(told.sinks.at(0).spill, (SpillConfig{"a b", 64_MiB, *FileMode::from_text("0640")}));
  EXPECT_EQ(config_of(to_yaml(told, fake_catalog())).sinks.at(0).spill, told.sinks.at(0).spill);
}

TEST(SpillConfig, CheckSaysWhatHappensWhenMemoryAndThenTheDiskAreFull) {
  std::string sentence;
  for (const auto& answer : make_report(config_of(flow("")), fake_catalog()).answers)
    if (answer.location == "sinks.warehouse") sentence = answer.sentence;
  EXPECT_THAT(sentence, HasSubstr("or when 80 % of the budget are used, what arrives goes to data/spill/warehouse"));
  EXPECT_THAT(sentence, HasSubstr("there, HTTP clients of orders are refused with 503 and Retry-After"));
  EXPECT_THAT(sentence, HasSubstr("nothing is dropped"));
}

TEST(SpillConfig, DeclaresTheMemoryItWorksIn) {
  const Config with = config_of(flow("")), without = config_of(flow(", max_wait: 1s"));
  EXPECT_EQ(with.memory.footprints, without.memory.footprints);
  std::uint64_t sum = 0;
  for (const auto& row : with.memory.rows)
    if (row.part.starts_with("sink warehouse: spill")) sum += row.footprint.total().count();
  EXPECT_GE(sum, (spill_memory(with, with.sinks.at(0)) + 3_MiB).count());
}

TEST(SpillConfig, RefusesWhatContradictsIt) {
  EXPECT_THAT(problems(flow(", order: adaptive_lifo")), ElementsAre(HasSubstr("does not go with spill")));
  EXPECT_THAT(problems(flow(", codel: true")), Contains(HasSubstr("spill is for what shall wait")));
  EXPECT_THAT(problems(flow(", max_events: 1")), ElementsAre(HasSubstr("two halves: write at least 2")));
  EXPECT_THAT(problems(flow(", spill: { max_bytes: 1MiB }")), ElementsAre(HasSubstr("at least 16MiB")));
  EXPECT_THAT(problems(flow(", spill: { mode: '0755' }")), ElementsAre(HasSubstr("'0755' is none of 0600")));
  EXPECT_THAT(problems(flow(", spill: { path: a/./b }",
                            "  other: { type: store, path: q, from: orders, queue: { when_full: spill, spill: { path: "
                            "a/b } } }\n")),
              ElementsAre(HasSubstr("sinks.other.queue.spill.path: a/b is where sinks.warehouse spills")));
}

TEST(SpillConfig, AnotherPlaceOrNoneIsAnotherTopology) {
  const auto needs_a_new_process = [](const std::string& queue) {
    std::vector<std::string> paths;
    for (const auto& change : changes(config_of(flow("")), config_of(flow(queue)), fake_catalog()))
      if (!change.in_place) paths.push_back(change.path);
    return paths;
  };
  EXPECT_THAT(needs_a_new_process(", spill: { path: elsewhere }"), ElementsAre("sinks.warehouse.queue.spill.path"));
  EXPECT_THAT(needs_a_new_process(", max_events: 7"), ElementsAre());
}

}  // namespace
}  // namespace weir::config
