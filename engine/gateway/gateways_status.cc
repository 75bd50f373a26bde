// What gateways tell of themselves.
#include <boost/asio/post.hpp>

#include "gateway/gateways.h"

namespace weir::gateway {
namespace {

constexpr auto wait_for_status = std::chrono::milliseconds(100);

}  // namespace

std::uint64_t Gateways::switched(const Listener& listener) {
  std::uint64_t sum = 0;
  for (const auto& slots : listener.switched) sum += slots.open;
  return sum;
}

Cache::Stats Gateways::cache_stats(const Listener& listener) {
  Cache::Stats sum;
  for (const auto& cache : listener.caches) {
    if (!cache) continue;
    const auto& one = cache->stats();
    sum.hits += one.hits;
    sum.validated += one.validated;
    sum.stale += one.stale;
    sum.coalesced += one.coalesced;
    sum.kept += one.kept;
    sum.pushed_out += one.pushed_out;
    sum.bytes += one.bytes;
    sum.answers += one.answers;
  }
  return sum;
}

std::uint64_t Gateways::lost_lines(const Listener& listener) {
  const auto stats = listener.log ? listener.log->stats() : AccessLog::Stats{};
  return stats.dropped + stats.failed;
}

std::vector<RouteStatus> Gateways::guarded_routes(const Listener& listener) {
  std::vector<RouteStatus> all;
  for (std::size_t i = 0; i < listener.guards.size(); ++i)
    if (listener.guards[i])
      all.push_back({listener.config.routes[i].path, listener.guards[i]->status(), listener.guards[i]->holds_up()});
  return all;
}

void Gateways::publish() const {
  Status now;
  for (const auto& listener : listeners_) {
    const auto server = listener->server->stats();
    now.gateways.push_back({.name = listener->config.name,
                            .address = listener->address,
                            .requests = listener->counts,
                            .in_flight = listener->under_way.size(),
                            .connections = server.connections,
                            .refused_connections = server.refused_connections,
                            .switched = switched(*listener),
                            .log_dropped = lost_lines(*listener),
                            .guarded = guarded_routes(*listener),
                            .cache = cache_stats(*listener),
                            .malformed = server.bad_requests});
  }
  for (const auto& upstream : upstreams_) now.upstreams.push_back(upstream->status());
  {
    const std::lock_guard lock(published_mutex_);
    published_ = std::move(now);
    ++published_times_;
  }
  published_anew_.notify_all();
}

Status Gateways::status() const {
  std::unique_lock lock(published_mutex_);
  const auto before = published_times_;
  if (runs_) boost::asio::post(reactor_.io(), [this] { publish(); });
  if (runs_) published_anew_.wait_for(lock, wait_for_status, [&] { return published_times_ != before; });
  return published_;
}

}  // namespace weir::gateway
