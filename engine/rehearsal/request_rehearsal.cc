#include "rehearsal/request_rehearsal.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <future>
#include <thread>

#include "gateway/gateways.h"
#include "net/client_pool.h"
#include "net/field_lines.h"
#include "net/reactor.h"

namespace weir::pipeline {
namespace {

constexpr Duration to_first_midnight = std::chrono::seconds(1'700'006'400 - 1'700'000'001);
constexpr Duration longest_request = std::chrono::minutes(1);  // of the machine's time
constexpr auto between_looks = std::chrono::microseconds(200);
constexpr std::uint64_t largest_answer = 16 << 20;

struct ClientAnswer {
  int status = 0;
  std::string fields, body;
};

class RequestPlay {
 public:
  explicit RequestPlay(const config::Config& config) : config_(config), upstream_(sockets_.io(), machine_, clock_) {
    clock_.advance(to_first_midnight);
  }
  ~RequestPlay();
  RequestPlay(const RequestPlay&) = delete;
  RequestPlay& operator=(const RequestPlay&) = delete;

  Result<void> open();
  Result<RehearsedRequest> ask(const config::RequestStep& step);
  void advance(Duration time) {
    clock_.advance(time);
    gateways_->look_now();
  }

 private:
  struct Told {
    std::string end, route, endpoint, reason;
    int attempts = 0;
  };
  config::Config on_loopback();
  void keep(const gateway::AccessLine& line);
  std::string configured(std::string_view address) const;
  template <typename F>
  auto on_sockets(F f);
  boost::asio::awaitable<ClientAnswer> converse(const config::RequestStep& step, net::ClientPool& pool);
  Result<void> set_up(const config::RequestStep& step);
  void move_on(TimePoint began);

