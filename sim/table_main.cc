// weir_limits_table [standard|sharing|grid] [FIRST_SEED LAST_SEED [SLOTS]]: prints what each limit makes of services
// that it is not told of, beside one that knows their slots. SLOTS: only this part of the grid. See README.md.
#include "scenarios.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <string>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

struct Seeds {
  std::uint64_t first = 1, last = 5;
};

double ms(Duration d) { return seconds(d) * 1e3; }

/// One value for each seed: the median, and the worst.
class Sample {
 public:
  void add(double value) { values_.push_back(value); }
  double median() const {
    std::vector<double> sorted = values_;
    std::ranges::sort(sorted);
    const std::size_t n = sorted.size();
    return n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
  }
  double least() const { return *std::ranges::min_element(values_); }
  double most() const { return *std::ranges::max_element(values_); }

 private:
  std::vector<double> values_;
};

enum class Better : std::uint8_t { higher, lower };

struct Column {
  const char* title;
  const char* format;
  Better better;
};

void print_cell(const Sample& sample, const Column& column) {
  std::printf(" ");
  std::printf(column.format, sample.median());
  std::printf(" (");
  std::printf(column.format, column.better == Better::higher ? sample.least() : sample.most());
  std::printf(") |");
}

/// A table of limits by columns: median (worst) of all seeds.
void print_table(std::string_view title, std::span<const Column> columns, Seeds seeds,
                 const std::function<std::vector<double>(const Limiter&, std::uint64_t seed)>& measure) {
  std::printf("\n%.*s\n\n| limit |", static_cast<int>(title.size()), title.data());
  for (const Column& column : columns) std::printf(" %s |", column.title);
  std::printf("\n|---|");
  for (std::size_t i = 0; i < columns.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const Limiter& limiter : limiters()) {
    std::vector<Sample> samples(columns.size());
    for (std::uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
      const auto values = measure(limiter, seed);
      for (std::size_t i = 0; i < columns.size(); ++i) samples[i].add(values[i]);
    }
    std::printf("| %s |", std::string(limiter.name).c_str());
    for (std::size_t i = 0; i < columns.size(); ++i) print_cell(samples[i], columns[i]);
    std::printf("\n");
    std::fflush(stdout);
  }
}

void print_steps(const ServiceShape& shape, Seeds seeds) {
  constexpr Column columns[]{{"goodput 1 C", "%.4f", Better::higher},
                             {"1.4", "%.4f", Better::higher},
                             {"2", "%.4f", Better::higher},
                             {"5", "%.4f", Better::higher},
                             {"10", "%.4f", Better::higher},
                             {"p99 1 C, ms", "%.1f", Better::lower},
                             {"1.4", "%.1f", Better::lower},
                             {"2", "%.1f", Better::lower},
                             {"5", "%.1f", Better::lower},
                             {"10", "%.1f", Better::lower},
                             {"critical 10 C", "%.4f", Better::higher},
                             {"its p99", "%.1f", Better::lower},
                             {"limit 10 C", "%.1f", Better::lower},
                             {"waited in vain", "%.0f", Better::lower}};
  print_table("A constant load of x times C", columns, seeds, [&](const Limiter& limiter, std::uint64_t seed) {
    std::vector<double> goodput, p99, rest;
    double in_vain = 0;
    for (const double load : {1.0, 1.4, 2.0, 5.0, 10.0}) {
      const StepFigures f = step(limiter, shape, load, 2s, 30s, seed);
      goodput.push_back(f.goodput);
      p99.push_back(ms(f.p99));
      in_vain = std::max(in_vain, ms(f.in_vain));
      if (load == 10.0) rest = {f.critical, ms(f.critical_p99), f.limit};
    }
    goodput.insert(goodput.end(), p99.begin(), p99.end());
    goodput.insert(goodput.end(), rest.begin(), rest.end());
    goodput.push_back(in_vain);
    return goodput;
  });
}

void print_changes(const ServiceShape& shape, Seeds seeds) {
  constexpr Column columns[]{{"spike: critical", "%.4f", Better::higher},
                             {"its p99, ms", "%.1f", Better::lower},
                             {"stall: back, s", "%.1f", Better::lower},
                             {"in vain, ms", "%.0f", Better::lower},
                             {"slower: goodput", "%.4f", Better::higher},
                             {"p99", "%.1f", Better::lower},
                             {"halved: goodput", "%.4f", Better::higher},
                             {"p99", "%.1f", Better::lower},
                             {"doubled", "%.3f", Better::higher},
                             {"storm: goodput", "%.4f", Better::higher},
                             {"attempts", "%.2f", Better::lower},
                             {"polite tenant", "%.4f", Better::higher},
                             {"both", "%.4f", Better::higher},
                             {"refused at low load", "%.0f", Better::lower}};
  print_table("What changes", columns, seeds, [&](const Limiter& limiter, std::uint64_t seed) {
    const auto spiked = spike(limiter, shape, seed);
    const auto stalled = stall(limiter, shape, seed);
    const auto slow = slower(limiter, shape, seed), few = fewer(limiter, shape, seed);
    const auto stormed = storm(limiter, shape, seed);
    const auto shared = tenants(limiter, shape, seed);
    return std::vector<double>{spiked.critical,
                               ms(spiked.critical_p99),
                               seconds(stalled.back),
                               ms(stalled.in_vain),
                               slow.goodput,
                               ms(slow.p99),
                               few.goodput,
                               ms(few.p99),
                               grow(limiter, shape, seed),
                               stormed.goodput,
                               stormed.attempts,
                               shared.polite,
                               shared.goodput,
                               low(limiter, shape, seed)};
  });
}

