#pragma once
/// One request's way past the cache of its route: answered from it, or on to the upstream, and then what becomes of the
/// answer.
///
///   fresh                       answered at once (Cache-Status: weir; hit)
///   too old, with ETag or date  the upstream is asked whether it has changed; 304: answered from the cache
///   too old, and it fails       5xx, or no answer: what is kept stands in, stale_if_error long; while the breaker is
///                               open, stale_while_open long; never where the answer forbids it
///   somebody asks already       waits for that answer; after a failure, or when it was not kept, goes on by itself
///   anything else               goes on; its answer is kept when it may be, as soon as the client has all of it
///
/// A request with another method than GET and HEAD that succeeds makes the cache forget what it has of that address,
/// and what is on its way since before is not kept.
///
/// Thread: the gateway's reactor. Memory: what may be kept, at most max_body, while it comes. On cancel: Request::stop.
/// Ref: RFC 9111 sections 4 to 4.4, RFC 9211.
#include <weir/base/context.h>

#include <boost/asio/awaitable.hpp>

#include <optional>

#include "gateway/cache.h"
#include "gateway/request.h"

namespace weir::gateway {

class CacheTurn {
 public:
  CacheTurn(boost::asio::io_context& io, const Context& context, Cache& cache, Request& request, bool tls);
  CacheTurn(const CacheTurn&) = delete;
  CacheTurn& operator=(const CacheTurn&) = delete;
  ~CacheTurn();

  /// The answer was there, or the request has been stopped while it waited; nothing: it has to go on.
  boost::asio::awaitable<std::optional<Ending>> begin();
  /// What the upstream is asked instead of the client's own conditions; whole lines.
  const std::string& conditions() const { return conditions_; }

  /// Whether what is kept is given to the client instead of an answer of this status, or of a refusal.
  bool stands_in_for(int status) const;
  bool stands_in_for(Reason refusal) const;
  /// `fields`: of the answer 304 that has come, or empty.
  boost::asio::awaitable<Ending> serve_instead(int status, std::string_view fields);

  /// An answer goes to the client: its head, its pieces, its end.
  void begins(int status, std::string_view fields, std::optional<std::uint64_t> length);
  void piece(std::string_view bytes);
  void whole();

 private:
  using Landing = Cache::Landing;
  bool is_fresh(const KeptAnswer& kept) const;
  bool may_be_stale(Duration most) const;
  boost::asio::awaitable<void> wait(Cache::Flight& flight);
  boost::asio::awaitable<Ending> serve(Cache::Kept kept, std::string_view detail);
  bool is_not_modified(const KeptAnswer& kept) const;
  void land(Landing how);
  void keep(Cache::Kept answer);

  boost::asio::io_context& io_;
  const Context& context_;
  Cache& cache_;
  Request& request_;
  const net::Head& head_;
  const CacheControl control_;
  const bool usable_;
  std::string key_, conditions_;
  Cache::Kept kept_;
  std::shared_ptr<KeptAnswer> next_;  // while it comes
  TimePoint asked_{};
  std::uint32_t changes_ = 0;  // of the resource, when it was asked for
  std::shared_ptr<Cache::Flight> leads_;
};

}  // namespace weir::gateway