  const config::Config& config_;
  ManualClock clock_;
  Context given_{clock_}, machine_{system_clock()};
  net::Reactor sockets_{"rehearsal"};
  std::vector<std::string> endpoints_, addresses_;  // as configured, and where they are
  RehearsedUpstream upstream_;
  Error trouble_{};
  std::optional<gateway::Gateways> gateways_;
  std::mutex mutex_;
  std::optional<Told> told_;
  bool runs_ = false;
};

config::Config RequestPlay::on_loopback() {
  config::Config config;
  config.gateways = config_.gateways;
  config.upstreams = config_.upstreams;
  for (auto& gateway : config.gateways) {
    gateway.listen = "127.0.0.1:0";
    gateway.tls_certificate = gateway.tls_key = gateway.tls_client_ca = {};
    gateway.access_log.reset();
  }
  for (auto& upstream : config.upstreams) {
    upstream.tls.reset();
    upstream.health.reset();
    upstream.hedging.reset();
    upstream.connect_timeout = longest_request;
    for (auto& endpoint : upstream.endpoints) {
      endpoints_.push_back(endpoint);
      auto address = upstream_.add();
      if (!address) trouble_ = std::move(address.error());
      addresses_.push_back(address.value_or(""));
      endpoint = addresses_.back();
    }
  }
  return config;
}

Result<void> RequestPlay::open() {
  const config::Config config = on_loopback();
  if (!trouble_.message.empty()) return std::unexpected(trouble_);
  gateways_.emplace(config, given_);
  gateways_->tell([this](const gateway::AccessLine& line) { keep(line); });
  if (auto opened = gateways_->open(); !opened) return opened;
  gateways_->start();
  sockets_.start();
  runs_ = true;
  return {};
}

template <typename F>
auto RequestPlay::on_sockets(F f) {
  std::packaged_task<decltype(f())()> task(std::move(f));
  auto result = task.get_future();
  boost::asio::post(sockets_.io(), [&task] { task(); });
  return result.get();
}

RequestPlay::~RequestPlay() {
  if (!runs_) return;
  on_sockets([this] { upstream_.close(); });
  // Time stands still while it stops, so it waits until all has ended.
  gateways_->stop(Duration{0});
  sockets_.stop();
  sockets_.join();
}

std::string RequestPlay::configured(std::string_view address) const {
  const auto at = std::ranges::find(addresses_, address);
  return at == addresses_.end() ? std::string(address) : endpoints_[static_cast<std::size_t>(at - addresses_.begin())];
}

void RequestPlay::keep(const gateway::AccessLine& line) {
  const std::lock_guard lock(mutex_);
  told_ = Told{std::string(line.end), std::string(line.route), configured(line.endpoint), std::string(line.reason),
               line.attempts};
}

Result<void> RequestPlay::set_up(const config::RequestStep& step) {
  std::vector<config::UpstreamScript> scripts(endpoints_.size(), step.upstream);
  for (std::size_t i = 0; i < endpoints_.size(); ++i)
    for (const auto& [endpoint, script] : step.endpoints)
      if (endpoint == endpoints_[i]) scripts[i] = script;
  {
    const std::lock_guard lock(mutex_);
    told_.reset();
  }
  return on_sockets([&] { return upstream_.play(scripts); });
}

boost::asio::awaitable<ClientAnswer> RequestPlay::converse(const config::RequestStep& step, net::ClientPool& pool) {
  ClientAnswer answer;
  auto taken = co_await pool.take(true);
  if (!taken) co_return answer;
  net::ClientConnection& connection = *taken->connection;
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", step.method, step.path);
  const auto is_host = [](const auto& field) { return net::same_word(field.first, "Host"); };
  if (std::ranges::none_of(step.headers, is_host)) head += "Host: localhost\r\n";
  for (const auto& [name, value] : step.headers) head.append(name).append(": ").append(value).append("\r\n");
  if (!step.body.empty()) head += fmt::format("Content-Length: {}\r\n", step.body.size());
  head += "\r\n";
  const auto framing = step.body.empty() ? net::BodyFraming::none : net::BodyFraming::length;
  if (co_await connection.send_head(head, framing, step.method == "HEAD") && !step.body.empty())
    if (co_await connection.write(step.body)) co_await connection.finish();
  bool whole = false;
  while (co_await connection.receive_head())
    if ((whole = !connection.head().is_interim())) break;
  if (whole) answer.fields = connection.head().fields;
  const int status = whole ? connection.head().status : 0;
  while (whole && answer.body.size() < largest_answer) {
    const auto piece = co_await connection.read(64_KiB);
    if (!piece) whole = false;
    if (!piece || piece->empty()) break;
    answer.body += *piece;
  }
  if (whole) answer.status = status;
  connection.abort();
  pool.give(std::move(taken->connection));
  co_return answer;
}

Result<RehearsedRequest> RequestPlay::ask(const config::RequestStep& step) {
  if (auto ready = set_up(step); !ready) return std::unexpected(std::move(ready.error()));
  const auto status = gateways_->status();
  const auto at = std::ranges::find(status.gateways, step.gateway, &gateway::GatewayStatus::name);
  WEIR_CHECK(at != status.gateways.end());
  auto pool = on_sockets([&] {
    return std::make_unique<net::ClientPool>(sockets_.io(), net::PoolConfig{.address = at->address}, machine_);
  });
  const TimePoint began = clock_.now(), limit = machine_.now() + longest_request;
  auto asked = boost::asio::co_spawn(sockets_.io(), converse(step, *pool), boost::asio::use_future);
  const auto ended = [&] {
    const std::lock_guard lock(mutex_);
    return told_.has_value();
  };
  while (!ended() && machine_.now() < limit) {
    if (upstream_.held().count > 0) move_on(began);
    std::this_thread::sleep_for(between_looks);
  }
  const bool in_time = ended();
  on_sockets([&] { upstream_.close(); });
  if (!in_time) gateways_->stop(Duration{0});
  ClientAnswer answer = asked.get();
  on_sockets([&] { pool.reset(); });
  if (!in_time) return failure(fmt::format("{} {} has not ended within a minute", step.method, step.path));
  RehearsedRequest out{.status = answer.status,
                       .fields = std::move(answer.fields),
                       .body = std::move(answer.body),
                       .end = told_->end,
                       .route = told_->route,
                       .endpoint = told_->endpoint,
                       .reason = told_->reason,
                       .attempts = told_->attempts,
                       .sent = upstream_.sent()};
  if (out.attempts == 0) out.endpoint.clear();
  return out;
}

/// To the next moment at which something can happen: a deadline of a route, or an answer that is due. At the same
/// moment the deadline is first.
void RequestPlay::move_on(TimePoint began) {
  const TimePoint due = upstream_.held().next, now = clock_.now();
  TimePoint next = due;
  for (const auto& gateway : config_.gateways)
    for (const auto& route : gateway.routes)
      if (began + route.deadline > now) next = std::min(next, began + route.deadline);
  if (next == never) next = now + std::chrono::seconds(1);  // a client may have said a deadline of its own
  if (next > now) clock_.advance(next - now);
  gateways_->look_now();
  if (gateways_->look_now() > 0) on_sockets([this] { upstream_.release(); });
}

}  // namespace

Result<std::vector<RehearsedRequest>> rehearse_requests(const config::Config& config, const config::TestCase& test) {
  RequestPlay play(config);
  if (auto opened = play.open(); !opened) return std::unexpected(std::move(opened.error()));
  std::vector<RehearsedRequest> all;
  for (const auto& step : test.requests) {
    if (step.advance) {
      play.advance(*step.advance);
      continue;
    }
    auto asked = play.ask(step);
    if (!asked) return std::unexpected(std::move(asked.error()));
    all.push_back(std::move(*asked));
  }
  return all;
}

}  // namespace weir::pipeline
