#include "gateway/upstream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "log/log.h"

namespace weir::gateway {
namespace {

std::uint32_t shares_of(const config::Upstream& config) {
  return config.tenants == 0 ? 1 : flow::TenantShares::shares_for(config.tenants);
}

flow::WaitingRoomConfig room_of(const config::Upstream& config) {
  flow::WaitingRoomConfig room;
  room.most = config.max_waiting;
  room.shares = shares_of(config);
  room.longest = config.max_wait;
  room.critical = std::max<Duration>(config.max_wait, room.critical);
  return room;
}

/// Found out, or the number that is known.
flow::AnyLimitConfig limit_of(const config::Upstream& config) {
  flow::AnyLimitConfig limit;
  limit.range.most = static_cast<std::uint32_t>(config.max_connections);
  limit.range.start = std::min(limit.range.start, limit.range.most);
  if (!config.concurrency) return limit;
  limit.algorithm = flow::AnyLimitConfig::Algorithm::fixed;
  limit.range.start = *config.concurrency;
  return limit;
}

std::uint64_t id_of(const Upstream::Waiter& waiter) { return reinterpret_cast<std::uintptr_t>(&waiter); }
Upstream::Waiter& waiter_of(std::uint64_t id) {
  return *reinterpret_cast<Upstream::Waiter*>(static_cast<std::uintptr_t>(id));
}

}  // namespace

net::PoolConfig pool_config(const config::Upstream& upstream, const std::string& endpoint,
                            std::optional<net::TlsContext> tls) {
  return {.address = endpoint,
          .max_connections = upstream.max_connections,
          .max_head = config::gateway_max_header,
          .buffer = config::upstream_buffer,
          .dial = {.timeout = upstream.connect_timeout,
                   .receive_buffer = config::upstream_socket_buffer,
                   .send_buffer = config::upstream_socket_buffer},
          .tls = std::move(tls),
          .server_name = upstream.tls ? upstream.tls->server_name : std::string()};
}

Upstream::Upstream(boost::asio::io_context& io, const config::Upstream& config, const Context& context)
    : config_(config),
      context_(context),
      in_flight_(flow::AnyLimit(limit_of(config), context.rng().next())),
      destination_(config.destination, context.rng().next()),
      endpoints_(config.endpoints.size()),
      io_(io),
      last_errors_(config.endpoints.size()),
      told_ejections_(config.endpoints.size()) {
  if (config.max_wait > Duration{0}) room_.emplace(room_of(config));
  if (room_ && config.tenants > 0) tenants_.emplace(shares_of(config));
  if (room_) returners_.emplace();
}

Result<void> Upstream::open() {
  if (const auto& files = config_.tls) {
    auto tls = net::TlsContext::client(files->ca, {files->certificate, files->key});
    if (!tls) return std::unexpected(std::move(tls.error()));
    tls_ = std::move(*tls);
  }
  std::vector<net::PoolConfig> pools;
  for (const std::string& address : config_.endpoints) pools.push_back(pool_config(config_, address, tls_));
  if (config_.health)
    health_ = std::make_unique<HealthChecks>(
        io_, *config_.health, pools, context_,
        [this](std::size_t endpoint, bool well, std::string_view why) { learned(endpoint, well, why); });
  for (auto& pool : pools) pools_.push_back(std::make_unique<net::ClientPool>(io_, std::move(pool), context_));
  return {};
}

std::optional<Result<void>> Upstream::reload() const {
  if (!tls_) return std::nullopt;
  return tls_->reload(context_.wall());
}

void Upstream::watch() {
  if (health_) health_->start();
}

void Upstream::learned(std::size_t endpoint, bool well, std::string_view why) {
  endpoints_.checked(endpoint, well);
  if (well) return log::info({"upstream", config_.name}, "endpoint {} is well again", config_.endpoints[endpoint]);
  last_errors_[endpoint] = why;
  log::warn({"upstream", config_.name}, "endpoint {} is unwell and gets no requests: {}", config_.endpoints[endpoint],
            why);
}

std::optional<Upstream::Permit> Upstream::enter_at_once(Waiter& waiter) {
  if (!in_flight_.has_room() || (room_ && !room_->empty())) return std::nullopt;
  const TimePoint now = context_.now();
  waiter.returns = returners_ && returners_->came_back(waiter.client, now);
  if (waiter.returns) returners_->kept(true);
  wanted_ = false;
  return in_flight_.start(now);
}

boost::asio::awaitable<Admitted<Upstream::Permit>> Upstream::enter(Waiter& waiter, Priority priority,
                                                                   TimePoint deadline) {
  if (auto permit = enter_at_once(waiter)) co_return std::move(*permit);
  const TimePoint now = context_.now();
  waiter.returns = returners_ && returners_->came_back(waiter.client, now);
  waiter.priority = priority;
  if (room_) co_return co_await wait(waiter, deadline);
  wanted_ = true;
  co_return std::unexpected(refusal(waiter, in_flight_.try_start(now).error().reason));
}

boost::asio::awaitable<Admitted<Upstream::Permit>> Upstream::wait(Waiter& waiter, TimePoint deadline) {
  auto entered = room_->enter({.id = id_of(waiter),
                               .priority = waiter.priority,
                               .share = share_of(waiter),
                               .weight = waiter.weight,
                               .deadline = deadline,
                               .returns = waiter.returns},
                              in_flight_.reached_since(), context_.now());
  if (!entered) co_return std::unexpected(refusal(waiter, entered.error().reason));
  waiter.place = entered->place;
  if (entered->pushed_out) {
    Waiter& out = waiter_of(*entered->pushed_out);
    decide(out, waiter.priority > out.priority ? Reason::priority_shed : Reason::concurrency_limited);
  }
  call_next();
  while (!waiter.decided.is_set()) co_await waiter.decided.wait(std::chrono::hours(1));
  if (!waiter.permit) co_return std::unexpected(waiter.refused);
  Permit permit = std::move(*waiter.permit);
  waiter.permit.reset();
  co_return permit;
}

/// A request of a route without `fairness` beside such with it: those share what nobody has a hash for.
std::uint32_t Upstream::share_of(const Waiter& waiter) {
  return tenants_ ? tenants_->share_of(waiter.tenant.value_or(0), room_->shares(waiter.priority)) : 0;
}

void Upstream::decide(Waiter& waiter, std::optional<Reason> refused) {
  waiter.place.reset();
  if (refused)
    waiter.refused = refusal(waiter, *refused);
  else
    waiter.permit = in_flight_.start(context_.now());
  if (!refused && waiter.returns) returners_->kept(true);
  waiter.decided.set();
}

/// No more are told each second to come than are answered in one.
Rejection Upstream::refusal(const Waiter& waiter, Reason reason) {
  const TimePoint now = context_.now();
  if (waiter.returns) returners_->kept(false);
  if (reason == Reason::deadline_exceeded) return {reason, Duration{0}};
  if (!room_) return {reason, returns_.tell(in_flight_.between_ends(), now)};
  return {reason, returners_->tell(waiter.client, room_->dispatches_of_others(), now)};
}

void Upstream::leave(Waiter& waiter, Reason why) {
  if (!waiter.place || !room_->leave(*waiter.place, context_.now())) return;
  waiter.place.reset();
  waiter.refused = {why, Duration{0}};
  waiter.decided.set();
}

void Upstream::call_next() {
  while (room_ && in_flight_.has_room()) {
    const auto called = room_->next(context_.now());
    if (!called) break;
    decide(waiter_of(called->id), called->refused);
  }
  in_flight_.left_free();
}

void Upstream::settled(TimePoint started) {
  const TimePoint now = context_.now();
  if (room_ && started != never) room_->answered(now - started, in_flight_.limit().wait_inside(), now);
  call_next();
}

void Upstream::answered(Permit& permit) {
  const TimePoint started = permit.started();
  permit.answered(room_ ? !room_->empty() : wanted_, context_.now());
  settled(started);
}

void Upstream::failed(Permit& permit) {
  permit.failed(room_ ? !room_->empty() : wanted_, context_.now());
  settled(never);
}

/// One that is settled already changes nothing.
void Upstream::ignored(Permit& permit) {
  const auto before = in_flight_.in_flight();
  permit.ignored();
  if (in_flight_.in_flight() != before) settled(never);
}

std::optional<Upstream::Hedge> Upstream::try_hedge(std::size_t first) {
  const TimePoint now = context_.now();
  if (!endpoints_.has_other(first, now)) {
    ++hedges_.no_endpoint;
    return std::nullopt;
  }
  if (!in_flight_.has_room() || (room_ && !room_->empty())) {
    ++hedges_.no_place;
    return std::nullopt;
  }
  auto attempt = destination_.try_start(flow::Destination::Try::retry, now);
  if (!attempt) {
    ++hedges_.no_budget;
    return std::nullopt;
  }
  ++hedges_.sent;
  return Hedge{in_flight_.start(now), std::move(*attempt)};
}

boost::asio::awaitable<Result<Upstream::Line>> Upstream::connect(bool fresh, bool surely, std::size_t avoid,
                                                                 Duration most, async::Stop& stop) {
  const TimePoint until = context_.now() + most;
  const std::size_t endpoint = endpoints_.choose(context_.now(), avoid);
  if (auto kept = fresh ? std::nullopt : pools_[endpoint]->take_kept(surely))
    co_return Line{endpoint, std::move(kept->connection), true};
  auto taken = co_await pools_[endpoint]->take(fresh, config_.connect_timeout, &stop);
  if (taken) co_return Line{endpoint, std::move(taken->connection), taken->kept};
  const bool given_up = stop.is_asked() && context_.now() < until;
  const bool ours = taken.error().kind == Error::Kind::overloaded || given_up;
  endpoints_.done(endpoint, ours ? Endpoints::End::ignored : Endpoints::End::failed, context_.now());
  if (!given_up) last_errors_[endpoint] = taken.error().message;
  Error error = std::move(taken.error());
  error.message = config_.endpoints[endpoint] + ": " + error.message;
  co_return std::unexpected(std::move(error));
}

void Upstream::done(Line line, Endpoints::End end, std::string_view error) {
  if (!error.empty()) last_errors_[line.endpoint] = error;
  pools_[line.endpoint]->give(std::move(line.connection));
  endpoints_.done(line.endpoint, end, context_.now());
}

void Upstream::expire() {
  while (const auto called = room_ ? room_->expired(context_.now()) : std::nullopt)
    decide(waiter_of(called->id), called->refused);
}

void Upstream::sweep() {
  for (auto& pool : pools_) pool->sweep();
  leave_late();
  note_hedges();
  tell();
}

/// What has changed since the last time.
void Upstream::tell() {
  const auto state = destination_.stats(context_.now()).breaker;
  if (state == flow::BreakerState::open && told_breaker_ == flow::BreakerState::closed)
    log::warn({"upstream", config_.name}, "{}", why());
  if (state == flow::BreakerState::closed && told_breaker_ != flow::BreakerState::closed)
    log::info({"upstream", config_.name}, "its breaker is closed again");
  told_breaker_ = state;
  for (std::size_t i = 0; i < told_ejections_.size(); ++i) {
    const auto& endpoint = endpoints_.all()[i];
    if (endpoint.ejections == std::exchange(told_ejections_[i], endpoint.ejections)) continue;
    log::warn({"upstream", config_.name}, "endpoint {} is left alone for {:g} s: {}", config_.endpoints[i],
              seconds(endpoint.ejection), last_errors_[i]);
  }
}

/// Of the second that has passed.
void Upstream::note_hedges() {
  const HedgeCounts before = std::exchange(noted_hedges_, hedges_);
  const auto sent = hedges_.sent - before.sent, no_budget = hedges_.no_budget - before.no_budget;
  const auto no_place = hedges_.no_place - before.no_place;
  hedging_.clear();
  if (sent + no_budget + no_place == 0) return;
  hedging_ = fmt::format("answers are late: {} requests were sent to a second endpoint in the last second, {} won",
                         sent, hedges_.won - before.won);
  if (no_budget > 0) hedging_ += fmt::format("; for {} more the retry budget is used up", no_budget);
  if (no_place > 0) hedging_ += fmt::format("; for {} more there is no place", no_place);
}

void Upstream::close() {
  for (const Late& late : late_) late.connection->abort();
  if (health_) health_->stop();
  for (auto& pool : pools_) pool->close();
}

std::string Upstream::why() const {
  const TimePoint now = context_.now();
  const auto d = destination_.stats(now);
  std::string error;
  for (std::size_t i = 0; i < last_errors_.size(); ++i)
    if (endpoints_.all()[i].failures > 0) error = fmt::format(" <- {}: {}", config_.endpoints[i], last_errors_[i]);
  if (d.breaker == flow::BreakerState::open)
    return fmt::format("the breaker is open, next probe in {:.1f} s{}",
                       seconds(std::max(d.next_probe_at - now, Duration{0})), error);
  if (!in_flight_.has_room())
    return fmt::format("{} in flight, and its limit is {}; {} wait{}", in_flight_.in_flight(),
                       in_flight_.limit().limit(), room_ ? room_->waiting() : 0, error);
  return error.empty() ? hedging_ : "failing" + error;
}

UpstreamStatus Upstream::status() const {
  const TimePoint now = context_.now();
  UpstreamStatus out{.name = config_.name,
                     .limit = in_flight_.stats(),
                     .room = room_ ? room_->stats() : flow::WaitingRoom::Stats{},
                     .destination = destination_.stats(now),
                     .repeated = repeated_,
                     .hedges = hedges_,
                     .endpoints = {},
                     .why = why()};
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto& state = endpoints_.all()[i];
    const auto pool = pools_[i]->stats();
    out.endpoints.push_back({.address = config_.endpoints[i],
                             .in_flight = state.in_flight,
                             .connections = pool.open,
                             .opened = pool.opened,
                             .reused = pool.reused,
                             .ejections = state.ejections,
                             .unwell = state.unwell,
                             .level = now < state.level_until ? state.level : 0,
                             .mean = state.mean,
                             .left_alone = std::max(state.left_alone_until - now, Duration{0}),
                             .last_error = last_errors_[i]});
  }
  return out;
}

}  // namespace weir::gateway
