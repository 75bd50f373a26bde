#pragma once
/// Asks each endpoint now and then whether it is well, and says so when that changes: GET `path` on a connection of its
/// own, which no limit counts and no queue holds up; an answer of 2xx within `timeout` is well.
///
/// An endpoint is well until `unhealthy` answers in a row were not, and unwell until `healthy` were. The first question
/// is asked at once, the others every `every`, up to a tenth earlier, so that not all endpoints are asked at one
/// moment.
///
/// Thread: the gateway's reactor. Cost: a connection and a coroutine an endpoint. On cancel: `stop`, and `is_over` says
/// when nothing of it is left, within `timeout`.
#include <weir/base/context.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string_view>

#include "config/gateways.h"
#include "net/client_pool.h"

namespace weir::gateway {

class HealthChecks {
 public:
  /// `why`: what was wrong with the last answer; empty when it is well.
  using Told = std::function<void(std::size_t endpoint, bool well, std::string_view why)>;

  /// `pools`: how each endpoint is connected to.
  HealthChecks(boost::asio::io_context& io, const config::HealthConfig& config, std::vector<net::PoolConfig> pools,
               const Context& context, Told told);
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  void start();
  void stop();
  bool is_over() const { return running_ == 0; }

 private:
  struct Watch {
    Watch(boost::asio::io_context& io, net::PoolConfig config, const Context& context)
        : address(config.address), pool(io, std::move(config), context), timer(io) {}
    const std::string address;
    net::ClientPool pool;
    boost::asio::steady_timer timer;
    net::ClientConnection* connection = nullptr;  // while it is asked
    int in_a_row = 0;                             // answers that say otherwise than `well`
    bool well = true;
  };
  boost::asio::awaitable<void> watch(std::size_t number);
  /// What is wrong with it; empty: nothing.
  boost::asio::awaitable<std::string> ask(Watch& watch);
  boost::asio::awaitable<std::string> converse(net::ClientConnection& connection, std::string head);
  void learn(std::size_t number, const std::string& why);

  boost::asio::io_context& io_;
  const config::HealthConfig config_;
  const Context& context_;
  const Told told_;
  std::vector<std::unique_ptr<Watch>> all_;
  std::size_t running_ = 0;
  bool over_ = false;
};

}  // namespace weir::gateway
