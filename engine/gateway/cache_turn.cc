#include "gateway/cache_turn.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "gateway/refusal.h"
#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr auto look_again = std::chrono::milliseconds(20);

std::string key_of(const net::Head& head, bool tls) {
  std::string host(head.authority);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return fmt::format("{} {} {}?{}", tls ? "https" : "http", host, head.target, head.query);
}

/// Without Age, which is written anew, and with a Date (RFC 9110 section 6.6.1).
std::string to_keep(std::string_view fields, WallTime now) {
  std::string out;
  bool dated = false;
  while (const auto field = net::next_field(fields)) {
    dated = dated || net::same_word(field->name, "Date");
    if (!net::same_word(field->name, "Age")) out += field->line;
  }
  const auto at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (!dated) out += fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(static_cast<std::time_t>(at)));
  return out;
}

/// What a 304 says anew of an answer (RFC 9111 section 3.2): its fields in place of those of the same name.
std::string updated(std::string_view kept, std::string_view fresh) {
  std::string out;
  while (const auto field = net::next_field(kept))
    if (!joined(fresh, field->name)) out += field->line;
  return out.append(fresh);
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace

CacheTurn::CacheTurn(boost::asio::io_context& io, const Context& context, Cache& cache, Request& request, bool tls)
    : io_(io),
      context_(context),
      cache_(cache),
      request_(request),
      head_(request.exchange.head()),
      control_(CacheControl::of(head_.fields)),
      usable_(may_use_cache(head_)),
      key_(key_of(head_, tls)) {}

CacheTurn::~CacheTurn() { land(Landing::aborted); }

void CacheTurn::land(Landing how) {
  if (const auto flight = std::exchange(leads_, nullptr)) cache_.land(key_, *flight, how, context_.now());
}

void CacheTurn::keep(Cache::Kept answer) {
  if (cache_.changes(key_) == changes_) cache_.keep(key_, std::move(answer), context_.now());
  land(Landing::kept);
}

bool CacheTurn::is_fresh(const KeptAnswer& kept) const {
  const TimePoint now = context_.now();
  const Duration age = kept.age(now), stale = kept.staleness(now);
  const bool pragma = control_.max_age == std::nullopt && net::has_token(head_.header("Pragma"), "no-cache");
  if (kept.control.no_cache || control_.no_cache || pragma) return false;
  if (control_.max_age && age > *control_.max_age) return false;
  if (stale > Duration{0}) return control_.max_stale && stale <= *control_.max_stale && !kept.control.forbids_stale();
  return stale < Duration{0} && -stale >= control_.min_fresh.value_or(Duration{0});
}

boost::asio::awaitable<std::optional<Ending>> CacheTurn::begin() {
  asked_ = context_.now();
  if (!usable_) co_return std::nullopt;
  for (bool alone = head_.method != "GET"; true;) {
    kept_ = cache_.find(key_, head_.fields);
    if (kept_ && is_fresh(*kept_)) {
      ++cache_.stats().hits;
      co_return co_await serve(kept_, "hit");
    }
    if (control_.only_if_cached)
      co_return co_await refuse(request_.exchange, context_, {Reason::deadline_exceeded, Duration{0}},
                                "only-if-cached, and nothing fresh is kept");
    const auto flight = alone || cache_.passes(key_, asked_) ? nullptr : cache_.flight(key_);
    if (!flight || flight->waiting >= cache_.config().max_waiting) break;
    co_await wait(*flight);
    if (request_.stopped == Reason::client_gone) co_return Ending::abandoned(Reason::client_gone);
    if (request_.stopped) co_return co_await refuse(request_.exchange, context_, {*request_.stopped, Duration{0}});
    alone = flight->how == Landing::failed;
  }
  if (head_.method == "GET" && !cache_.flight(key_) && !cache_.passes(key_, asked_))
    leads_ = cache_.take_off(io_, key_);
  asked_ = context_.now();
  changes_ = cache_.changes(key_);
  if (!kept_) co_return std::nullopt;
  if (!kept_->tag.empty()) conditions_ += "If-None-Match: " + kept_->tag + "\r\n";
  if (!kept_->modified.empty()) conditions_ += "If-Modified-Since: " + kept_->modified + "\r\n";
  co_return std::nullopt;
}

boost::asio::awaitable<void> CacheTurn::wait(Cache::Flight& flight) {
  ++flight.waiting;
  ++cache_.stats().coalesced;
  while (!flight.over && !request_.stopped) (void)co_await flight.landed.wait(look_again);
  --flight.waiting;
}

bool CacheTurn::may_be_stale(Duration most) const {
  if (!kept_ || kept_->control.forbids_stale() || control_.no_cache) return false;
  return kept_->staleness(context_.now()) <= most;
}

bool CacheTurn::stands_in_for(int status) const {
  if (status == 304) return kept_ && !conditions_.empty();
  if (status < 500 || status == 501 || !kept_) return false;
  return may_be_stale(std::max(cache_.config().stale_if_error, kept_->control.stale_if_error.value_or(Duration{0})));
}

bool CacheTurn::stands_in_for(Reason refusal) const {
  if (!kept_ || refusal == Reason::bad_request || refusal == Reason::client_gone) return false;
  const auto& config = cache_.config();
  const Duration error = std::max(config.stale_if_error, kept_->control.stale_if_error.value_or(Duration{0}));
  return may_be_stale(refusal == Reason::breaker_open ? std::max(error, config.stale_while_open) : error);
}

boost::asio::awaitable<Ending> CacheTurn::serve_instead(int status, std::string_view fields) {
  if (status != 304) {
    ++cache_.stats().stale;
    land(Landing::failed);
    co_return co_await serve(kept_, "hit; detail=stale");
  }
  ++cache_.stats().validated;
  auto next = std::make_shared<KeptAnswer>(*kept_);
  next->fields = to_keep(updated(kept_->fields, fields), context_.wall());
  next->control = CacheControl::of(next->fields);
  next->freshness = freshness(next->fields, context_.wall(), context_.now() - asked_);
  next->came = context_.now();
  keep(next);
  co_return co_await serve(std::move(next), "hit; fwd=stale; fwd-status=304");
}

bool CacheTurn::is_not_modified(const KeptAnswer& kept) const {
  if (kept.status != 200) return false;
  if (const auto tags = joined(head_.fields, "If-None-Match")) return matches_tag(*tags, kept.tag);
  const std::string_view since = head_.header("If-Modified-Since");
  return !since.empty() && since == kept.modified;
}

boost::asio::awaitable<Ending> CacheTurn::serve(Cache::Kept kept, std::string_view detail) {
  const int status = is_not_modified(*kept) ? 304 : kept->status;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(kept->age(context_.now())).count();
  const std::string fields = fmt::format("{}Age: {}\r\nCache-Status: weir; {}\r\n", kept->fields, age, detail);
  net::Exchange& client = request_.exchange;
  request_.answered_at = context_.now();
  request_.cached = true;
  const bool with_body = status != 304 && head_.method != "HEAD";
  net::AnswerStart start{.status = status, .fields = fields, .length = kept->body.size(), .first = {}};
  if (with_body) start.first = kept->body;
  request_.sent += start.first.size();
  if (co_await client.start(start) && co_await client.finish()) co_return Ending::answered(status);
  co_return Ending::abandoned(request_.stopped.value_or(Reason::client_gone));
}

void CacheTurn::begins(int status, std::string_view fields, std::optional<std::uint64_t> length) {
  if (!is_safe(head_.method) && status >= 200 && status < 400) cache_.changed(key_);
  const std::uint64_t most = cache_.config().max_body.count();
  if (!usable_) return;
  if (!may_keep(head_, status, fields) || length.value_or(0) > most) {
    if (kept_ && status < 500) cache_.forget(key_);
    return land(status == 304 ? Landing::aborted : status >= 500 ? Landing::failed : Landing::passes);
  }
  next_ = std::make_shared<KeptAnswer>();
  next_->status = status;
  next_->control = CacheControl::of(fields);
  next_->freshness = freshness(fields, context_.wall(), context_.now() - asked_);
  next_->came = context_.now();
  next_->varies_by = varies_by(fields);
  next_->variant = variant_of(head_.fields, next_->varies_by);
  next_->tag = first_value(fields, "ETag");
  next_->modified = first_value(fields, "Last-Modified");
  next_->fields = to_keep(fields, context_.wall());
  if (length) next_->body.reserve(static_cast<std::size_t>(*length));
}

void CacheTurn::piece(std::string_view bytes) {
  if (!next_) return;
  if (next_->body.size() + bytes.size() > cache_.config().max_body.count()) {
    next_.reset();
    return land(Landing::passes);
  }
  next_->body += bytes;
}

void CacheTurn::whole() {
  if (next_) keep(std::move(next_));
}

}  // namespace weir::gateway
