#include "observe/admin.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <boost/asio/post.hpp>

#include <future>

#include "net/problem.h"
#include "observe/json.h"
#include "observe/metrics.h"
#include "observe/tap_api.h"

namespace weir::observe {

Admin::Admin(const config::Admin& admin, const Context& context, Asks asks, pipeline::TapBoard* taps)
    : context_(context),
      asks_(std::move(asks)),
      taps_(taps),
      hosts_(admin.listen, admin.hosts),
      credentials_(admin.logins) {
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
}
Admin::~Admin() { stop(); }

Result<std::string> Admin::open() {
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
    server_->stop_accepting();
    server_->close_all();
    server_.reset();
    closed.set_value();
  });
  closed.get_future().get();
  reactor_.stop();
  reactor_.join();
}

boost::asio::awaitable<void> Admin::handle(net::Exchange& exchange) {
  const auto& head = exchange.head();
  net::Response response;
  if (!hosts_.answers(head.host))
    response = {.status = 421,
                .body =
                    "{\"error\":\"wrong_host\",\"message\":\"this listener does not go by that name: ask it by its "
                    "address, or list the name under admin.hosts\"}\n"};
  else if (head.target != "/health" && !credentials_.let_in(head))
    response = {.status = 401,
                .body = net::problem_body(Rejection{Reason::unauthorized, Duration{0}}, {}),
                .extra_headers = credentials_.challenge()};
  else if (head.method != "GET" && head.method != "HEAD")
    response = {.status = 405,
                .body = "{\"error\":\"method_not_allowed\",\"message\":\"the admin listener only answers GET\"}\n"};
  else
    response = respond_to(head.target, head.query);
  co_await exchange.respond(std::move(response));
}

net::Response Admin::respond_to(std::string_view path, std::string_view query) {
  if (path == "/health") return {.body = "{\"status\":\"ok\"}\n"};
  if (path == "/api/tap" && taps_) return tap_response(*taps_, query, context_.now());
  if (path == "/ready") {
    const std::string why = asks_.why_not_ready();
    if (why.empty()) return {.body = "{\"ready\":true}\n"};
    return {.status = 503, .body = fmt::format("{{\"ready\":false,\"why\":{}}}\n", json_text(why))};
  }
  const auto status = asks_.snapshot();
  const auto requests = asks_.requests ? asks_.requests() : gateway::Status{};
  if (path == "/metrics")
    return {.content_type = "text/plain; version=0.0.4", .body = prometheus_text(status, read_process(), requests)};
  if (path == "/api/graph") return {.body = graph_json(status, requests)};
  if (path == "/api/pressure") return {.body = pressure_json(status, requests)};
  if (path == "/api/ledger") return {.body = ledger_json(status, requests)};
  return {.status = 404,
          .body =
              "{\"error\":\"not_found\",\"message\":\"there are /metrics /health /ready /api/graph /api/pressure "
              "/api/ledger /api/tap\"}\n"};
}

}  // namespace weir::observe
