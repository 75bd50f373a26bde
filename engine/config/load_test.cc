#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/memory.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view eight_lines =
    "sources:\n  orders:\n    type: http\n    listen: 127.0.0.1:8080\n"
    "sinks:\n  warehouse: { type: store, from: orders, path: data.db }\n";

Loaded loaded(std::string_view yaml, std::map<std::string, std::string> files = {}) {
  return load_text(yaml, "weir.yaml", fake_catalog(), fake_options(std::move(files)));
}

Config config_of(std::string_view yaml) {
  Loaded result = loaded(yaml);
  for (const Problem& problem : result.problems) ADD_FAILURE() << problem.text();
  return result.config.value_or(Config{});
}

/// What the option `password` becomes when it is written like this.
std::string password(const std::string& written) {
  const auto result = loaded(
      "sources: { s: { type: ticker } }\nsinks:\n  k:\n    type: store\n    from: s\n    path: p\n    password: " +
      written + "\n");
  return result.config ? result.config->sinks.at(0).options.text("password") : result.problems.at(0).message;
}

TEST(Load, FillsInEveryDefaultOfAShortFile) {
  const Config config = config_of(eight_lines);
  const Source& source = config.sources.at(0);
  EXPECT_EQ(source.acks, Level::stored);
  EXPECT_TRUE(source.refuse_when_full);
  EXPECT_FALSE(source.has_priorities);
  EXPECT_EQ(source.options.size("max_body"), 1_MiB);
  const Sink& sink = config.sinks.at(0);
  EXPECT_EQ(sink.queue, flow::EdgeConfig{});
  EXPECT_EQ(sink.destination, flow::DestinationConfig{});
  EXPECT_EQ(sink.ack, SinkAck::durable);
  EXPECT_EQ(sink.options.get<std::vector<std::string>>("tags"), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(sink.options.has("password"));
  EXPECT_EQ(config.reactors, 2);
  EXPECT_EQ(config.admin.listen, "127.0.0.1:9600");
  EXPECT_TRUE(config.memory.automatic);
  EXPECT_EQ(config.memory.memory, Bytes((1_GiB).count() / 10 * 6));
  EXPECT_EQ(config.memory.budget + config.memory.footprints, config.memory.memory);
}

TEST(Load, ReadsEverythingOfAQueueAndADestination) {
  const Config config = config_of(
      std::string(eight_lines) +
      "  second:\n    type: post\n    from: [orders]\n    workers: { min: 4, max: 4 }\n"
      "    queue: { max_events: 512, max_bytes: 1MiB, max_wait: 200ms, pause_at: 70%, resume_at: 0.1, when_full: "
      "drop_lowest, age_boost: 1s, codel: { target: 7ms, interval: 50ms }, expire_after: 1m, reserved_for_high: 10% }\n"
      "    batch: { max_events: 50, max_bytes: 64KiB, linger: 5ms }\n"
      "    breaker: { consecutive_failures: 0, window: time, window_time: 30s, minimum_calls: 20, failure_rate: 40%, "
      "slow_rate: 90%, slow_call: 2s, open: 5s, half_open_calls: 3, half_open_wait: 9s }\n"
      "    retry: { base: 50ms, cap: 5s, jitter: decorrelated, budget: { ratio: 10%, minimum: 1/s, window: 20s } }\n");
  const Sink& sink = config.sinks.at(1);
  EXPECT_EQ(sink.workers, 4);
  flow::EdgeConfig queue;
  queue.bound = {512, 1_MiB};
  queue.max_wait = 200ms;
  queue.pause_at = 0.7;
  queue.resume_at = 0.1;
  queue.when_full = flow::WhenFull::drop_lowest;
  queue.age_boost = 1s;
  queue.codel = flow::CodelConfig{7ms, 50ms};
  queue.expire_after = 1min;
  queue.reserved_for_high = 0.1;
  EXPECT_EQ(sink.queue, queue);
  EXPECT_EQ(sink.batch, (WorkerBatch{{50, 64_KiB}, 5ms}));
  EXPECT_EQ(sink.destination.breaker.window, flow::BreakerConfig::Window::time);
  EXPECT_EQ(sink.destination.breaker.half_open_calls, 3u);
  EXPECT_EQ(sink.destination.backoff.jitter, flow::BackoffConfig::Jitter::decorrelated);
  EXPECT_EQ(sink.destination.retry_budget, (flow::RetryBudgetConfig{0.1, PerSecond{1}, 20s}));
  EXPECT_EQ(config.sources.at(0).acks, Level::processed) << "the default follows the weakest required path";
}

TEST(Load, GivesPrioritiesTheirReserveOnEverySinkTheyReach) {
  const Config config = config_of(
      "sources:\n  a: { type: http, listen: '[::1]:1', priority: { from: header:X-Priority, default: low } }\n  b: { "
      "type: "
      "ticker }\n"
      "sinks:\n  x: { type: store, path: x, from: a, dead_letter: z }\n  y: { type: store, path: y, from: b }\n  z: { "
      "type: store, path: z }\n");
  EXPECT_EQ(config.sources[0].priorities.header, "X-Priority");
  EXPECT_EQ(config.sources[0].priorities.of("critical"), Priority::critical)
      << "without a map the names of the priorities are the map";
  EXPECT_EQ(config.sources[0].priorities.of("?"), Priority::low);
  EXPECT_EQ(config.sinks[0].queue.reserved_for_high, 0.2);
  EXPECT_EQ(config.sinks[1].queue.reserved_for_high, 0.0);
  EXPECT_EQ(config.sinks[2].queue.reserved_for_high, 0.2);
  EXPECT_TRUE(config.sinks[2].is_dead_letter_target);
}

TEST(Load, ReplacesVariablesAfterTheYamlIsParsed) {
  EXPECT_EQ(password("a-${A}-${NOPE:-b}-${EMPTY:-c}"), "a-alpha-b-c");
  EXPECT_EQ(password("'[${EMPTY}]'"), "[]");
  EXPECT_EQ(password("$${A}$$"), "${A}$");
  EXPECT_EQ(password("${INJECT}"), "x\n    mode: fast") << "a value is never read as YAML";
}

TEST(Load, ReadsSecretsFromFilesAndRemembersThem) {
  EXPECT_EQ(password("file:/secret"), "hunter2");
  const auto result =
      loaded("sources: { s: { type: ticker } }\nsinks: { k: { type: store, from: s, path: file:/secret } }\n");
  EXPECT_THAT(result.config->secrets, ElementsAre("sinks.k.path"));
}

TEST(Load, NeverLetsAVariableChooseAFile) {
  LoadOptions options = fake_options();
  options.env = [](std::string_view) { return "file:/secret"; };
  const auto result =
      load_text("sources: { s: { type: ticker } }\nsinks: { k: { type: store, from: s, path: '${X}' } }\n", "f",
                fake_catalog(), options);
  EXPECT_EQ(result.config->sinks[0].options.text("path"), "file:/secret");
}

TEST(Load, MergesFilesBySectionAndNamesBothPlacesOfADouble) {
  const LoadOptions options =
      fake_options({{"a.yaml", std::string(eight_lines)},
                    {"b.yaml", "memory: 128MiB\nsinks:\n  more: { type: print, from: orders }\n"},
                    {"c.yaml", "memory: 1GiB\nsinks:\n  warehouse: { type: print, from: orders }\n"}});
  EXPECT_EQ(load({"a.yaml", "b.yaml"}, fake_catalog(), options).config->sinks.size(), 2u);
  const auto result = load({"a.yaml", "b.yaml", "c.yaml"}, fake_catalog(), options);
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0].text(), "c.yaml:1:1: memory: is already defined at b.yaml:1:1: keep one of the two");
  EXPECT_EQ(result.problems[1].text(),
            "c.yaml:3:3: sinks.warehouse: is already defined at a.yaml:6:3: keep one of the two");
}

