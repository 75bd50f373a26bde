/// A bounded closed loop of clients: C keep-alive connections, each sends its next request when the last is answered.
/// Every event has an id of its own, and the answered ones can be written down (--acked), so that what was promised can
/// be compared with what was stored.
///
/// It stops after N requests, after T seconds, or when nothing has been answered for a while, and prints one line of
/// JSON.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "support.h"

namespace weir::bench {
namespace {

constexpr std::size_t max_answer = 64 << 10;

struct LoadOptions {
  std::uint16_t port = 0;
  std::string path = "/events", prefix = "load", acked;
  std::uint32_t connections = 64, events = 100;
  std::uint64_t requests = 1000;
  double seconds = 10, idle_stop = 2;
  bool obey = false;
};

struct Client {
  int fd = -1;
  std::string out, in;
  std::size_t sent = 0;
  std::uint64_t first_id = 0, started = 0, due = 0;
  bool busy = false, answered = false, wants_write = false, close_after = false;
};

class Load {
 public:
  explicit Load(const LoadOptions& options);
  void run();
  std::string report();

 private:
  void open(Client& c);
  void reopen(Client& c);
  void start(Client& c);
  void send_more(Client& c);
  void read_answer(Client& c);
  void on_answer(Client& c, const Head& head);
  void finish(Client& c);
  void broken(Client& c);
  void want_write(Client& c, bool wanted);
  void wake_the_due();
  bool over() const;

  const LoadOptions options_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  EventText text_;
  std::vector<Client> clients_;
  std::vector<std::uint32_t> latency_us_;
  std::map<int, std::uint64_t> statuses_;
  std::FILE* acked_ = nullptr;
  std::uint64_t issued_ = 0, broken_ = 0, refused_ = 0, waiting_ = 0, began_ = 0, ended_ = 0, last_answer_ = 0;
};

Load::Load(const LoadOptions& options)
    : options_(options), text_(options.prefix, options.events), clients_(options.connections) {
  latency_us_.reserve(options.requests);
  if (!options.acked.empty() && !(acked_ = std::fopen(options.acked.c_str(), "w")))
    fail_errno("cannot open " + options.acked);
  // What was promised has to be on record even if the server is killed and the next connect ends this program.
  if (acked_) std::setvbuf(acked_, nullptr, _IOLBF, 0);
}

void Load::open(Client& c) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail_errno(fmt::format("cannot connect to 127.0.0.1:{}", options_.port));
  const int on = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &c}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
}

void Load::reopen(Client& c) {
  close(c.fd);
  c.in.clear();
  c.wants_write = c.close_after = false;
  open(c);
}

void Load::start(Client& c) {
  if (issued_ == options_.requests) return;
  c.first_id = issued_++ * options_.events;
  const auto body = text_.with_ids(c.first_id);
  c.out.assign(
      fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
                  "Content-Length: {}\r\n\r\n",
                  options_.path, body.size()));
  c.out += body;
  c.sent = 0;
  c.busy = true;
  c.answered = false;
  c.started = wall_ns();
  send_more(c);
}

void Load::send_more(Client& c) {
  while (c.sent < c.out.size()) {
    const auto n = send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return want_write(c, true);
    // An answer may be on its way although the server reads no more: it is looked for before giving up.
    if (n < 0) return want_write(c, false);
    c.sent += static_cast<std::size_t>(n);
  }
  want_write(c, false);
  if (c.answered) finish(c);
}

