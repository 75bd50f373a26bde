#include "calc.h"

#include <fmt/format.h>
#include <weir/flow/theory/little.h>
#include <weir/flow/theory/md1.h>
#include <weir/flow/theory/mm1.h>
#include <weir/flow/theory/mmc.h>
#include <weir/flow/theory/sizing.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "config/units_parse.h"

namespace weir::app {
namespace {

constexpr std::uint64_t most_servers = 1'000'000;

/// What is wrong with an option. Thrown here and caught in `calculate`, so that a formula reads as one.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename T>
T must(std::string_view option, const std::string& text, config::Parsed<T> (*parse)(std::string_view)) {
  if (text.empty()) throw Wrong(fmt::format("--{} is missing; `weir help calc` says what each formula takes", option));
  auto value = parse(text);
  if (!value) throw Wrong(fmt::format("--{}: {}", option, value.error()));
  return *value;
}

PerSecond rate_of(std::string_view option, const std::string& text) {
  const auto rate = must(option, text, config::parse_rate);
  if (!(rate.value > 0)) throw Wrong(fmt::format("--{}: must be more than 0", option));
  return rate;
}

Duration time_of(std::string_view option, const std::string& text) {
  const auto time = must(option, text, config::parse_duration);
  if (time <= Duration{0}) throw Wrong(fmt::format("--{}: must be more than 0", option));
  return time;
}

/// "10ms" for one, or "100/s".
PerSecond service_of(const std::string& text) {
  if (text.find('/') != text.npos) return rate_of("service", text);
  return PerSecond{1 / seconds(time_of("service", text))};
}

int servers_of(const std::string& text) {
  const auto n = must("servers", text, config::parse_count);
  if (n == 0 || n > most_servers) throw Wrong(fmt::format("--servers: write 1 to {}", most_servers));
  return static_cast<int>(n);
}

std::string number(double value) {
  return std::isinf(value) ? "without end" : fmt::format("{:.{}g}", value, value < 1e4 ? 4 : 12);
}
std::string rate_text(PerSecond rate) { return number(rate.value) + "/s"; }
std::string time_text(Duration time) { return time == Duration::max() ? "without end" : config::human(time); }

std::string line(std::string_view what, const std::string& value) { return fmt::format("{:<32}{}\n", what, value); }

std::string busy(double utilisation) {
  const char* verdict = utilisation >= 1                         ? ": more comes than it can do"
                        : flow::utilisation_is_high(utilisation) ? ": above 80 %, where waits grow faster than load"
                                                                 : "";
  return line("utilisation", config::human_percent(utilisation) + verdict);
}

std::string why(std::string_view formula, const std::string& meaning) {
  return fmt::format("\n{}\nIn weir.yaml: {}\n", formula, meaning);
}

std::string advice(bool stable, const std::string& otherwise) {
  return stable ? otherwise
                : "no queue is long enough: more `workers`, a faster sink, or `when_full` other than block, which says "
                  "what is given up.";
}

std::string little(const CalcOptions& o) {
  if (int(o.inside.empty()) + int(o.rate.empty()) + int(o.time.empty()) != 1)
    throw Wrong("littles-law takes two of --inside, --rate and --time, and gives the third");
  std::string answer;
  if (o.inside.empty())
    answer = line("inside", number(flow::items_inside(rate_of("rate", o.rate), time_of("time", o.time))));
  else if (const auto inside = static_cast<double>(must("inside", o.inside, config::parse_count)); o.rate.empty())
    answer = line("rate", rate_text(flow::passing(inside, time_of("time", o.time))));
  else
    answer = line("time inside", time_text(flow::time_inside(inside, rate_of("rate", o.rate))));
  return answer + why("Little's law, L = lambda W: what is inside is the rate times the time each stays.",
                      "`queue.max_events` is a latency: at the measured rate a full queue is that late. A limit of "
                      "calls in flight is a rate.");
}

std::string mm1(const CalcOptions& o) {
  const flow::Mm1 queue(rate_of("arrival", o.arrival), service_of(o.service));
  return busy(queue.utilisation()) + line("waiting, mean", number(queue.waiting())) +
         line("time waiting, mean", time_text(queue.time_waiting())) + line("inside, mean", number(queue.in_system())) +
         line("time inside, mean", time_text(queue.time_in_system())) +
         line("time inside, p99", time_text(queue.time_in_system(0.99))) +
         line("times the bare service", number(queue.slowdown())) +
         why("M/M/1, W = 1 / (mu - lambda): arrivals and service at random, one server.",
             advice(queue.stable(),
                    "a sink with `workers: 1`. Bursts make it worse: keep `queue.max_events` above what "
                    "waits, and alert at 80 %."));
}

std::string md1(const CalcOptions& o) {
  const flow::Md1 queue(rate_of("arrival", o.arrival), service_of(o.service));
  return busy(queue.utilisation()) + line("waiting, mean", number(queue.waiting())) +
         line("time waiting, mean", time_text(queue.time_waiting())) + line("inside, mean", number(queue.in_system())) +
         line("time inside, mean", time_text(queue.time_in_system())) +
         why("M/D/1, Wq = rho / (2 mu (1 - rho)): arrivals at random, every service as long as the others.",
             advice(
                 queue.stable(),
                 "a sink with `workers: 1` whose batches are alike. It waits half as long as one whose work varies."));
}

std::string mmc(const CalcOptions& o) {
  const auto arrival = rate_of("arrival", o.arrival), service = service_of(o.service);
  std::string answer;
  int servers = 0;
  if (o.servers.empty()) {
    if (o.wait.empty()) throw Wrong("mmc takes --servers, or --wait, for which it says how many it takes");
    const auto needed = flow::servers_for(arrival, service, time_of("wait", o.wait), most_servers);
    if (!needed) throw Wrong(fmt::format("--wait: not even {} servers keep it", most_servers));
    servers = *needed;
    answer = line("servers needed", std::to_string(servers));
  } else {
    servers = servers_of(o.servers);
  }
  const flow::Mmc queue(arrival, service, servers);
  return answer + busy(queue.utilisation()) +
         line("share that waits", config::human_percent(queue.share_that_waits())) +
         line("waiting, mean", number(queue.waiting())) + line("time waiting, mean", time_text(queue.time_waiting())) +
         line("time waiting, p99", time_text(queue.time_waiting(0.99))) +
         line("inside, mean", number(queue.in_system())) +
         line("time inside, mean", time_text(queue.time_in_system())) +
         why("M/M/c, Erlang C: one queue before all servers, so none is idle while somebody waits.",
             queue.stable() ? fmt::format("`workers: {}` at the sink; more do not keep the order of events.", servers)
                            : advice(false, ""));
}

std::string queue_bound(const CalcOptions& o) {
  const auto latency = time_of("latency", o.latency);
  const auto bound = flow::queue_bound(latency, rate_of("rate", o.rate));
  return line("bound", fmt::format("{} events", bound)) +
         why("Bound = latency x rate: what waits longer than its sender does is done for nothing.",
             fmt::format("`queue: {{ max_events: {} }}`, or `max_wait: {}`, which follows the measured rate.", bound,
                         config::to_text(latency)));
}

std::string bandwidth_delay(const CalcOptions& o) {
  const auto quota = must("rate", o.rate, config::parse_quota);
  const PerSecond rate{static_cast<double>(quota.amount) / seconds(quota.window)};
  if (!(rate.value > 0)) throw Wrong("--rate: must be more than 0");
  const auto under_way = flow::bytes_under_way(rate, time_of("round-trip", o.round_trip));
  return line("under way", quota.bytes ? config::human(under_way) : fmt::format("{} events", under_way.count())) +
         why("Bandwidth-delay product: rate x round trip has to be under way to keep the path busy.",
             "less credit, or fewer `workers` times `batch`, than this leaves the path idle; more only waits.");
}

std::string utilisation(const CalcOptions& o) {
  const auto arrival = rate_of("arrival", o.arrival), service = service_of(o.service);
  const int servers = o.servers.empty() ? 1 : servers_of(o.servers);
  const double rho = arrival.value / (service.value * servers);
  const double enough = std::ceil(arrival.value / (service.value * flow::high_utilisation) - 1e-9);
  return busy(rho) + line("servers for 80 %", number(enough)) +
         line("most at 80 %", rate_text(PerSecond{flow::high_utilisation * service.value * servers})) +
         why("rho = lambda / (c mu); with one server the time inside is 1 / (1 - rho) times the bare service.",
             advice(rho < 1, fmt::format("`workers: {}` at the sink stay at or below 80 %.", number(enough))));
}

std::string overload(const CalcOptions& o) {
  const auto arrival = rate_of("arrival", o.arrival), rate = rate_of("rate", o.rate);
  const auto time = time_of("for", o.for_time);
  const auto latency = o.latency.empty() ? std::chrono::milliseconds(200) : time_of("latency", o.latency);
  const auto bound = flow::queue_bound(latency, rate);
  const double backlog = flow::backlog_after(arrival, rate, time);
  const auto late = flow::lateness_after(arrival, rate, time);
  return line("unbounded: waiting at the end", number(backlog)) + line("unbounded: the last is late", time_text(late)) +
         line("bounded: at most late", time_text(std::min(late, latency))) +
         line("bounded: given up or held back", number(std::max(0.0, backlog - static_cast<double>(bound)))) +
         why("Bufferbloat: an unbounded queue turns (lambda - mu) t too many events into (lambda - mu) t / mu of "
             "lateness.",
             fmt::format("`queue: {{ max_events: {} }}`; `when_full` says whether senders wait (block), are refused "
                         "(reject), or which events are dropped.",
                         bound));
}

constexpr std::array<std::pair<std::string_view, std::string (*)(const CalcOptions&)>, 8> formulas{{
    {"littles-law", little},
    {"mm1", mm1},
    {"mmc", mmc},
    {"md1", md1},
    {"queue-bound", queue_bound},
    {"bandwidth-delay", bandwidth_delay},
    {"utilisation", utilisation},
    {"overload", overload},
}};

}  // namespace

Result<std::string> calculate(std::string_view formula, const CalcOptions& options) {
  try {
    for (const auto& [name, run] : formulas)
      if (name == formula) return run(options);
  } catch (const Wrong& wrong) {
    return failure(wrong.what());
  }
  return failure(fmt::format("there is no formula {}", formula));
}

}  // namespace weir::app