TEST(Load, SaysWhichFileCannotBeRead) {
  const auto result = load({"none.yaml"}, fake_catalog(), fake_options());
  EXPECT_FALSE(result.config);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems.at(0).text(), "none.yaml: cannot read none.yaml: No such file or directory");
}

TEST(Load, ReadsTheYamlFilesOfADirectoryInTheirOrder) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "weir_load_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "b.yaml") << "sinks: { k: { type: print, from: s } }\n";
  std::ofstream(folder / "a.yaml") << "sources: { s: { type: ticker } }\n";
  std::ofstream(folder / "notes.txt") << "no: [yaml";
  const auto result = load({folder.string()}, fake_catalog(), system_load_options());
  ASSERT_TRUE(result.config) << result.problems.at(0).text();
  EXPECT_THAT(result.config->files, ElementsAre((folder / "a.yaml").string(), (folder / "b.yaml").string()));
  std::filesystem::remove_all(folder);
}

TEST(Load, LetsAnchorsShareSettings) {
  const Config config = config_of(
      "sources: { s: { type: ticker } }\nsinks:\n  a: { type: print, from: s, queue: &q { max_events: 7 } }\n  b: { "
      "type: print, from: s, queue: { <<: *q, max_bytes: 1MiB } }\n");
  EXPECT_EQ(config.sinks[1].queue.bound, (Load{7, 1_MiB}));
}

