#pragma once
/// GET /api/live: the graph once a second, as server-sent events, to whoever looks at the dashboard.
///
///   data: {"uptime_s":...}\n\n         what /api/graph answers
///
/// The text is made once a second for all viewers, and only while there are any. A viewer's connection is set apart
/// (net/http.h): it takes no place from who asks the API, and is closed for nobody. At most `most` watch, since each
/// may hold a connection's memory (the memory table: "admin: viewers"); the next one is answered 503 with the reason
/// too_many_connections. One that does not read for answer_timeout is closed and counted; what it missed until then it
/// never gets, so nobody waits for it and nothing is kept for it.
///
/// Thread: the admin reactor; `turn_out` any. Cost: a snapshot a second, and a write for each viewer. On cancel:
/// closing the connections ends their handlers; `stop` the waits.
#include <weir/base/context.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "net/http.h"

namespace weir::observe {

class Live {
 public:
  struct Stats {
    std::uint64_t viewers = 0;            ///< now
    std::uint64_t refused = 0, slow = 0;  ///< since start: at the limit; who did not read
  };
  Live(boost::asio::io_context& io, const Context& context, std::size_t most, std::function<std::string()> state)
      : context_(context), most_(most), state_(std::move(state)), tick_(io) {}

  boost::asio::awaitable<void> serve(net::Exchange& exchange);
  /// Ends every answer within a second: other people are let in now, and each has to show again who it is.
  void turn_out() { turned_out_.fetch_add(1, std::memory_order_relaxed); }
  void stop();
  const Stats& stats() const { return stats_; }

 private:
  using Frame = std::shared_ptr<const std::string>;
  boost::asio::awaitable<void> refuse(net::Exchange& exchange);
  boost::asio::awaitable<bool> send(net::Exchange& exchange, const std::string& frame);
  Frame frame();

  const Context& context_;
  const std::size_t most_;
  std::function<std::string()> state_;
  boost::asio::steady_timer tick_;  ///< all viewers wait for the same
  Frame frame_;
  TimePoint made_{};
  Stats stats_;
  std::atomic<std::uint64_t> turned_out_{0};
  bool stopped_ = false;
};

}  // namespace weir::observe
