#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include <array>
#include <future>

#include "attend.h"
#include "commands.h"
#include "exit_codes.h"
#include "net/http_server.h"
#include "net/reactor.h"
#include "slow_service.h"

namespace weir::app {
namespace {

net::ServerConfig server_config(const std::string& listen) {
  net::ServerConfig config;
  config.listen = listen;
  config.max_connections = 20'000;
  config.receive_buffer = 16_KiB;
  config.send_buffer = 32_KiB;
  config.idle_timeout = std::chrono::minutes(5);
  return config;
}

Result<ServiceSettings> settings_of(const UpstreamOptions& options) {
  ServiceSettings settings;
  const std::array<std::pair<std::string_view, const std::string*>, 7> all{{{"slots", &options.slots},
                                                                            {"time", &options.time},
                                                                            {"queue", &options.queue},
                                                                            {"errors", &options.errors},
                                                                            {"body", &options.body},
                                                                            {"pressure", &options.pressure},
                                                                            {"drop-left", &options.drop_left}}};
  for (const auto& [key, value] : all)
    if (auto set = settings.set(key, *value); !set) return failure(fmt::format("--{}: {}", key, set.error().message));
  return settings;
}

}  // namespace

int upstream(const UpstreamOptions& options) {
  auto settings = settings_of(options);
  if (!settings) {
    fmt::print(stderr, "weir: {}\n", settings.error().message);
    return bad_usage;
  }
  const sigset_t signals = block_signals();
  const Context context(system_clock(), random_seed());
  net::Reactor reactor("upstream");
  SlowService service(reactor.io(), context, std::move(*settings));
  net::HttpServer server(reactor.io(), server_config(options.listen), context,
                         [&](net::Exchange& exchange) { return service.handle(exchange); });
  auto address = net::HttpServer::check_address(options.listen, false);
  if (address) address = server.open();
  if (!address) {
    fmt::print(stderr, "weir: {}\n", address.error().message);
    return failed;
  }
  server.start();
  reactor.start();
  fmt::print("listening on {}\n", *address);
  std::fflush(stdout);
  while (!asks_to_stop(wait_for_signal(signals, std::chrono::seconds(1)))) {
  }
  std::promise<void> closed;
  boost::asio::post(reactor.io(), [&] {
    server.close_all();
    closed.set_value();
  });
  closed.get_future().get();
  reactor.stop();
  reactor.join();
  return ok;
}

}  // namespace weir::app
