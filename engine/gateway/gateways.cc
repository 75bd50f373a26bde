#include "gateway/gateways.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "config/gateway_buffers.h"
#include "gateway/refusal.h"
#include "gateway/request_id.h"
#include "log/log.h"
#include "net/accept_limit.h"
#include "net/requester.h"
#include "net/surface.h"

namespace weir::gateway {
namespace {

namespace asio = boost::asio;
constexpr auto busy_interval = std::chrono::milliseconds(5), idle_interval = std::chrono::milliseconds(200);
constexpr Duration look_at_requests_every = std::chrono::milliseconds(20);
constexpr Duration publish_every = std::chrono::milliseconds(200);
constexpr Duration sweep_every = std::chrono::seconds(1);
constexpr Duration body_patience = std::chrono::seconds(30);

std::string allow_field(const config::Gateway& gateway) {
  std::string methods;
  for (const auto& route : gateway.routes)
    for (const auto& method : route.methods)
      if (methods.find(method) == methods.npos) methods += (methods.empty() ? "" : ", ") + method;
  return methods.empty() ? std::string() : "Allow: " + methods + "\r\n";
}

}  // namespace

net::ServerConfig server_config(const config::Gateway& gateway) {
  net::ServerConfig server;
  server.listen = gateway.listen;
  server.max_connections = gateway.max_connections;
  server.max_header = config::gateway_max_header;
  server.receive_buffer = config::gateway_receive_buffer;
  server.receive_buffers = std::make_shared<net::ReceiveBuffers>(
      config::gateway_receive_buffer, config::gateway_most_receive_buffer, config::most_grown(gateway));
  server.send_buffer = config::gateway_send_buffer;
  server.read_buffer = config::gateway_read_buffer;
  server.body_timeout = server.answer_timeout = body_patience;
  server.reserve_descriptors = 4;
  server.on_no_descriptor = [name = gateway.name] { log::warn({"gateway", name}, "{}", net::AcceptLimit::sentence); };
  server.on_full = [name = gateway.name, most = gateway.max_connections] {
    log::warn({"gateway", name}, "{}", net::full_sentence(most, "answered 503"));
  };
  return server;
}

Gateways::Gateways(const config::Config& config, const Context& context)
    : context_(context), secret_(async::secret_of(context)), timer_(reactor_.io()) {
  for (const auto& upstream : config.upstreams)
    upstreams_.push_back(std::make_unique<Upstream>(reactor_.io(), upstream, context));
  for (const auto& gateway : config.gateways) {
    auto& listener = *listeners_.emplace_back(std::make_unique<Listener>(gateway, listeners_.size()));
    for (const auto& route : listener.config.routes) {
      listener.upstreams.push_back(&upstream(route.to));
      const auto& hedging = listener.upstreams.back()->config().hedging;
      listener.hedging.emplace_back(hedging ? hedging->after : std::nullopt);
      listener.guards.push_back(RouteGuards::of(route, listener.config.name, context, secret_));
      if (listener.guards.back()) listener.guards.back()->watch(reactor_);
    }
  }
}

Gateways::~Gateways() {
  if (runs_) stop(Duration{0});
}

Upstream& Gateways::upstream(const std::string& name) const {
  const auto at =
      std::ranges::find(upstreams_, name, [](const auto& u) -> const std::string& { return u->config().name; });
  WEIR_CHECK(at != upstreams_.end());
  return **at;
}

Result<void> Gateways::open(Listener& listener) {
  const config::Gateway& config = listener.config;
  if (config.access_log) {
    listener.log = std::make_unique<AccessLog>(*config.access_log, context_.rng());
    if (auto opened = listener.log->open(); !opened) return opened;
  }
  auto server = server_config(config);
  if (!config.tls_certificate.empty()) {
    auto tls = net::TlsContext::server(config.tls_certificate, config.tls_key, context_.wall(),
                                       {config.tls_client_ca, config.tls_client_names});
    if (!tls) return std::unexpected(std::move(tls.error()));
    server.tls = listener.tls = std::move(*tls);
    if (const auto warning = listener.tls->warning(); !warning.empty())
      log::warn({"gateway", config.name}, "{}: {}", config.tls_certificate, warning);
  }
  if (auto free = net::HttpServer::check_address(config.listen, false); !free)
    return std::unexpected(std::move(free.error()));
  listener.server = std::make_unique<net::HttpServer>(
      reactor_.io(), server, context_,
      [this, &listener](net::Exchange& exchange) { return handle(listener, exchange); });
  auto opened = listener.server->open();
  if (!opened) return std::unexpected(std::move(opened.error()));
  listener.address = *opened;
  return {};
}

Result<void> Gateways::open() {
  for (auto& upstream : upstreams_)
    if (auto opened = upstream->open(); !opened)
      return failure("upstream " + upstream->config().name + ": " + opened.error().message);
  for (auto& listener : listeners_) {
    auto opened = open(*listener);
    if (opened) continue;
    for (auto& other : listeners_) other->server.reset();  // the reactor has not run: nothing is to be stopped
    return failure("gateway " + listener->config.name + ": " + opened.error().message);
  }
  publish();
  return {};
}

std::vector<Gateways::Said> Gateways::on_hangup(std::string_view only) const {
  std::vector<Said> all;
  const auto say = [&](const std::string& who, const Result<void>& done, std::string_view what) {
    all.push_back({done.has_value(), fmt::format("{}: {}", who, done ? std::string(what) : done.error().message)});
  };
  for (const auto& listener : listeners_) {
    const std::string who = "gateway " + listener->config.name;
    if (!only.empty() && only != who) continue;
    if (listener->tls) say(who, listener->tls->reload(context_.wall()), "has read its certificate again");
    if (listener->log && only.empty()) say(who, listener->log->reopen(), "has opened its access log again");
  }
  for (const auto& upstream : upstreams_) {
    const std::string who = "upstream " + upstream->config().name;
    if (!only.empty() && only != who) continue;
    if (const auto read = upstream->reload()) say(who, *read, "has read its certificates again");
  }
  return all;
}

void Gateways::start() {
  last_look_ = last_sweep_ = last_publish_ = context_.now();
  for (auto& listener : listeners_) listener->server->start();
  for (auto& upstream : upstreams_) upstream->watch();
  asio::co_spawn(reactor_.io(), keep(), net::surface);
  reactor_.start();
  runs_ = true;
}

asio::awaitable<void> Gateways::handle(Listener& listener, net::Exchange& exchange) {
  Request request(reactor_.io(), exchange);
  const auto place = listener.under_way.insert(listener.under_way.end(), &request);
  ++listener.counts.in;
  request.began = context_.now();
  request.id = request_id(exchange.head().header("X-Request-Id"), context_.rng());
  if (std::exchange(asleep_, false)) timer_.cancel();
  const Ending ending = co_await serve(listener, request);
  listener.under_way.erase(place);
  switch (ending.kind) {
    case Ending::Kind::answered: ++listener.counts.answered[static_cast<std::size_t>(ending.status / 100)]; break;
    case Ending::Kind::refused:
      ++listener.counts.refused[static_cast<std::size_t>(ending.reason)];
      listener.counts.degraded += request.own_status != 0 ? 1 : 0;
      break;
    case Ending::Kind::abandoned: ++listener.counts.abandoned[static_cast<std::size_t>(ending.reason)]; break;
  }
  const bool log = listener.log && listener.log->wants();
  if (log || told_) write_down(listener, request, ending, log);
}

void Gateways::write_down(Listener& listener, const Request& request, const Ending& ending, bool log) const {
  using Kind = Ending::Kind;
  const net::Head& head = request.exchange.head();
  const TimePoint now = context_.now();
  const std::string peer = request.exchange.peer();
  const bool answered = ending.kind == Kind::answered;
  AccessLine line{.time = context_.wall(),
                  .gateway = listener.config.name,
                  .id = request.id,
                  .peer = peer,
                  .method = head.method,
                  .host = head.authority,
                  .path = head.target};
  line.trace = trace_id(head.header("traceparent"));
  line.end = answered ? "answered" : ending.kind == Kind::refused ? "refused" : "abandoned";
  if (request.cached) line.end = "cached";
  line.reason = answered ? std::string_view() : name(ending.reason);
  line.status = answered ? ending.status : ending.kind == Kind::refused ? info(ending.reason).http_status : 0;
  if (request.own_status) line.status = request.own_status;
  if (request.route) line.route = request.route->path;
  if (request.upstream) line.upstream = request.upstream->config().name;
  if (request.endpoint) line.endpoint = request.upstream->config().endpoints[*request.endpoint];
  line.attempts = request.attempts;
  line.hedge = request.hedged;
  line.received = request.received;
  line.sent = request.sent;
  line.to_head = request.answered_at == never ? Duration{0} : request.answered_at - request.began;
  line.all = now - request.began;
  if (log) listener.log->add(line);
  if (told_) told_(line);
}

asio::awaitable<Ending> Gateways::serve(Listener& listener, Request& request) {
  if (drained_at_ != never) {
    const Duration left = drained_at_ - context_.now();
    const Rejection why{Reason::shutting_down, std::max<Duration>(left, std::chrono::seconds(1))};
    return refuse(request.exchange, context_, why);
  }
  const auto route = listener.routes.find(request.exchange.head());
  return route ? pass_on(listener, request, *route) : refuse_route(listener, request, route.error());
}

/// Of who may come back: a hash of its key, or its connection, whose numbers each listener has for itself.
std::uint64_t Gateways::client_of(const Listener& listener, const Request& request) const {
  if (request.route->client_key.of == async::ClientKey::Of::none)
    return request.exchange.connection() * config::most_gateways + listener.number;
  const net::Requester asker(request.exchange);
  return async::hash_of(request.route->client_key, &asker, secret_);
}

asio::awaitable<Ending> Gateways::pass_on(Listener& listener, Request& request, std::size_t route) {
  request.route = &listener.config.routes[route];
  request.upstream = listener.upstreams[route];
  request.guards = listener.guards[route].get();
  request.waiter.client = client_of(listener, request);
  const std::string peer = request.exchange.peer();
  const Origin origin{.peer = peer,
                      .tls = listener.tls.has_value(),
                      .trusted = listener.trusted.contains(peer),
                      .style = listener.config.forwarded};
  Proxy proxy(reactor_.io(), context_, request, *request.route, origin, listener.switched[route]);
  std::optional<CacheTurn> turn;
  if (auto& cache = listener.caches[route]) {
    turn.emplace(reactor_.io(), context_, *cache, request, listener.tls.has_value());
    request.deadline = context_.now() + request.route->deadline;
    if (const auto ended = co_await turn->begin()) co_return *ended;
    proxy.use(*turn);
  }
  if (request.upstream->config().hedging) proxy.hedge(listener.hedging[route]);
  co_return co_await proxy.run();
}

asio::awaitable<Ending> Gateways::refuse_route(Listener& listener, Request& request, Rejection why) {
  std::string_view sentence;
  std::string fields;
  if (why.reason == Reason::bad_request)
    sentence = "its path can be read in two ways (dot segments, \"//\", encoded slashes)";
  if (why.reason == Reason::method_not_allowed) fields = allow_field(listener.config);
  co_return co_await refuse(request.exchange, context_, why, sentence, fields);
}

bool Gateways::is_empty() const {
  return std::ranges::all_of(listeners_, [](const auto& l) { return l->under_way.empty(); });
}

asio::awaitable<void> Gateways::keep() {
  while (!over_) {
    asleep_ = is_empty();
    timer_.expires_after(asleep_ ? Duration(idle_interval) : Duration(busy_interval));
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    asleep_ = false;
    if (!over_) look(context_.now());
  }
}

void Gateways::look(TimePoint now) {
  for (auto& upstream : upstreams_) upstream->expire();
  if (const Duration passed = now - last_look_; passed >= look_at_requests_every) {
    last_look_ = now;
    for (auto& listener : listeners_)
      for (Request* request : listener->under_way) look_at(*listener, *request, now, passed);
  }
  if (now - last_sweep_ >= sweep_every) {
    last_sweep_ = now;
    for (auto& upstream : upstreams_) upstream->sweep();
    for (auto& listener : listeners_) {
      tell_refused(*listener);
      tell_dropped(*listener);
    }
  }
  if (now - last_publish_ >= publish_every) {
    last_publish_ = now;
    publish();
  }
}

std::size_t Gateways::look_now() {
  constexpr int enough_turns = 64;  // of the reactor: what a request that is stopped takes to end is about ten
  on_reactor([this] {
    last_look_ = context_.now() - look_at_requests_every;
    look(context_.now());
  });
  for (int i = 0; i < enough_turns; ++i) on_reactor([] {});
  return on_reactor([this] {
    std::size_t under_way = 0;
    for (const auto& listener : listeners_) under_way += listener->under_way.size();
    return under_way;
  });
}

void Gateways::tell_refused(Listener& listener) {
  const auto refused = listener.server->stats().refused_connections;
  const auto more = refused - std::exchange(listener.told_refused, refused);
  if (more == 0) return;
  log::warn({"gateway", listener.config.name}, "max_connections ({}) is reached: {} connections were refused",
            listener.config.max_connections, more);
}

void Gateways::tell_dropped(Listener& listener) {
  const auto lost = lost_lines(listener);
  const auto more = lost - std::exchange(listener.told_dropped, lost);
  if (more > 0)
    log::warn({"gateway", listener.config.name}, "{}: {} lines were dropped: the disk does not keep up, or is full",
              listener.log->path(), more);
}

/// What `stop` and `tick` do to a request happens later, in its own coroutine: the list stays as it is meanwhile.
void Gateways::look_at(Listener& listener, Request& request, TimePoint now, Duration passed) {
  for (const Leg* leg : {&request.leg, &request.hedge})
    if (leg->connection) leg->connection->tick(passed, body_patience);
  if (now >= request.deadline) return request.stop(Reason::deadline_exceeded);
  const net::Exchange& exchange = request.exchange;
  if (request.idle_limit && now - request.moved_at > *request.idle_limit) return request.stop(Reason::body_timeout);
  if (listener.config.serve_half_closed || request.idle_limit ? exchange.client_unreachable() : exchange.client_gone())
    request.stop(Reason::client_gone);
}

}  // namespace weir::gateway
