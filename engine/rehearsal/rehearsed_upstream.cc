#include "rehearsal/rehearsed_upstream.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

using Does = config::UpstreamScript::Does;
constexpr Bytes largest_sent = 1_MiB;

std::string field_lines(const config::FieldEdits::Pairs& fields) {
  std::string lines;
  for (const auto& [name, value] : fields) lines.append(name).append(": ").append(value).append("\r\n");
  return lines;
}

}  // namespace

Result<std::string> RehearsedUpstream::add() {
  auto port = net::HeldPort::take("127.0.0.1:0");
  if (!port) return std::unexpected(std::move(port.error()));
  all_.push_back(std::make_unique<One>(std::move(*port)));
  return all_.back()->port.address();
}

Result<void> RehearsedUpstream::listen(std::size_t endpoint) {
  One& one = *all_[endpoint];
  net::ServerConfig server;
  server.listen = one.port.address();
  one.server = std::make_unique<net::HttpServer>(
      io_, server, context_, [this, endpoint](net::Exchange& exchange) { return handle(endpoint, exchange); });
  auto opened = one.server->open();
  if (!opened) return std::unexpected(std::move(opened.error()));
  one.server->start();
  return {};
}

Result<void> RehearsedUpstream::play(const std::vector<config::UpstreamScript>& scripts) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    all_[i]->script = scripts[i];
    if (scripts[i].does == Does::refuse) {
      all_[i]->server.reset();
    } else if (!all_[i]->server) {
      if (auto opened = listen(i); !opened) return opened;
    }
  }
  const std::lock_guard lock(mutex_);
  sent_.reset();
  return {};
}

boost::asio::awaitable<void> RehearsedUpstream::handle(std::size_t endpoint, net::Exchange& exchange) {
  const config::UpstreamScript script = all_[endpoint]->script;
  co_await keep(endpoint, exchange);
  if (script.does == Does::reset) co_return exchange.abort();
  const TimePoint due = script.does == Does::hang ? never : given_.now() + script.after;
  if (due > given_.now() && !co_await hold(due)) co_return exchange.abort();
  const std::string fields = field_lines(script.headers);
  // A connection that is kept could be closed by time that moves between two steps.
  const net::AnswerStart start{
      .status = script.status, .fields = fields, .length = script.body.size(), .first = script.body, .close = true};
  if (co_await exchange.start(start)) co_await exchange.finish();
}

boost::asio::awaitable<void> RehearsedUpstream::keep(std::size_t endpoint, net::Exchange& exchange) {
  const net::Head& head = exchange.head();
  SentRequest sent{.endpoint = endpoint,
                   .method = std::string(head.method),
                   .path = std::string(head.target),
                   .fields = std::string(head.fields),
                   .body = {}};
  if (!head.query.empty()) sent.path.append("?").append(head.query);
  exchange.keep_encoding();
  exchange.limit_body(largest_sent);
  for (;;) {
    const auto piece = co_await exchange.read(64_KiB);
    if (!piece || piece->empty()) break;
    sent.body += *piece;
  }
  const std::lock_guard lock(mutex_);
  sent_ = std::move(sent);
}

/// False: it is over before that.
boost::asio::awaitable<bool> RehearsedUpstream::hold(TimePoint due) {
  Waiting waiting{async::Signal(io_), due};
  const auto place = [&] {
    const std::lock_guard lock(mutex_);
    return held_.insert(held_.end(), &waiting);
  }();
  while (!waiting.due_now.is_set()) co_await waiting.due_now.wait(std::chrono::hours(1));
  const std::lock_guard lock(mutex_);
  held_.erase(place);
  co_return given_.now() >= due;
}

void RehearsedUpstream::release() {
  const std::lock_guard lock(mutex_);
  for (Waiting* waiting : held_)
    if (waiting->due <= given_.now()) waiting->due_now.set();
}

void RehearsedUpstream::close() {
  const std::lock_guard lock(mutex_);
  for (Waiting* waiting : held_) waiting->due_now.set();
}

RehearsedUpstream::Held RehearsedUpstream::held() const {
  const std::lock_guard lock(mutex_);
  Held out;
  for (const Waiting* waiting : held_) {
    if (waiting->due_now.is_set()) continue;
    ++out.count;
    out.next = std::min(out.next, waiting->due);
  }
  return out;
}

std::optional<SentRequest> RehearsedUpstream::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

}  // namespace weir::pipeline