void Load::want_write(Client& c, bool wanted) {
  if (c.wants_write == wanted) return;
  c.wants_write = wanted;
  epoll_event event{.events = EPOLLIN | (wanted ? EPOLLOUT : 0u), .data = {.ptr = &c}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
}

void Load::read_answer(Client& c) {
  std::array<char, 16 << 10> bytes;
  const auto n = recv(c.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return broken(c);
  c.in.append(bytes.data(), static_cast<std::size_t>(n));
  Head head;
  const auto parsed = parse_head(c.in, head);
  if (parsed == Parsed::malformed || c.in.size() > max_answer)
    fail("an answer that cannot be read: " + c.in.substr(0, 200));
  if (parsed == Parsed::incomplete || c.in.size() < head.size + head.body || !c.busy) return;
  c.in.erase(0, head.size + head.body);
  on_answer(c, head);
}

void Load::on_answer(Client& c, const Head& head) {
  last_answer_ = wall_ns();
  latency_us_.push_back(static_cast<std::uint32_t>((last_answer_ - c.started) / 1000));
  ++statuses_[head.status];
  if (acked_ && head.status / 100 == 2) fmt::print(acked_, "{} {}\n", c.first_id, c.first_id + options_.events - 1);
  const bool refused = head.status == 503 || head.status == 429;  // full, or come again before the time it was told
  refused_ += refused;
  if (options_.obey && refused && head.retry_after)
    c.due = last_answer_ + std::uint64_t{head.retry_after} * 1'000'000'000u;
  c.answered = true;
  c.close_after = head.close;
  if (head.close || c.sent == c.out.size()) finish(c);
}

void Load::finish(Client& c) {
  c.busy = false;
  if (c.close_after) reopen(c);
  if (c.due)
    ++waiting_;
  else
    start(c);
}

void Load::broken(Client& c) {
  if (c.busy && !c.answered) ++broken_;
  c.busy = false;
  reopen(c);
  if (!c.due) start(c);
}

void Load::wake_the_due() {
  const auto now = wall_ns();
  for (auto& c : clients_) {
    if (c.due == 0 || c.due > now || c.busy) continue;
    c.due = 0;
    --waiting_;
    start(c);
  }
}

bool Load::over() const {
  const auto now = wall_ns();
  if (static_cast<double>(now - began_) > options_.seconds * 1e9) return true;
  if (latency_us_.size() + broken_ == options_.requests) return true;
  return !waiting_ && static_cast<double>(now - last_answer_) > options_.idle_stop * 1e9;
}

void Load::run() {
  for (auto& c : clients_) open(c);
  began_ = last_answer_ = wall_ns();
  for (auto& c : clients_) start(c);
  std::array<epoll_event, 256> ready;
  while (!over()) {
    const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 20);
    for (int i = 0; i < n; ++i) {
      const auto& event = ready[static_cast<std::size_t>(i)];
      auto& c = *static_cast<Client*>(event.data.ptr);
      if (event.events & EPOLLOUT)
        send_more(c);
      else
        read_answer(c);
    }
    if (waiting_) wake_the_due();
  }
  ended_ = latency_us_.empty() ? wall_ns() : last_answer_;
  if (acked_) std::fclose(acked_);
}

std::string Load::report() {
  const auto quantile = [this](double q) -> std::uint32_t {
    if (latency_us_.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(latency_us_.size() - 1));
    std::nth_element(latency_us_.begin(), latency_us_.begin() + at, latency_us_.end());
    return latency_us_[static_cast<std::size_t>(at)];
  };
  std::uint64_t ok = 0;
  std::string by_status;
  for (const auto& [status, count] : statuses_) {
    if (status / 100 == 2) ok += count;
    by_status += fmt::format("{}\"{}\":{}", by_status.empty() ? "" : ",", status, count);
  }
  const auto p50 = quantile(0.5), p99 = quantile(0.99);
  return fmt::format(
      R"({{"requests":{},"answered":{},"ok":{},"refused":{},"broken":{},"events_ok":{},"statuses":{{{}}},)"
      R"("p50_us":{},"p99_us":{},"seconds":{:.6f}}})",
      issued_, latency_us_.size(), ok, refused_, broken_, ok * options_.events, by_status, p50, p99,
      static_cast<double>(ended_ - began_) / 1e9);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  LoadOptions o;
  CLI::App app("A bounded closed loop of HTTP clients that send 200-byte events");
  app.add_option("--port", o.port, "on 127.0.0.1")->required();
  app.add_option("--path", o.path, "where to POST");
  app.add_option("--prefix", o.prefix, "of the event ids");
  app.add_option("--connections", o.connections)->check(CLI::Range(1, 1000));
  app.add_option("--events", o.events, "a request")->check(CLI::Range(1, 10'000));
  app.add_option("--requests", o.requests, "stop after so many")->check(CLI::Range(1, 10'000'000));
  app.add_option("--seconds", o.seconds, "stop after this time")->check(CLI::Range(0.0, 600.0));
  app.add_option("--idle-stop", o.idle_stop, "stop when nothing was answered for so many seconds")
      ->check(CLI::Range(0.0, 600.0));
  app.add_option("--acked", o.acked, "write the answered id ranges to this file");
  app.add_flag("--obey", o.obey, "wait as long as Retry-After says");
  CLI11_PARSE(app, argc, argv);
  Load load(o);
  load.run();
  fmt::print("{}\n", load.report());
}
