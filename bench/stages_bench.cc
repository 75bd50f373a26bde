// What a stage costs an event: CPU time, and allocations once everything has its size. An operator new that counts
// stands in for the real one, so a stage that allocates for each event shows it in the column `new`.
//
// The stages of a row share one index of each event, as they do in a flow. The event is 200 bytes; the clock moves on
// every 64 events, which is about a batch. `target` is what the row should cost at most, in nanoseconds.
//
//   bench_stages [--benchmark_filter=...] [--benchmark_repetitions=7 --benchmark_report_aggregates_only]
#include <benchmark/benchmark.h>
#include <weir/base/rng.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/json_event.h>
#include <weir/component/expression/testing.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> allocations = 0;
}

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* place = std::malloc(size ? size : 1)) return place;
  std::abort();
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }

// From the connectors' own headers, which all have one name.
namespace weir::filter {
void add_to(Catalog&);
}
namespace weir::map {
void add_to(Catalog&);
}
namespace weir::route {
void add_to(Catalog&);
}
namespace weir::sample {
void add_to(Catalog&);
}
namespace weir::throttle {
void add_to(Catalog&);
}
namespace weir::dedupe {
void add_to(Catalog&);
}
namespace weir::aggregate {
void add_to(Catalog&);
}

namespace weir {
namespace {

using Table = Options::Table;
using Texts = std::vector<std::string>;

const Catalog& catalog() {
  static const Catalog made = [] {
    Catalog all;
    for (auto* add : {filter::add_to, map::add_to, route::add_to, sample::add_to, throttle::add_to, dedupe::add_to,
                      aggregate::add_to})
      add(all);
    return all;
  }();
  return made;
}

constexpr std::size_t event_bytes = 200;

/// 200 bytes each, with `keys` different users.
std::vector<PaddedText> events(std::size_t keys) {
  std::vector<PaddedText> made;
  Rng rng(1);
  for (std::size_t i = 0; i < 2 * keys; ++i) {
    const auto user = rng.below(keys);
    std::string text = R"({"id":"o-)" + std::to_string(i) + R"(","user":"u-)" + std::to_string(user) +
                       R"(","status":"paid","level":"WARN","total":)" + std::to_string(rng.below(10'000)) +
                       R"(.50,"count":3,"address":{"city":"Berlin","zip":"10115"},"tags":["new","gift"],"msg":")";
    text.resize(event_bytes - 2, 'x');
    made.emplace_back(text + R"("})");
  }
  return made;
}

struct Step {
  const char* type;
  Options options;
};

void run(benchmark::State& state, std::vector<Step> steps, std::size_t keys, double target = 0) {
  const Context context;
  std::vector<std::shared_ptr<StagePlan>> plans;
  std::vector<std::unique_ptr<Stage>> stages;
  for (const auto& [type, options] : steps) {
    plans.push_back(catalog().stage(type)->compile(options, context).value());
    stages.push_back(plans.back()->stage());
  }
  const auto given = events(keys);
  const BatchInfo info;
  std::string out;
  JsonEvent json;
  Duration now = std::chrono::hours(1);
  const auto one = [&](std::size_t i) {
    const auto bytes = given[i].view();
    if (out.size() > 100'000) out.clear();
    if (i % 64 == 0) now += std::chrono::microseconds(50);
    json.look_at(bytes);
    for (auto& stage : stages)
      if (stage->take({bytes, info, TimePoint(now), WallTime(now), &json}, out).kind != Verdict::Kind::passed) break;
  };
  out.reserve(200'000);
  for (std::size_t i = 0; i < given.size(); ++i) one(i);  // everything has its size now
  const auto before = allocations.load();
  std::size_t i = 0;
  for (auto _ : state) {
    one(i);
    if (++i == given.size()) i = 0;
  }
  const auto made = allocations.load() - before;
  if (target > 0) state.counters["target"] = benchmark::Counter(target);
  state.counters["new"] = benchmark::Counter(static_cast<double>(made));
}

template <typename T>
Options with(Options options, const char* name, T value) {
  options.set(name, std::move(value));
  return options;
}

const Options where = with({}, "where", std::string(R"(.status == "paid")"));
const Options three =
    with({}, "set", Table{{".level", "lower(.level)"}, {".cents", ".total * 100"}, {".seen", "now()"}});
const Options outputs = with({}, "outputs", Table{{"open", R"(.status == "open")"}, {"large", ".total > 5000"}});
const Options tenth = with(with({}, "rate", 0.1), "key", std::string(".user"));
const Options fast = with(with(with({}, "rate", PerSecond{1e9}), "burst", std::uint64_t{1'000'000'000}), "when_over",
                          std::string("shed"));
const Options once = with(with({}, "by", Texts{".id"}), "max_keys", std::uint64_t{1'000'000});
const Options minute = with(with(with(with({}, "window", Duration(std::chrono::minutes(1))), "by", Texts{".user"}),
                                 "max_keys", std::uint64_t{100'000}),
                            "values", Table{{"n", "count()"}, {"sum", "sum(.total)"}});

BENCHMARK_CAPTURE(run, filter, {{"filter", where}}, 1000);
BENCHMARK_CAPTURE(run, map_3, {{"map", three}}, 1000);
BENCHMARK_CAPTURE(run, filter_map_3, {{"filter", where}, {"map", three}}, 1000, 250);
BENCHMARK_CAPTURE(run, map_rename_remove_2,
                  {{"map",
                    with(with({}, "rename", Table{{".msg", ".message"}}), "remove", Texts{".tags", ".address.zip"})}},
                  1000);
BENCHMARK_CAPTURE(run, map_keep_3, {{"map", with({}, "keep", Texts{".id", ".user", ".total"})}}, 1000);
BENCHMARK_CAPTURE(run, route_2, {{"route", outputs}}, 1000);
BENCHMARK_CAPTURE(run, sample_key, {{"sample", tenth}}, 1000);
BENCHMARK_CAPTURE(run, throttle, {{"throttle", fast}}, 1000);
BENCHMARK_CAPTURE(run, dedupe_200k, {{"dedupe", once}}, 100'000);
BENCHMARK_CAPTURE(run, aggregate_100k, {{"aggregate", minute}}, 100'000, 400);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
