/// An open load: requests that are due at times of their own, whatever has become of those before, from several kinds
/// of clients at once. It writes a line for each attempt and prints whether it kept its schedule.
///
///   --stream name=edge;rate=0:640,8:880;mix=5,15,50,20,10;key=polite;again=naive;tries=4;deadline=1
///
///   rate      a second, or second:rate,... (load/arrivals.h)
///   mix       weights of critical, high, normal, low, batch: sent as X-Priority; or one of these names
///   key       sent as X-Api-Key
///   again     what a client does that was refused (load/persistence.h), `tries` in all
///   deadline  seconds from the time the attempt was due; then the client leaves
///
/// The file has for each attempt, by tabs: call, try, stream, priority, due (us), took (us, from due), lag (us, from
/// due to sent), status (0 broken, -1 left at its deadline, -2 not sent), Retry-After.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <map>
#include <queue>
#include <sstream>
#include <string>
#include <vector>

#include "load/arrivals.h"
#include "load/persistence.h"
#include "open_clients.h"
#include "support.h"

namespace weir::bench {
namespace {

constexpr std::array<const char*, 5> priorities{"critical", "high", "normal", "low", "batch"};
constexpr std::uint64_t late_us = 5000;  // a request sent later than this was not sent when it was due

struct Stream {
  std::string name = "load", key;
  std::vector<load::Arrivals::Phase> phases;
  std::array<double, 5> mix{0, 0, 1, 0, 0};
  load::Persistence persistence;
  double deadline = 1;
  std::array<std::string, 5> requests;
};

struct Attempt {
  std::uint32_t call = 0, stream = 0;
  std::uint8_t priority = 0, number = 1;
  bool over = false;
  std::uint64_t due = 0, lag = 0;  // ns
};

struct Due {
  std::uint64_t at;
  Attempt attempt;
  bool operator<(const Due& o) const { return at > o.at; }
};

std::array<double, 5> parse_mix(const std::string& text) {
  std::array<double, 5> mix{};
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (text == priorities[i]) return mix[i] = 1, mix;
  std::istringstream in(text);
  std::string part;
  for (std::size_t i = 0; i < mix.size() && std::getline(in, part, ','); ++i) mix[i] = std::atof(part.c_str());
  return mix;
}

Stream parse_stream(const std::string& text, const std::string& path) {
  Stream s;
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
      s.mix = parse_mix(value);
    else if (key == "key")
      s.key = value;
    else if (key == "again")
      s.persistence.kind = must(load::Persistence::parse(value));
    else if (key == "tries")
      s.persistence.tries = std::atoi(value.c_str());
    else if (key == "deadline")
      s.deadline = std::atof(value.c_str());
    else
      fail("--stream: \"" + pair + "\" is none of name, rate, mix, key, again, tries, deadline");
  }
  for (std::size_t i = 0; i < priorities.size(); ++i)
    s.requests[i] = fmt::format("GET {} HTTP/1.1\r\nHost: bench\r\nX-Priority: {}\r\n{}\r\n", path, priorities[i],
                                s.key.empty() ? "" : "X-Api-Key: " + s.key + "\r\n");
  return s;
}

class OpenLoad {
 public:
  OpenLoad(std::vector<Stream> streams, std::uint16_t port, double seconds, std::size_t connections, std::uint64_t seed,
           std::FILE* out);
  void run();
  std::string report() const;

 private:
  void plan(std::uint32_t stream);
  void start(const Due& due);
  void ended(std::uint32_t id, int status, std::uint32_t retry_after);
  void leave_late(std::uint64_t now);

