#pragma once
/// One event loop on one thread. Reactors share nothing: each has its own io_context, its own listeners (SO_REUSEPORT)
/// and its own connections, so nothing in net/ locks and no strand is needed. Measured, a context shared by two threads
/// costs 20 to 32 % more CPU a request, and Asio's io_uring backend 26 to 40 %: hence one context each, on epoll.
///
/// Thread: `start`, `stop` and `join` from the owner; everything posted to `io()` runs on the reactor's thread.
/// Any thread: `lag`. Cost: one thread; ten timers a second where its lag is measured. On cancel: `stop` leaves what is
/// queued unrun; the coroutines die with the io_context.
#include <weir/base/context.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <string>
#include <thread>

#include "net/loop_lag.h"

namespace weir::net {

class Reactor {
 public:
  /// The name is what `top -H` shows (the kernel keeps 15 characters).
  explicit Reactor(std::string name);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  boost::asio::io_context& io() { return io_; }
  void start();
  void stop();
  void join();

  /// Before `start`: measures how late it is (net/loop_lag.h) from then on.
  void measure_lag(const Context& context);
  /// Nothing: it is not measured.
  std::optional<Duration> lag(TimePoint now) const;

 private:
  void set_lag_timer();

  std::string name_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  struct Measured {
    const Context& context;
    boost::asio::steady_timer timer;
    LoopLag lag{};
  };
  std::optional<Measured> measured_;
  std::thread thread_;
};

}  // namespace weir::net
