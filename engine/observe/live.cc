#include "observe/live.h"

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "log/log.h"
#include "net/problem.h"

namespace weir::observe {
namespace {

constexpr Duration frame_every = std::chrono::seconds(1);
constexpr Duration timer_early = std::chrono::milliseconds(100);  // timers are not exact
constexpr Duration slow_after = std::chrono::seconds(5);
constexpr Duration viewer_comes_back = std::chrono::seconds(5);

/// One viewer more, for as long as it lives.
struct Counted {
  explicit Counted(std::uint64_t& n) : count(n) { ++count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }
  std::uint64_t& count;
};

}  // namespace

boost::asio::awaitable<void> Live::serve(net::Exchange& exchange) {
  if (stats_.viewers >= most_ || stopped_) {
    co_await refuse(exchange);
    co_return;
  }
  const Counted one(stats_.viewers);
  exchange.set_apart();
  const auto let_in = turned_out_.load(std::memory_order_relaxed);
  if (!co_await exchange.start(
          {.content_type = "text/event-stream", .fields = "Cache-Control: no-store\r\n", .close = true}))
    co_return;
  while (!stopped_ && turned_out_.load(std::memory_order_relaxed) == let_in) {
    const Frame now = frame();
    if (!co_await send(exchange, *now)) co_return;
    // Whoever comes first after a tick sets the next one; the others wait for the same.
    if (tick_.expiry() <= boost::asio::steady_timer::clock_type::now()) tick_.expires_after(frame_every);
    boost::system::error_code ignored;
    co_await tick_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  co_await exchange.finish();
}

boost::asio::awaitable<void> Live::refuse(net::Exchange& exchange) {
  if (stats_.refused++ == 0)
    log::warn("admin: {} watch the dashboard already: others are refused until one leaves", most_);
  const Rejection why{Reason::too_many_connections, viewer_comes_back};
  co_await exchange.respond({.status = info(why.reason).http_status,
                             .body = net::problem_body(why, fmt::format("{} watch already", most_)),
                             .retry_after = why.retry_after});
}

boost::asio::awaitable<bool> Live::send(net::Exchange& exchange, const std::string& frame) {
  const TimePoint began = context_.now();
  const bool sent = co_await exchange.write(frame);
  if (!sent && context_.now() - began > slow_after) {
    if (stats_.slow++ == 0) log::warn("admin: a viewer of the dashboard does not read: its connection is closed");
  }
  co_return sent;
}

Live::Frame Live::frame() {
  const TimePoint now = context_.now();
  if (frame_ && now - made_ < frame_every - timer_early) return frame_;
  std::string state = state_();
  while (state.ends_with('\n')) state.pop_back();  // JSON has no line end within
  frame_ = std::make_shared<const std::string>("data: " + state + "\n\n");
  made_ = now;
  return frame_;
}

void Live::stop() {
  stopped_ = true;
  tick_.cancel();
}

}  // namespace weir::observe
