#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Config config_of(const std::string& yaml) {
  auto result = load_text(yaml, "weir.yaml", fake_catalog(), fake_options());
  for (const Problem& problem : result.problems) ADD_FAILURE() << problem.text();
  return result.config.value_or(Config{});
}

std::string flow(const std::string& source = {}, const std::string& sink = {}, const std::string& rest = {}) {
  return "sources:\n  orders: { type: http, listen: '127.0.0.1:80'" + source +
         " }\nsinks:\n  store: { type: store, path: p, from: orders" + sink + " }\n" + rest;
}

std::vector<std::string> differences(const std::string& from, const std::string& to) {
  return topology_differences(config_of(from), config_of(to));
}

TEST(Reload, TakesOverPolicyValues) {
  EXPECT_THAT(differences(flow(), flow(", when_full: block",
                                       ", queue: { max_events: 7, max_wait: 1s, pause_at: 50% }, batch: { max_events: "
                                       "9 }, breaker: { open: 1s }, retry: { base: 1s }")),
              IsEmpty());
}

TEST(Reload, NamesPartsThatCameAndWent) {
  EXPECT_THAT(differences(flow() + "  old: { type: print, from: orders }\n",
                          flow() + "  more: { type: print, from: orders }\n"),
              ElementsAre("sinks.old is gone", "sinks.more is new"));
}

TEST(Reload, NamesWhatElseDiffers) {
  EXPECT_THAT(
      differences(flow(", acks: stored"), flow(", acks: processed, max_body: 2MiB, priority: { from: .s, map: {} }")),
      ElementsAre("sources.orders.options differs", "sources.orders.acks: processed, was stored",
                  "sources.orders.priority differs"));
  EXPECT_THAT(
      differences(flow(), flow("", ", on_failure: drop", "admin: { listen: ':1' }\nreactors: 1\nmemory: 1GiB\n")),
      ElementsAre("sinks.store.on_failure differs", "admin.listen: :1, was 127.0.0.1:9600", "reactors: 1, was 2",
                  "memory: 1GiB, was 644245092B"));
}

TEST(Reload, RefusesToDeclareMoreMemoryThanWasSetAside) {
  EXPECT_THAT(differences(flow(), flow("", ", batch: { max_bytes: 3MiB }")),
              ElementsAre("memory: parts would declare 28.1 MiB, and 26.1 MiB are set aside"));
  EXPECT_THAT(differences(flow("", ", batch: { max_bytes: 3MiB }"), flow()), IsEmpty());
}

}  // namespace
}  // namespace weir::config
