#pragma once
/// A service that is as slow as it is told to be: what stands behind a gateway in examples, tests and measurements.
///
/// A request waits, first come first served, for one of `slots`, holds it for a time that is drawn from a distribution,
/// and is answered. All of it can be changed while it runs:
///
///   GET  /.weir/upstream                            its settings and what it has counted, as JSON
///   POST /.weir/upstream?slots=4&time=fixed:20ms    other settings, from the next request on
///   POST /.weir/upstream?stall=10s                  for so long nothing is answered
///
/// Times are drawn as config/service_time.h says.
///
/// A slot passes to the next at the time that was drawn, not when the timer was heard: else 10 ms would be 10.1, and
/// the capacity a percent less than `describe` says.
///
/// Thread: one reactor. Cost: a timer a request. Bound: `queue` requests wait, above it the answer is 503.
#include <weir/async/signal.h>
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "config/service_time.h"
#include "net/http.h"

namespace weir::app {

using config::ServiceTime;

struct ServiceSettings {
  std::uint32_t slots = 8, queue = 10'000;
  ServiceTime time;
  std::string time_text = "exponential:10ms";
  double errors = 0;      ///< the share that is answered 500
  bool pressure = false;  ///< whether answers say how full it is: Weir-Pressure
  bool drop_left =
      true;  ///< whether a request whose client has left while it waited is dropped; many services work for it
  std::size_t body = 1024;
  /// "slots", "time", "queue", "errors", "pressure", "body", "drop-left".
  Result<void> set(std::string_view key, std::string_view value);
};

class SlowService {
 public:
  SlowService(boost::asio::io_context& io, const Context& context, ServiceSettings settings)
      : io_(io), context_(context), rng_(context.rng()), settings_(std::move(settings)) {}
  SlowService(const SlowService&) = delete;
  SlowService& operator=(const SlowService&) = delete;

  boost::asio::awaitable<void> handle(net::Exchange& exchange);

 private:
  boost::asio::awaitable<void> control(net::Exchange& exchange);
  boost::asio::awaitable<std::optional<TimePoint>> take_slot(net::Exchange& exchange);
  boost::asio::awaitable<TimePoint> work(TimePoint begin);
  void give_slot(TimePoint since);
  void call_waiting(TimePoint since);
  Result<void> change(std::string_view query);
  std::string describe() const;
  double pressure() const;

  boost::asio::io_context& io_;
  const Context& context_;
  Rng rng_;
  ServiceSettings settings_;
  struct Turn {
    explicit Turn(boost::asio::io_context& io, TimePoint now) : come(io), begin(now) {}
    async::Signal come;
    TimePoint begin;  ///< since when it waits; when it is called: since when its slot has been free
  };
  std::deque<Turn*> waiting_;
  std::uint32_t busy_ = 0, most_busy_ = 0;
  TimePoint stalled_until_{};
  std::uint64_t in_ = 0, answered_ = 0, refused_ = 0, left_ = 0, wasted_ = 0;
};

}  // namespace weir::app