void print_shape(const char* title, const ServiceShape& shape, Seeds seeds) {
  std::printf("## %s, seeds %llu to %llu: median (worst)\n", title, static_cast<unsigned long long>(seeds.first),
              static_cast<unsigned long long>(seeds.last));
  print_steps(shape, seeds);
  print_changes(shape, seeds);
}

/// How a limit does on all shapes beside the one that knows the slots.
struct Total {
  std::vector<double> less, p99;
};

void print_total(const Limiter& limiter, const Total& total) {
  double sum = 0;
  for (const double less : total.less) sum += less;
  std::vector<double> p99 = total.p99;
  std::ranges::sort(p99);
  std::printf("| %s | %td of %zu | %+.4f | %+.3f | %.2f | %.2f | %.2f |\n", std::string(limiter.name).c_str(),
              std::ranges::count_if(total.less, [](double x) { return x >= -0.03; }), total.less.size(),
              sum / static_cast<double>(total.less.size()), std::ranges::min(total.less), p99[p99.size() / 2],
              p99[p99.size() * 9 / 10], p99.back());
}

/// `only`: services of so many slots; 0: all of them.
void print_grid(Seeds seeds, std::uint64_t only) {
  std::printf("## Goodput per C and p99 (of 1 %% that take 100 x as long: p99.5), seeds %llu to %llu: median\n\n",
              static_cast<unsigned long long>(seeds.first), static_cast<unsigned long long>(seeds.last));
  std::printf("| slots, mean, times, load |");
  for (const Limiter& limiter : limiters()) std::printf(" %s |", std::string(limiter.name).c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i < limiters().size(); ++i) std::printf("---|");
  std::printf("\n");
  std::vector<Total> totals(limiters().size());
  for (const int slots : {1, 2, 8, 64, 500})
    for (const auto mean : {1ms, 10ms, 100ms}) {
      if (slots == 500 && mean == 1ms) continue;  // 500 000 requests a second
      if (only != 0 && static_cast<std::uint64_t>(slots) != only) continue;
      for (const auto times : {Times::exponential, Times::constant, Times::lognormal, Times::bimodal})
        for (const double load : {1.0, 1.4, 10.0}) {
          const ServiceShape shape{.slots = slots, .mean = mean, .times = times};
          const Duration time = from_seconds(std::clamp(20'000 / shape.capacity(), 5.0, 300.0));
          const Duration warm = std::max(Duration{2s}, Duration{50 * mean});
          std::printf("| %d, %lld ms, %s, %g |", slots, static_cast<long long>(mean.count()),
                      std::string(name(times)).c_str(), load);
          std::vector<Sample> good(limiters().size()), p99(limiters().size());
          for (std::size_t i = 0; i < limiters().size(); ++i) {
            for (std::uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
              const StepFigures f = step(limiters()[i], shape, load, warm, time, seed);
              good[i].add(f.goodput);
              p99[i].add(ms(f.p99));
            }
            std::printf(" %.3f, %.0f ms |", good[i].median(), p99[i].median());
            std::fflush(stdout);
          }
          std::printf("\n");
          for (std::size_t i = 0; i < limiters().size(); ++i) {
            totals[i].less.push_back(good[i].median() - good[1].median());  // 1: knows the slots
            totals[i].p99.push_back(p99[i].median() / std::max(p99[1].median(), 1e-9));
          }
        }
    }
  std::printf(
      "\n| limit | within 0.03 of the one that knows | mean | worst | p99 over its: median | 90 %% | worst |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < limiters().size(); ++i) print_total(limiters()[i], totals[i]);
}

int usage() {
  std::fprintf(stderr, "usage: weir_limits_table [standard|sharing|grid] [FIRST_SEED LAST_SEED [SLOTS]]\n");
  return 2;
}

bool read(const char* text, std::uint64_t& number) {
  const std::string_view all(text);
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), number);
  return error == std::errc{} && end == all.data() + all.size();
}

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "standard";
  Seeds seeds;
  std::uint64_t only = 0;
  if (argc > 5 || argc == 3 || (argc == 5 && (what != "grid" || !read(argv[4], only)))) return usage();
  if (argc >= 4 && (!read(argv[2], seeds.first) || !read(argv[3], seeds.last) || seeds.last < seeds.first))
    return usage();
  if (what == "standard")
    print_shape("8 slots of 10 ms, exponential", {}, seeds);
  else if (what == "sharing")
    print_shape("8 cores of 10 ms that are shared", {.sharing = true}, seeds);
  else if (what == "grid")
    print_grid(seeds, only);
  else
    return usage();
  return 0;
}

}  // namespace
}  // namespace weir::sim

int main(int argc, char** argv) { return weir::sim::main(argc, argv); }
