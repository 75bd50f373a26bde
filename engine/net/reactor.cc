#include "net/reactor.h"

#include <weir/base/result.h>

#include <pthread.h>

namespace weir::net {

Reactor::Reactor(std::string name) : name_(std::move(name)), work_(boost::asio::make_work_guard(io_)) {}

Reactor::~Reactor() {
  stop();
  join();
}

void Reactor::start() {
  WEIR_CHECK(!thread_.joinable());
  if (measured_) {  // what was opened since then is no lag
    measured_->lag.begin(measured_->context.now());
    set_lag_timer();
  }
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    io_.run();
  });
}

void Reactor::measure_lag(const Context& context) {
  if (measured_) return;
  WEIR_CHECK(!thread_.joinable());
  measured_.emplace(context, boost::asio::steady_timer(io_));
  measured_->lag.begin(context.now());
}

void Reactor::set_lag_timer() {
  measured_->timer.expires_after(LoopLag::every);
  measured_->timer.async_wait([this](boost::system::error_code failed) {
    if (failed) return;
    measured_->lag.woke(measured_->context.now());
    set_lag_timer();
  });
}

std::optional<Duration> Reactor::lag(TimePoint now) const {
  if (!measured_) return std::nullopt;
  return measured_->lag.lag(now);
}

void Reactor::stop() { io_.stop(); }

void Reactor::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::net