  const std::vector<Stream> streams_;
  std::vector<load::Arrivals> arrivals_;
  Rng rng_;
  OpenClients clients_;
  std::FILE* out_;
  std::uint64_t begin_ = 0;
  std::priority_queue<Due> due_;
  std::vector<Attempt> attempts_;
  std::vector<std::deque<std::uint32_t>> in_order_;  // by stream: whose deadline comes first
  std::vector<std::uint32_t> lags_us_;
  std::map<int, std::uint64_t> statuses_;
  std::uint32_t calls_ = 0;
  std::size_t under_way_ = 0, planned_ = 0;
};

OpenLoad::OpenLoad(std::vector<Stream> streams, std::uint16_t port, double seconds, std::size_t connections,
                   std::uint64_t seed, std::FILE* out)
    : streams_(std::move(streams)),
      rng_(seed),
      clients_(port, connections,
               [this](std::uint32_t id, const OpenClients::Answer& a) { ended(id, a.status, a.retry_after); }),
      out_(out),
      in_order_(streams_.size()) {
  for (const Stream& s : streams_) arrivals_.emplace_back(s.phases, from_seconds(seconds), rng_.next());
}

void OpenLoad::plan(std::uint32_t stream) {
  const auto at = arrivals_[stream].next();
  if (!at) return;
  double total = 0, drawn = rng_.uniform();
  for (const double w : streams_[stream].mix) total += w;
  std::uint8_t priority = 0;
  for (drawn *= total; priority < 4 && drawn >= streams_[stream].mix[priority]; ++priority)
    drawn -= streams_[stream].mix[priority];
  const std::uint64_t due = begin_ + static_cast<std::uint64_t>(at->count());
  due_.push({due, {.call = calls_++, .stream = stream, .priority = priority, .due = due}});
  ++planned_;
}

void OpenLoad::start(const Due& due) {
  if (due.attempt.number == 1) {
    --planned_;
    plan(due.attempt.stream);
  }
  const auto id = static_cast<std::uint32_t>(attempts_.size());
  Attempt attempt = due.attempt;
  attempt.lag = wall_ns() - attempt.due;
  lags_us_.push_back(static_cast<std::uint32_t>(attempt.lag / 1000));
  attempts_.push_back(attempt);
  in_order_[attempt.stream].push_back(id);
  ++under_way_;
  if (!clients_.send(id, streams_[attempt.stream].requests[attempt.priority])) ended(id, -2, 0);
}

void OpenLoad::ended(std::uint32_t id, int status, std::uint32_t retry_after) {
  const auto now = wall_ns();
  Attempt& a = attempts_[id];
  a.over = true;
  --under_way_;
  ++statuses_[status];
  fmt::print(out_, "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", a.call, a.number, streams_[a.stream].name,
             priorities[a.priority], (a.due - begin_) / 1000, (now - a.due) / 1000, a.lag / 1000, status, retry_after);
  if (status >= 200 && status < 400) return;
  const auto wait = streams_[a.stream].persistence.again(a.number, from_seconds(retry_after), rng_);
  if (!wait) return;
  Attempt next = a;
  next.over = false;
  ++next.number;
  next.due = now + static_cast<std::uint64_t>(wait->count());
  due_.push({next.due, next});
}

void OpenLoad::leave_late(std::uint64_t now) {
  for (std::uint32_t s = 0; s < streams_.size(); ++s) {
    const auto patience = static_cast<std::uint64_t>(streams_[s].deadline * 1e9);
    auto& line = in_order_[s];
    while (!line.empty()) {
      const auto id = line.front();
      if (!attempts_[id].over) {
        if (attempts_[id].due + patience > now) break;
        clients_.leave(id);
        line.pop_front();
        ended(id, -1, 0);
        continue;
      }
      line.pop_front();
    }
  }
}

void OpenLoad::run() {
  prctl(PR_SET_TIMERSLACK, 1);
  begin_ = wall_ns() + 50'000'000;
  for (std::uint32_t s = 0; s < streams_.size(); ++s) plan(s);
  while (planned_ > 0 || under_way_ > 0) {
    auto now = wall_ns();
    // Answers are looked at between, so that a sender that is late does not read late too.
    for (int burst = 0; burst < 64 && !due_.empty() && due_.top().at <= now; ++burst) {
      const Due next = due_.top();
      due_.pop();
      start(next);
      now = wall_ns();
    }
    leave_late(now);
    clients_.wait(std::min(due_.empty() ? ~std::uint64_t{0} : due_.top().at, now + 2'000'000));
  }
}

std::string OpenLoad::report() const {
  auto lags = lags_us_;
  std::ranges::sort(lags);
  const auto late = lags.end() - std::ranges::upper_bound(lags, late_us);
  const auto quantile = [&](double q) {
    return lags.empty() ? 0 : lags[static_cast<std::size_t>(q * static_cast<double>(lags.size() - 1))];
  };
  std::string by_status;
  for (const auto& [status, n] : statuses_)
    by_status += fmt::format("{}\"{}\":{}", by_status.empty() ? "" : ",", status, n);
  const bool kept = quantile(0.99) <= late_us && !statuses_.contains(-2);
  return fmt::format(
      R"({{"calls":{},"attempts":{},"statuses":{{{}}},"opened":{},"lag_p50_us":{},"lag_p99_us":{},"lag_max_us":{},)"
      R"("late":{},"kept_schedule":{}}})",
      calls_, attempts_.size(), by_status, clients_.opened(), quantile(0.5), quantile(0.99), quantile(1), late, kept);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  std::vector<std::string> texts;
  std::string path = "/p", file = "/dev/null";
  std::uint16_t port = 0;
  double seconds = 10;
  std::size_t connections = 4000;
  std::uint64_t seed = 1;
  CLI::App app("An open load of HTTP requests, each sent when it is due");
  app.add_option("--port", port, "on 127.0.0.1")->required();
  app.add_option("--stream", texts,
                 "who asks: name=a;rate=0:640,8:880;mix=5,15,50,20,10;key=k;again=naive;tries=4;deadline=1")
      ->required();
  app.add_option("--path", path, "of the requests");
  app.add_option("--seconds", seconds)->check(CLI::Range(0.0, 3600.0));
  app.add_option("--connections", connections, "open at most")->check(CLI::Range(1, 20'000));
  app.add_option("--seed", seed);
  app.add_option("--out", file, "a line for each attempt");
  CLI11_PARSE(app, argc, argv);
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (!out) fail_errno("cannot open " + file);
  std::vector<char> buffer(1 << 20);
  std::setvbuf(out, buffer.data(), _IOFBF, buffer.size());
  std::vector<Stream> streams;
  for (const auto& text : texts) streams.push_back(parse_stream(text, path));
  OpenLoad load(std::move(streams), port, seconds, connections, seed, out);
  load.run();
  std::fclose(out);
  fmt::print("{}\n", load.report());
}
