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
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    io_.run();
  });
}

void Reactor::stop() { io_.stop(); }

void Reactor::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::net