TEST(Load, StopsAtSoManyParts) {
  std::string yaml = "sources: { s: { type: ticker } }\nsinks:\n";
  for (int i = 0; i < 300; ++i) yaml += "  k" + std::to_string(i) + ": { type: print, from: s }\n";
  EXPECT_THAT(loaded(yaml).problems.at(0).text(), HasSubstr("sinks.k255: more than 256 parts"));
}

TEST(Load, CutsHugeTextsInItsMessages) {
  const auto result = loaded("sources: { s: { type: " + std::string(50'000, 'x') + ", " + std::string(1000, 'k') +
                             ": 1 } }\n" + std::string(900, 'z') + ": 1\n");
  for (const Problem& problem : result.problems) EXPECT_LT(problem.text().size(), 400u) << problem.text();
}

TEST(Memory, IsTheSumOfItsRows) {
  const Config config = config_of("memory: 256MiB\nreactors: 2\n" + std::string(eight_lines));
  Bytes sum;
  for (const MemoryRow& row : config.memory.rows) sum += saturating_total(row.footprint);
  // 12 MiB process + 1.5 MiB admin + 1 MiB taps + 3 MiB viewers + 36 KiB history of 3 parts + 8 MiB and 128 KiB source
  // + 512 KiB open batches + 3 MiB sink
  EXPECT_EQ(sum, 29_MiB + 164_KiB);
  EXPECT_EQ(config.memory.footprints, sum);
  EXPECT_EQ(config.memory.budget, 256_MiB - sum);
}

TEST(Memory, CountsADeadLetterSinkQueueAndEachPriorityOnEachReactor) {
  const std::string yaml =
      "memory: 256MiB\nreactors: 2\nadmin: { listen: '' }\nsources: { s: { type: ticker, priorities: [critical=1] } }\n"
      "sinks:\n  k: { type: print, from: s, dead_letter: d }\n  d: { type: print, queue: { max_bytes: 8MiB } }\n";
  // 12 MiB process + 5 priorities x 2 reactors x 256 KiB + 8 MiB sink queue
  EXPECT_EQ(config_of(yaml).memory.footprints, 20_MiB + 2560_KiB);
}

TEST(Memory, NeverWrapsAround) {
  const auto result = loaded(
      "sources: { s: { type: http, listen: '[::1]:1', max_connections: 1000000000000 } }\nsinks: { k: { type: print, "
      "from: "
      "s } }\n");
  EXPECT_FALSE(result.config);
  EXPECT_THAT(result.problems.at(0).text(), HasSubstr("largest: source s: connections 7812500000MiB"));
  EXPECT_EQ(saturating_total({1_GiB, Bytes(~0ull), 5, {}}), Bytes(1ull << 60));
}

TEST(Memory, HasToHoldTheLargestRequest) {
  const auto result = loaded(
      "memory: 64MiB\nsources: { s: { type: http, listen: '[::1]:1', max_body: 64MiB } }\nsinks: { k: { type: print, "
      "from: "
      "s } }\n");
  EXPECT_THAT(result.problems.at(0).text(), HasSubstr("one request may need 73MiB: at least 96MiB is needed"));
}

}  // namespace
}  // namespace weir::config
