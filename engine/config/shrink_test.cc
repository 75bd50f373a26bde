// Defaults that follow from `memory:` (shrink.h).
#include "config/shrink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The made-up types, but what connections and the store's pages cost follows from `memory:`.
Loaded load_small(std::string_view memory, std::string_view source = "", std::string_view sink = "",
                  std::string_view top = "reactors: 1\n") {
  Catalog catalog;
  for (SourceType& type : source_types()) {
    for (OptionSpec& spec : type.options)
      if (spec.name == "max_connections") spec.shrinks = Shrinks{.least = "16"};
    catalog.add(std::move(type));
  }
  SinkType store;
  store.name = "cached";
  store.options = {{.name = "cache", .kind = OptionKind::size, .fallback = "16MiB", .shrinks = Shrinks{"1MiB", 8}}};
  store.ack = [](const Options&) { return SinkAck::durable; };
  store.footprint = [](const Options& o, Load) -> std::vector<Footprint> {
    return {{o.size("cache"), {}, 0, "cache"}};
  };
  catalog.add(std::move(store));
  static const LoadOptions options = fake_options();
  return load_text(
      fmt::format("memory: {}\n{}admin: {{ listen: '' }}\nsources: {{ in: {{ type: http, listen: '[::1]:1'{} }} }}\n"
                  "sinks: {{ out: {{ type: cached, from: in{} }} }}\n",
                  memory, top, source, sink),
      "weir.yaml", catalog, options);
}

std::string problem_of(const Loaded& loaded) { return loaded.problems.empty() ? "" : loaded.problems[0].text(); }

TEST(Shrink, LeavesDefaultsAloneWhereThereIsRoom) {
  const Loaded loaded = load_small("256MiB");
  ASSERT_TRUE(loaded.config) << problem_of(loaded);
  EXPECT_THAT(loaded.config->memory.shrunk, IsEmpty());
  EXPECT_EQ(loaded.config->sources[0].options.count("max_connections"), 1024u);
}

TEST(Shrink, HalvesWhatNobodyHasWrittenUntilAQuarterIsLeftForTheSources) {
  const Loaded loaded = load_small("32MiB");
  ASSERT_TRUE(loaded.config) << problem_of(loaded);
  const MemoryTable& memory = loaded.config->memory;
  EXPECT_GE(memory.budget, 8_MiB);
  EXPECT_EQ(memory.budget + memory.footprints, 32_MiB);
  EXPECT_EQ(loaded.config->sources[0].options.count("max_connections"), 256u);
  EXPECT_EQ(loaded.config->sinks[0].options.size("cache"), 4_MiB);
  EXPECT_EQ(memory.shrunk.size(), 3u);
  EXPECT_EQ(memory.shrunk[1].path + " " + memory.shrunk[1].now + " " + memory.shrunk[1].usual,
            "sources.in.max_connections 256 1024");
}

TEST(Shrink, NeverTouchesWhatIsWrittenAndRefusesTheNumberInstead) {
  const Loaded fits = load_small("32MiB", ", max_connections: 600");
  ASSERT_TRUE(fits.config) << problem_of(fits);
  EXPECT_EQ(fits.config->sources[0].options.count("max_connections"), 600u);
  const Loaded loaded = load_small("32MiB", ", max_connections: 4096");
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(problem_of(loaded), HasSubstr("memory: 32MiB is too small"));
  EXPECT_THAT(problem_of(loaded), HasSubstr("is needed"));
}

TEST(Shrink, KeepsRoomForTheLargestEventThatCanCome) {
  const Loaded usual = load_small("40MiB", ", max_event: 1MiB");
  ASSERT_TRUE(usual.config) << problem_of(usual);
  EXPECT_EQ(usual.config->sinks[0].options.size("cache"), 8_MiB);
  int halved_twice = 0;
  for (int mib = 40; mib >= 16; --mib) {
    const Loaded less = load_small(fmt::format("{}MiB", mib), ", max_event: 1MiB");
    if (!less.config) continue;
    EXPECT_GE(less.config->sinks[0].options.size("cache"), 8_MiB) << mib << " MiB";
    halved_twice += less.config->sources[0].options.count("max_connections") <= 256;
  }
  EXPECT_GT(halved_twice, 0) << "so that the bound is what keeps it";
}

TEST(Shrink, MakesReactorsFewerOnlyWhereNothingElseHelps) {
  const std::string several = "\nreactors: auto\n";
  EXPECT_EQ(load_small("64MiB", "", "", several).config->reactors, 2);
  const Loaded written = load_small("17600KiB", "", "", "\nreactors: 2\n");
  EXPECT_FALSE(written.config);
  const Loaded one = load_small("19MiB", "", ", queue: { max_bytes: 1MiB }", several);
  ASSERT_TRUE(one.config) << problem_of(one);
}

}  // namespace
}  // namespace weir::config
