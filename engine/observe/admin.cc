#include "observe/admin.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <boost/asio/post.hpp>

#include <future>

#include "config/memory.h"
#include "log/log.h"
#include "net/problem.h"
#include "observe/dashboard_files.h"
#include "observe/json.h"
#include "observe/metrics.h"
#include "observe/tap_api.h"

namespace weir::observe {

namespace {

net::Credentials::Guessing guessing(const Context& context) {
  Rng rng = context.rng();
  return {.secret = {rng.next(), rng.next()},
          .on_refused = [](const std::string& peer) { log::warn("admin: {}", net::Credentials::sentence_on(peer)); }};
}

/// Browsers say so; nobody else need.
bool is_of_another_site(const net::Head& head) {
  const auto site = head.header("Sec-Fetch-Site");
  return !site.empty() && site != "same-origin" && site != "none";
}

}  // namespace

static_assert(config::admin_tls == net::tls_footprint);

Admin::Admin(const config::Admin& admin, const Context& context, Asks asks, pipeline::TapBoard* taps)
    : admin_(admin),
      context_(context),
      asks_(std::move(asks)),
      taps_(taps),
      hosts_(admin.listen, admin.hosts),
      credentials_(admin.logins, guessing(context)),
      live_(reactor_.io(), context, admin.viewers, [this] { return graph(); }) {
  config_.listen = admin.listen;
  config_.max_connections = 16;
  config_.max_header = 8_KiB;
  config_.receive_buffer = 4_KiB;
  config_.send_buffer = 16_KiB;
  config_.read_buffer = 16_KiB;
  config_.reuse_port = false;
  config_.answer_timeout = std::chrono::seconds(10);
  config_.max_per_peer = 8;
  config_.close_unfinished = true;
  config_.reserve_descriptors = 4;
  config_.on_unknown_client = [this] { ++refusals_.unauthorized; };
}
Admin::~Admin() { stop(); }

Result<std::string> Admin::open() {
  if (!admin_.tls_certificate.empty()) {
    auto tls = net::TlsContext::server(admin_.tls_certificate, admin_.tls_key, context_.wall(),
                                       {admin_.tls_client_ca, admin_.tls_client_names});
    if (!tls) return failure("admin: " + tls.error().message, tls.error().kind);
    config_.tls = std::move(*tls);
  }
  auto address = net::HttpServer::check_address(config_.listen, false);
  if (!address) return failure("admin: " + address.error().message, address.error().kind);
  server_ = std::make_unique<net::HttpServer>(reactor_.io(), config_, context_,
                                              [this](net::Exchange& x) { return handle(x); });
  address = server_->open();
  if (!address) {
    server_.reset();  // its reactor never runs: there is nothing to stop
    return failure("admin: " + address.error().message, address.error().kind);
  }
  server_->start();
  reactor_.start();
  return address;
}

void Admin::stop() {
  if (!server_) return;
  std::promise<void> closed;
  boost::asio::post(reactor_.io(), [&] {
    live_.stop();
    server_->stop_accepting();
    server_->close_all();
    server_.reset();
    closed.set_value();
  });
  closed.get_future().get();
  reactor_.stop();
  reactor_.join();
}

Result<void> Admin::read_certificate_again() const {
  if (!config_.tls) return {};
  if (auto read = config_.tls->reload(context_.wall()); !read)
    return failure(read.error().message + ": it keeps the certificate it has", read.error().kind);
  return {};
}

boost::asio::awaitable<void> Admin::handle(net::Exchange& exchange) {
  const auto& head = exchange.head();
  auto answer = not_answered(exchange);
  if (!answer && head.target == "/api/live" && head.method == "GET") {
    co_await live_.serve(exchange);
    co_return;
  }
  co_await exchange.respond(answer ? std::move(*answer) : respond_to(head.target, head.query));
}

net::Response Admin::turned_away(const Rejection& rejection) {
  const bool guessed = rejection.reason == Reason::too_many_guesses;
  ++(guessed ? refusals_.guesses : refusals_.unauthorized);
  net::Response response{.status = info(rejection.reason).http_status, .body = net::problem_body(rejection, {})};
  if (guessed)
    response.retry_after = rejection.retry_after;
  else
    response.extra_headers = credentials_.challenge();
  return response;
}

/// For probes and load balancers, which carry no secret: whether, and not why.
net::Response Admin::readiness_alone() const {
  if (asks_.why_not_ready().empty()) return {.body = "{\"ready\":true}\n"};
  return {.status = 503, .body = "{\"ready\":false}\n"};
}

/// What is said to whom this listener does not answer.
std::optional<net::Response> Admin::not_answered(const net::Exchange& exchange) {
  const auto& head = exchange.head();
  if (!hosts_.answers(head.host))
    return net::Response{
        .status = 421,
        .body =
            "{\"error\":\"wrong_host\",\"message\":\"this listener does not go by that name: ask it by its "
            "address, or list the name under admin.hosts\"}\n"};
  const bool for_everybody = head.target == "/health" || !dashboard_file(head.target).body.empty();
  if (head.target == "/ready" && credentials_.needed() && head.header("Authorization").empty())
    return readiness_alone();
  if (!for_everybody)
    if (const auto known = credentials_.let_in(exchange, context_.now()); !known) return turned_away(known.error());
  if (head.method != "GET" && head.method != "HEAD")
    return net::Response{
        .status = 405,
        .body = "{\"error\":\"method_not_allowed\",\"message\":\"the admin listener only answers GET\"}\n"};
  if (head.target == "/api/live" && is_of_another_site(head))
    return net::Response{.status = 403,
                         .body = net::problem_body({Reason::origin_refused, {}}, "a page of another site asks")};
  return std::nullopt;
}

std::string Admin::graph() const {
  return graph_json(asks_.snapshot(), asks_.requests ? asks_.requests() : gateway::Status{},
                    asks_.alerts ? asks_.alerts() : AlertState{});
}

/// Of "part=sink/db".
net::Response Admin::history(std::string_view query) const {
  constexpr std::string_view parameter = "part=";
  std::string body;
  if (query.starts_with(parameter) && asks_.history) body = asks_.history(query.substr(parameter.size()));
  if (!body.empty()) return {.body = std::move(body)};
  return {.status = 404,
          .body =
              "{\"error\":\"not_found\",\"message\":\"no history of such a part: ask for ?part=sink/NAME (source, "
              "stage, sink, gateway, upstream), or part=flow/\"}\n"};
}

net::Response Admin::respond_to(std::string_view path, std::string_view query) {
  if (auto file = dashboard_file(path); !file.body.empty()) return file;
  if (path == "/health") return {.body = "{\"status\":\"ok\"}\n"};
  if (path == "/api/tap" && taps_) return tap_response(*taps_, query, context_.now());
  if (path == "/ready") {
    const std::string why = asks_.why_not_ready();
    if (why.empty()) return {.body = "{\"ready\":true}\n"};
    return {.status = 503, .body = fmt::format("{{\"ready\":false,\"why\":{}}}\n", json_text(why))};
  }
  if (path == "/api/history") return history(query);
  if (path == "/api/graph") return {.body = graph()};
  const auto alerts = asks_.alerts ? asks_.alerts() : AlertState{};
  if (path == "/api/alerts") return {.body = alerts_json(alerts)};
  const auto status = asks_.snapshot();
  const auto requests = asks_.requests ? asks_.requests() : gateway::Status{};
  if (path == "/metrics")
    return {.content_type = "text/plain; version=0.0.4",
            .body = prometheus_text(status, read_process(), refusals_, requests, alerts)};
  if (path == "/api/pressure") return {.body = pressure_json(status, requests)};
  if (path == "/api/ledger") return {.body = ledger_json(status, requests)};
  return {.status = 404,
          .body =
              "{\"error\":\"not_found\",\"message\":\"there are / (the dashboard) /metrics /health /ready /api/graph "
              "/api/pressure /api/ledger /api/alerts /api/history /api/live /api/tap\"}\n"};
}

}  // namespace weir::observe
