/// An open load of several kinds of clients, as the overload bench wants it: a line for each attempt, and whether the
/// schedule was kept. The generator is that of `weir load` (engine/load).
///
///   --stream name=edge;rate=0:640,8:880;mix=5,15,50,20,10;key=polite;again=naive;tries=4;deadline=1
///
///   rate      a second, or second:rate,... (load/arrivals.h)
///   mix       weights of critical, high, normal, low, batch: sent as X-Priority; or one of these names
///   key       sent as X-Api-Key
///   client    a field in which each call says who it is: a number of its own, the same in all of its attempts
///   again     what a client does that was refused (load/persistence.h), `tries` in all
///   deadline  seconds from the time the attempt was due; then the client leaves
///
/// The file has for each attempt, by tabs: call, try, stream, priority, due (us), took (us, from due), lag (us, from
/// due to sent), status (0 broken, -1 left at its deadline, -2 not sent), Retry-After.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "load/open_load.h"
#include "load/tally.h"
#include "support.h"

namespace weir::bench {
namespace {

constexpr std::array<const char*, 5> priorities{"critical", "high", "normal", "low", "batch"};

std::array<double, 5> parse_mix(const std::string& text) {
  std::array<double, 5> mix{};
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (text == priorities[i]) return mix[i] = 1, mix;
  std::istringstream in(text);
  std::string part;
  for (std::size_t i = 0; i < mix.size() && std::getline(in, part, ','); ++i) mix[i] = std::atof(part.c_str());
  return mix;
}

load::Stream parse_stream(const std::string& text, const std::string& path) {
  load::Stream s;
  s.deadline = std::chrono::seconds(1);
  std::array<double, 5> mix{0, 0, 1, 0, 0};
  std::string key_line, client_line;
  std::istringstream in(text);
  std::string pair;
  const auto must = [&](auto result) {
    if (!result) fail(text + ": " + result.error().message);
    return *result;
  };
  while (std::getline(in, pair, ';')) {
    const auto equals = pair.find('=');
    const std::string key = pair.substr(0, equals), value = equals == pair.npos ? "" : pair.substr(equals + 1);
    if (key == "name")
      s.name = value;
    else if (key == "rate")
      s.phases = must(load::Arrivals::parse(value));
    else if (key == "mix")
      mix = parse_mix(value);
    else if (key == "key")
      key_line = "X-Api-Key: " + value + "\r\n";
    else if (key == "client")
      client_line = value + ": " + std::string(load::Ids::digits, '0') + "\r\n";
    else if (key == "again")
      s.persistence.kind = must(load::Persistence::parse(value));
    else if (key == "tries")
      s.persistence.tries = std::atoi(value.c_str());
    else if (key == "deadline")
      s.deadline = from_seconds(std::atof(value.c_str()));
    else
      fail("--stream: \"" + pair + "\" is none of name, rate, mix, key, client, again, tries, deadline");
  }
  for (std::size_t i = 0; i < priorities.size(); ++i) {
    auto& variant = s.variants.emplace_back();
    variant.weight = mix[i];
    variant.label = priorities[i];
    variant.request = fmt::format("GET {} HTTP/1.1\r\nHost: bench\r\nX-Priority: {}\r\n{}{}\r\n", path, priorities[i],
                                  key_line, client_line);
    if (!client_line.empty())  // its digits end before the two ends of lines
      variant.ids = {.count = 1, .first = variant.request.size() - 4 - load::Ids::digits};
  }
  return s;
}

int status_of(const load::Outcome& outcome) {
  switch (outcome.end) {
    case load::Outcome::End::answered: return outcome.status;
    case load::Outcome::End::left: return -1;
    case load::Outcome::End::no_room: return -2;
    default: return 0;
  }
}

std::string report(const load::Schedule& schedule, const load::Tally& tally, std::uint64_t opened) {
  const auto us = [](Duration d) { return d.count() / 1000; };
  std::map<int, std::uint64_t> statuses;
  for (const auto& [end, n] : tally.by_end()) {
    const int status = end == "deadline" ? -1 : end == "not_sent" ? -2 : std::atoi(end.c_str());
    statuses[status] += n;
  }
  std::string by_status;
  for (const auto& [status, n] : statuses)
    by_status += fmt::format("{}\"{}\":{}", by_status.empty() ? "" : ",", status, n);
  const auto& lags = tally.lags();
  return fmt::format(
      R"({{"calls":{},"attempts":{},"statuses":{{{}}},"opened":{},"lag_p50_us":{},"lag_p99_us":{},"lag_max_us":{},)"
      R"("late":{:.0f},"kept_schedule":{}}})",
      schedule.calls(), tally.attempts(), by_status, opened, us(lags.quantile(0.5)), us(lags.quantile(0.99)),
      us(lags.max()), tally.late() * static_cast<double>(tally.attempts()), tally.kept_schedule());
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir;
  using namespace weir::bench;
  std::vector<std::string> texts;
  std::string path = "/p", file = "/dev/null";
  std::uint16_t port = 0;
  double length = 10;
  std::size_t connections = 4000;
  std::uint64_t seed = 1;
  CLI::App app("An open load of HTTP requests, each sent when it is due");
  app.add_option("--port", port, "on 127.0.0.1")->required();
  app.add_option("--stream", texts,
                 "who asks: name=a;rate=0:640,8:880;mix=5,15,50,20,10;key=k;again=naive;tries=4;deadline=1")
      ->required();
  app.add_option("--path", path, "of the requests");
  app.add_option("--seconds", length)->check(CLI::Range(0.0, 3600.0));
  app.add_option("--connections", connections, "open at most")->check(CLI::Range(1, 20'000));
  app.add_option("--seed", seed);
  app.add_option("--out", file, "a line for each attempt");
  CLI11_PARSE(app, argc, argv);
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (!out) fail_errno("cannot open " + file);
  std::vector<char> buffer(1 << 20);
  std::setvbuf(out, buffer.data(), _IOFBF, buffer.size());
  std::vector<load::Stream> streams;
  for (const auto& text : texts) streams.push_back(parse_stream(text, path));
  const Context context;
  load::Schedule schedule(std::move(streams), from_seconds(length), ~std::uint64_t{0}, seed);
  load::Tally tally(from_seconds(length));
  const auto us = [](Duration d) { return d.count() / 1000; };
  load::OpenLoad open(schedule, {net::Endpoint(boost::asio::ip::address_v4::loopback(), port)}, connections, context,
                      [&](const load::Attempt& a, const load::Variant& variant, const load::Outcome& outcome, bool over,
                          TimePoint now) {
                        tally.record(a, outcome, over, variant.label, schedule.began(), now);
                        fmt::print(out, "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", a.call, a.number,
                                   schedule.streams()[a.stream].name, variant.label, us(a.due - schedule.began()),
                                   us(now - a.due), us(a.lag), status_of(outcome),
                                   outcome.retry_after.count() / 1'000'000'000);
                      });
  open.run([](TimePoint) { return true; });
  std::fclose(out);
  fmt::print("{}\n", report(schedule, tally, open.opened()));
}
